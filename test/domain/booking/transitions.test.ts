// Transitions between states: the allowed commands of each state, with their times, roles and events.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { requireMember } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import { checkIn, completeBooking } from "#domain/booking/attendance/check-in.ts"
import { markNoShow } from "#domain/booking/attendance/no-shows.ts"
import { cancelBooking } from "#domain/booking/cancel.ts"
import { confirmBooking } from "#domain/booking/confirm.ts"
import { releaseHold } from "#domain/booking/holds.ts"
import type { BookingInput } from "#domain/booking/input.ts"
import { getBooking } from "#domain/booking/list.ts"
import { createBooking } from "#test/harness/club/ask.ts"
import { atMinuteOf, bookingCounts, eventsOf, isOccupied } from "#test/harness/club/bookings.ts"
import { aClub, aMember, type Club, run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let club: Club
/** Counts up, so that no two tests use the same slot. */
let hour = 0

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
})
afterAll(() => database.drop())
beforeEach(() => {
  hour++
})

const db = () => database.db
const exec = <T>(command: (tx: Tx) => Promise<T>) => run(db(), command)
const counts = () => bookingCounts(db())
const wanted = (more: Partial<BookingInput> = {}): BookingInput => ({
  resourceId: club.court,
  ...atHour(hour),
  bookerId: club.player.id,
  paymentMethod: "offline",
  ...more,
})
const lastEvent = async (bookingId: string) => (await eventsOf(db(), bookingId)).at(-1)
const atMinute = <T>(minutes: number, work: () => Promise<T>) => atMinuteOf(db(), hour, minutes, work)

type Act = "confirm" | "release" | "cancel" | "check-in" | "no-show" | "complete"
const acts: Record<Act, (tx: Tx, id: string) => Promise<{ status: string }>> = {
  confirm: (tx, id) => confirmBooking(tx, requireMember(club.staff.caller, club.id), id, { paymentMethod: "offline" }),
  release: (tx, id) => releaseHold(tx, requireMember(club.staff.caller, club.id), id),
  cancel: (tx, id) => cancelBooking(tx, requireMember(club.staff.caller, club.id), id, { cancellationReason: "rain" }),
  "check-in": (tx, id) => checkIn(tx, requireMember(club.staff.caller, club.id), id, {}),
  "no-show": (tx, id) => markNoShow(tx, requireMember(club.staff.caller, club.id), id),
  complete: (tx, id) => completeBooking(tx, requireMember(club.staff.caller, club.id), id),
}
const states = [
  "held",
  "pending",
  "confirmed",
  "checked_in",
  "completed",
  "cancelled",
  "no_show",
  "expired",
  "released",
] as const
const allowed: Record<Act, Partial<Record<(typeof states)[number], string>>> = {
  confirm: { held: "confirmed" },
  release: { held: "released" },
  cancel: { confirmed: "cancelled", pending: "cancelled" },
  "check-in": { confirmed: "checked_in" },
  "no-show": { confirmed: "no_show" },
  complete: { confirmed: "completed", checked_in: "completed" },
}
const codes: Record<Act, string> = {
  confirm: "booking_not_held",
  release: "booking_not_held",
  cancel: "booking_not_confirmed",
  "check-in": "booking_not_confirmed",
  "no-show": "booking_not_confirmed",
  complete: "booking_not_confirmed",
}
const table = states.flatMap((from) => (Object.keys(acts) as Act[]).map((act) => [from, act] as const))

test.each(table)("%s → %s", async (from, act) => {
  const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
  await db()`
    update slotbase.bookings set status = ${from}, cancelled_by = ${club.staff.id}, cancellation_reason = 'x',
      hold_id = ${newId()}, hold_expires_at = 'infinity' where id = ${booking.id}`
  await db()`update slotbase.bookings set hold_expires_at = '2200-01-01' where id = ${booking.id}`
  const target = allowed[act][from]
  const before = await counts()
  // A request that has begun has expired.
  await atMinute(from === "pending" ? -5 : 5, async () => {
    if (target !== undefined) {
      expect((await exec((tx) => acts[act](tx, booking.id))).status).toBe(target)
      expect((await getBooking(db(), requireMember(club.staff.caller, club.id), booking.id)).status).toBe(
        target as "confirmed",
      )
      expect((await counts()).events).toBe((before.events ?? 0) + 1)
      expect(await isOccupied(db(), booking.id)).toBe(target !== "cancelled" && target !== "released")
      return
    }
    const error = await failure(exec((tx) => acts[act](tx, booking.id)))
    const code = from === "expired" && (act === "confirm" || act === "release") ? "hold_expired" : codes[act]
    expect(error).toMatchObject({ _tag: "WrongState", code })
    if (code !== "hold_expired") {
      const present = from === "no_show" ? "a no-show" : from.replace("_", " ")
      expect((error as Error).message).toStartWith(`The booking is ${present}; only one that is `)
    }
    expect(await counts()).toEqual(before)
  })
})

const times: [Act, number, string][] = [
  ["check-in", -31, "check_in_too_early"],
  ["check-in", 60, "check_in_too_late"],
  ["no-show", -1, "booking_not_started"],
  ["complete", -1, "booking_not_started"],
]
test.each(times)("%s at minute %d is %s", async (act, minute, code) => {
  const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
  const before = await counts()
  await atMinute(minute, async () => {
    expect(await failure(exec((tx) => acts[act](tx, booking.id)))).toMatchObject({ _tag: "WrongState", code })
  })
  expect(await counts()).toEqual(before)
})

test("cancelled: the slot is free again, and the event names the person and the reason", async () => {
  const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ bookingType: "league" })))
  const cancelled = await exec((tx) =>
    cancelBooking(tx, requireMember(club.player.caller, club.id), booking.id, { cancellationReason: "ill" }),
  )
  expect(cancelled).toMatchObject({ status: "cancelled", cancelledBy: club.player.id, cancellationReason: "ill" })
  expect(await lastEvent(booking.id)).toEqual({
    type: "booking.cancelled",
    facility_id: club.id,
    resource_id: club.court,
    booking_type: "league",
    data: {
      bookingId: booking.id,
      facilityId: club.id,
      resourceId: club.court,
      bookerId: club.player.id,
      ...atHour(hour),
      cancelledBy: club.player.id,
      cancellationReason: "ill",
      refundAmount: 0,
      refundStatus: "none",
      wasNoShow: false,
    },
  })
  expect((await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))).status).toBe("confirmed")
})

test("a member cannot cancel a booking that has begun; staff can", async () => {
  const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
  await atMinute(0, async () => {
    const late = exec((tx) =>
      cancelBooking(tx, requireMember(club.player.caller, club.id), booking.id, { cancellationReason: "late" }),
    )
    expect(await failure(late)).toMatchObject({ _tag: "WrongState", code: "booking_started" })
    expect((await exec((tx) => acts.cancel(tx, booking.id))).status).toBe("cancelled")
  })
})

test("checked in by oneself, and by staff with a code", async () => {
  const own = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
  await atMinute(-30, async () => {
    const { checkedInAt } = await exec((tx) => checkIn(tx, requireMember(club.player.caller, club.id), own.id, {}))
    expect((await lastEvent(own.id))?.data).toEqual({
      bookingId: own.id,
      facilityId: club.id,
      userId: club.player.id,
      checkedInAt: checkedInAt as string,
      checkedInBy: "self",
      method: "manual",
    })
  })
  hour++
  const other = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
  await atMinute(59, async () => {
    await exec((tx) => checkIn(tx, requireMember(club.staff.caller, club.id), other.id, { method: "access_code" }))
    expect((await lastEvent(other.id))?.data).toMatchObject({ checkedInBy: "staff", method: "access_code" })
  })
})

test("completed: the minutes from check-in to now, never beyond the end", async () => {
  const early = await exec((tx) =>
    createBooking(tx, club.staff.caller, club.id, wanted({ participants: [{ userId: club.friend.id }] })),
  )
  await atMinute(10, () => exec((tx) => acts["check-in"](tx, early.id)))
  await atMinute(45, () => exec((tx) => acts.complete(tx, early.id)))
  expect(await lastEvent(early.id)).toEqual({
    type: "booking.completed",
    facility_id: club.id,
    resource_id: club.court,
    booking_type: "open_play",
    data: {
      bookingId: early.id,
      facilityId: club.id,
      resourceId: club.court,
      bookerId: club.player.id,
      participants: [club.friend.id],
      ...atHour(hour),
      actualDuration: 35,
      wasCoachingSession: false,
    },
  })
  hour++
  const whole = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
  await atMinute(200, () => exec((tx) => acts.complete(tx, whole.id)))
  expect((await lastEvent(whole.id))?.data).toMatchObject({ actualDuration: 60 })
})

test("a no-show counts the strikes of one person in one facility", async () => {
  const person = await aMember(db(), "player", club.id)
  for (const strike of [1, 2]) {
    hour++
    const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ bookerId: person.id })))
    await atMinute(20, () => exec((tx) => acts["no-show"](tx, booking.id)))
    expect((await lastEvent(booking.id))?.data).toMatchObject({
      bookingId: booking.id,
      facilityId: club.id,
      userId: person.id,
      scheduledAt: atHour(hour).startAt,
      feeCharged: 0,
      strikeCount: strike,
      restrictionApplied: false,
    })
  }
})

test("no-show and complete are for staff; another person's booking is a 404 for a member", async () => {
  const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
  const before = await counts()
  for (const [command, error] of [
    [(tx: Tx) => markNoShow(tx, requireMember(club.player.caller, club.id), booking.id), { _tag: "NotAllowed" }],
    [(tx: Tx) => completeBooking(tx, requireMember(club.player.caller, club.id), booking.id), { _tag: "NotAllowed" }],
    [
      (tx: Tx) =>
        cancelBooking(tx, requireMember(club.friend.caller, club.id), booking.id, { cancellationReason: "x" }),
      { _tag: "NotFound" },
    ],
    [(tx: Tx) => checkIn(tx, requireMember(club.friend.caller, club.id), booking.id, {}), { _tag: "NotFound" }],
    [(tx: Tx) => checkIn(tx, requireMember(club.staff.caller, club.id), newId(), {}), { _tag: "NotFound" }],
  ] as const) {
    expect(await failure(exec<unknown>(command))).toMatchObject(error)
  }
  expect(await failure(getBooking(db(), requireMember(club.friend.caller, club.id), booking.id))).toMatchObject({
    _tag: "NotFound",
  })
  expect(await counts()).toEqual(before)
})

test("a booking of another facility is a 404 for every caller here", async () => {
  const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
  const other = await aClub(db())
  expect(await failure(getBooking(db(), requireMember(other.admin.caller, other.id), booking.id))).toMatchObject({
    _tag: "NotFound",
  })
  const cancel = exec((tx) =>
    cancelBooking(tx, requireMember(other.admin.caller, other.id), booking.id, { cancellationReason: "x" }),
  )
  expect(await failure(cancel)).toMatchObject({ _tag: "NotFound" })
})
