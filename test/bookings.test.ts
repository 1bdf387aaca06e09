// The booking commands on a real database: what they write, what they announce, who may do what, and from which state.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import type { Caller } from "../src/access.ts"
import type { BookingInput } from "../src/bookings/input.ts"
import { cancelBooking, confirmBooking, createBooking, getBooking, listBookings } from "../src/bookings.ts"
import { checkIn, completeBooking, markNoShow } from "../src/check-ins.ts"
import type { Tx } from "../src/database/db.ts"
import { createHold, releaseHold } from "../src/holds.ts"
import { newId } from "../src/ids.ts"
import { aClub, atHour, type Club, run } from "./harness/club.ts"
import { type TestDatabase, testDatabase } from "./harness/database.ts"
import { aFacility, aPerson, aResource, aRole } from "./harness/factories.ts"
import { failure } from "./harness/pipeline.ts"

let database: TestDatabase
let club: Club
/** Counts up, so that no two tests want the same slot. */
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
const wanted = (more: Partial<BookingInput> = {}): BookingInput => ({
  resourceId: club.court,
  ...atHour(hour),
  bookerId: club.player.id,
  paymentMethod: "offline",
  ...more,
})
const eventsOf = async (bookingId: string) =>
  (
    await db()<{ type: string; facility_id: string; resource_id: string; booking_type: string; data: object }[]>`
      select type, facility_id, resource_id, booking_type, data from slotbase.events where aggregate_id = ${bookingId} order by id`
  ).map((row) => ({ ...row }))
const lastEvent = async (bookingId: string) => (await eventsOf(bookingId)).at(-1)
const counts = async () => {
  const [row] = await db()<Record<string, number>[]>`
    select (select count(*) from slotbase.bookings) as bookings, (select count(*) from slotbase.occupancies) as occupancies,
           (select count(*) from slotbase.booking_participants) as participants, (select count(*) from slotbase.events) as events,
           (select count(*) from slotbase.outbox) as outbox`
  return { ...row }
}
const isOccupied = async (bookingId: string) =>
  (await db()`select from slotbase.occupancies where booking_id = ${bookingId}`).length === 1
/** Moves the clock to this many minutes from the start of the present test's hour, runs, and moves it back. */
async function atMinute<T>(minutes: number, work: () => Promise<T>): Promise<T> {
  const [row] = await db()<[{ by: number }]>`
    select extract(epoch from ${atHour(hour).startAt}::timestamptz + ${minutes} * interval '1 minute' - slotbase.now())::float8 as by`
  await db()`select slotbase.move_clock(make_interval(secs => ${row.by}))`
  try {
    return await work()
  } finally {
    await db()`select slotbase.move_clock(make_interval(secs => ${-row.by}))`
  }
}

describe("a direct booking", () => {
  test("is a row, an occupancy, its participants and booking.confirmed with every field true", async () => {
    const input = wanted({
      participants: [{ userId: club.friend.id }, { userId: club.staff.id, role: "coach" }],
      bookingType: "lesson",
    })
    const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, input))
    const { startAt, endAt } = atHour(hour)
    expect(booking).toMatchObject({
      facilityId: club.id,
      resourceId: club.court,
      resourceName: "Court 1",
      status: "confirmed",
      bookingType: "lesson",
      bookerId: club.player.id,
      bookerName: "Mia Keller",
      startAt,
      endAt,
      timezone: "UTC",
      priceAmount: 2400,
      priceCurrency: "EUR",
      paymentMethod: "offline",
      holdId: null,
      expiresAt: null,
      isRecurring: false,
    })
    expect(await getBooking(db(), club.staff.caller, club.id, booking.id)).toEqual(booking)
    expect(await isOccupied(booking.id)).toBe(true)
    expect(await eventsOf(booking.id)).toEqual([
      {
        type: "booking.confirmed",
        facility_id: club.id,
        resource_id: club.court,
        booking_type: "lesson",
        data: {
          bookingId: booking.id,
          facilityId: club.id,
          resourceId: club.court,
          resourceName: "Court 1",
          bookerId: club.player.id,
          bookerName: "Mia Keller",
          bookerEmail: `${club.player.id}@example.com`,
          participants: [
            { userId: club.staff.id, name: "Mia Keller", role: "coach" },
            { userId: club.friend.id, name: "Mia Keller", role: "player" },
          ],
          startAt,
          endAt,
          timezone: "UTC",
          bookingType: "lesson",
          priceAmount: 2400,
          priceCurrency: "EUR",
          paymentMethod: "offline",
          isRecurring: false,
        },
      },
    ])
  })

  test("a command that fails late leaves neither the booking nor the event", async () => {
    const before = await counts()
    const late = exec(async (tx) => {
      await createBooking(tx, club.staff.caller, club.id, wanted())
      throw new Error("late")
    })
    expect(await failure(late)).toMatchObject({ message: "late" })
    expect(await counts()).toEqual(before)
  })

  test("touching slots are both taken, overlapping ones not, on any minute", async () => {
    const [first, second] = [atHour(hour), atHour(++hour)]
    const half = new Date(Date.parse(first.startAt) + 30 * 60_000).toISOString()
    await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ ...first })))
    await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ ...second })))
    const over = exec((tx) =>
      createBooking(tx, club.staff.caller, club.id, wanted({ startAt: half, endAt: second.endAt })),
    )
    expect(await failure(over)).toMatchObject({
      _tag: "SlotTaken",
      conflicts: [
        { ...first, status: "confirmed" },
        { ...second, status: "confirmed" },
      ],
    })
  })

  test("who loses a slot is told what stands in the way, never whose it is, and what is free nearby", async () => {
    await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
    const before = await counts()
    const error = await failure(
      exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ bookerId: club.friend.id }))),
    )
    expect(error).toMatchObject({ _tag: "SlotTaken", conflicts: [{ ...atHour(hour), status: "confirmed" }] })
    const { alternatives } = error as { alternatives: object[] }
    expect(alternatives).toHaveLength(3)
    expect(alternatives[0]).toEqual({ resourceId: club.otherCourt, ...atHour(hour) })
    expect(await counts()).toEqual(before)
    for (const each of alternatives) await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted(each)))
  })
})

describe("what is refused writes nothing", () => {
  const refused: [string, () => Partial<BookingInput>, () => Caller, object][] = [
    ["a resource that does not exist", () => ({ resourceId: newId() }), () => club.staff.caller, { _tag: "NotFound" }],
    [
      "a booker who does not exist",
      () => ({ bookerId: newId() }),
      () => club.staff.caller,
      { _tag: "InvalidInput", faults: [{ path: "body.bookerId", message: "names nobody" }] },
    ],
    [
      "a participant who does not exist",
      () => ({ participants: [{ userId: club.friend.id }, { userId: newId() }] }),
      () => club.staff.caller,
      { _tag: "InvalidInput", faults: [{ path: "body.participants.1.userId", message: "names nobody" }] },
    ],
    [
      "a start in the past",
      () => ({ startAt: "2026-01-01T10:00:00Z", endAt: "2026-01-01T11:00:00Z" }),
      () => club.staff.caller,
      { _tag: "RuleBroken", code: "starts_in_the_past" },
    ],
    [
      "online payment",
      () => ({ paymentMethod: "online" }),
      () => club.staff.caller,
      { _tag: "RuleBroken", code: "online_payment_unavailable" },
    ],
    [
      "online payment of a member",
      () => ({ paymentMethod: "online" }),
      () => club.player.caller,
      { _tag: "RuleBroken", code: "online_payment_unavailable" },
    ],
    ["a member who pays offline", () => ({}), () => club.player.caller, { _tag: "NotAllowed" }],
    ["a member who waives", () => ({ paymentMethod: "waived" }), () => club.player.caller, { _tag: "NotAllowed" }],
  ]
  test.each(refused)("%s", async (_, more, caller, error) => {
    const before = await counts()
    expect(await failure(exec((tx) => createBooking(tx, caller(), club.id, wanted(more()))))).toMatchObject(error)
    expect(await counts()).toEqual(before)
  })

  test("a resource that is inactive, and one of another facility", async () => {
    const other = await aFacility(db())
    const elsewhere = await aResource(db(), other.id)
    const closed = await aResource(db(), club.id, { name: "Closed court" })
    await db()`update slotbase.resources set is_active = false where id = ${closed.id}`
    const before = await counts()
    for (const resourceId of [elsewhere.id, closed.id]) {
      const error = await failure(exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ resourceId }))))
      expect(error).toMatchObject({ _tag: "NotFound", message: `There is no resource ${resourceId}.` })
    }
    expect(await counts()).toEqual(before)
  })

  test("a stranger learns nothing: the facility is not there", async () => {
    const stranger: Caller = { ...club.player.caller, userId: newId(), grants: [] }
    expect(
      await failure(exec((tx) => createBooking(tx, stranger, club.id, wanted({ paymentMethod: "waived" })))),
    ).toMatchObject({
      _tag: "NotFound",
      message: `There is no facility ${club.id}.`,
    })
  })

  test("a program that names no booker, a member who names another one, and one who blocks a court", async () => {
    const key: Caller = { ...club.staff.caller, kind: "api_key" }
    const { bookerId, paymentMethod, ...nameless } = wanted()
    expect(await failure(exec((tx) => createHold(tx, key, club.id, nameless)))).toMatchObject({
      _tag: "InvalidInput",
      faults: [{ path: "body.bookerId" }],
    })
    const other = { ...nameless, bookerId: club.friend.id }
    expect(await failure(exec((tx) => createHold(tx, club.player.caller, club.id, other)))).toMatchObject({
      _tag: "NotAllowed",
    })
    const block = { ...nameless, bookingType: "maintenance" as const }
    expect(await failure(exec((tx) => createHold(tx, club.player.caller, club.id, block)))).toMatchObject({
      _tag: "NotAllowed",
    })
  })

  test("a time outside of the opening hours, named in local time", async () => {
    const facility = await aFacility(db(), { timezone: "America/New_York" })
    const week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    const hours = Object.fromEntries(week.map((name) => [name, [{ open: "07:00", close: "22:00" }]]))
    await db()`update slotbase.facilities set opening_hours = ${db().json(hours)} where id = ${facility.id}`
    const court = await aResource(db(), facility.id)
    await aRole(db(), club.staff.id, "staff", facility.id)
    const grant = { role: "staff", scopeType: "facility", scopeId: facility.id } as const
    const staff: Caller = { ...club.staff.caller, grants: [grant] }
    const before = await counts()
    const input = wanted({ resourceId: court.id, startAt: "2031-03-04T02:00:00Z", endAt: "2031-03-04T03:01:00Z" })
    expect(await failure(exec((tx) => createBooking(tx, staff, facility.id, input)))).toMatchObject({
      _tag: "RuleBroken",
      code: "outside_opening_hours",
      message:
        "The facility is not open for all of this time; on 2031-03-03 it is open 07:00–22:00 (America/New_York).",
    })
    expect(await counts()).toEqual(before)
    const inside = wanted({ resourceId: court.id, startAt: "2031-03-04T02:00:00Z", endAt: "2031-03-04T03:00:00Z" })
    expect((await exec((tx) => createBooking(tx, staff, facility.id, inside))).status).toBe("confirmed")
  })
})

describe("from state to state", () => {
  type Act = "confirm" | "release" | "cancel" | "check-in" | "no-show" | "complete"
  const acts: Record<Act, (tx: Tx, id: string) => Promise<{ status: string }>> = {
    confirm: (tx, id) => confirmBooking(tx, club.staff.caller, club.id, id, { paymentMethod: "offline" }),
    release: (tx, id) => releaseHold(tx, club.staff.caller, club.id, id),
    cancel: (tx, id) => cancelBooking(tx, club.staff.caller, club.id, id, { cancellationReason: "rain" }),
    "check-in": (tx, id) => checkIn(tx, club.staff.caller, club.id, id, {}),
    "no-show": (tx, id) => markNoShow(tx, club.staff.caller, club.id, id),
    complete: (tx, id) => completeBooking(tx, club.staff.caller, club.id, id),
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
    cancel: { confirmed: "cancelled" },
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
    await atMinute(5, async () => {
      if (target !== undefined) {
        expect((await exec((tx) => acts[act](tx, booking.id))).status).toBe(target)
        expect((await getBooking(db(), club.staff.caller, club.id, booking.id)).status).toBe(target as "confirmed")
        expect((await counts()).events).toBe((before.events ?? 0) + 1)
        expect(await isOccupied(booking.id)).toBe(target !== "cancelled" && target !== "released")
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

  test("cancelled: the slot is free again, and the event says by whom and why", async () => {
    const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ bookingType: "league" })))
    const cancelled = await exec((tx) =>
      cancelBooking(tx, club.player.caller, club.id, booking.id, { cancellationReason: "ill" }),
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
        wasNoShow: false,
      },
    })
    expect((await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))).status).toBe("confirmed")
  })

  test("a member cannot cancel what has begun; staff can", async () => {
    const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
    await atMinute(0, async () => {
      const late = exec((tx) =>
        cancelBooking(tx, club.player.caller, club.id, booking.id, { cancellationReason: "late" }),
      )
      expect(await failure(late)).toMatchObject({ _tag: "WrongState", code: "booking_started" })
      expect((await exec((tx) => acts.cancel(tx, booking.id))).status).toBe("cancelled")
    })
  })

  test("checked in by oneself, and by staff with a code", async () => {
    const own = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
    await atMinute(-30, async () => {
      const { checkedInAt } = await exec((tx) => checkIn(tx, club.player.caller, club.id, own.id, {}))
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
      await exec((tx) => checkIn(tx, club.staff.caller, club.id, other.id, { method: "access_code" }))
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

  test("a no-show counts the strikes of this person in this facility", async () => {
    const person = await aPerson(db())
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

  test("no-show and complete are for staff; a booking of somebody else is not there for a member", async () => {
    const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
    const before = await counts()
    for (const [command, error] of [
      [(tx: Tx) => markNoShow(tx, club.player.caller, club.id, booking.id), { _tag: "NotAllowed" }],
      [(tx: Tx) => completeBooking(tx, club.player.caller, club.id, booking.id), { _tag: "NotAllowed" }],
      [
        (tx: Tx) => cancelBooking(tx, club.friend.caller, club.id, booking.id, { cancellationReason: "x" }),
        { _tag: "NotFound" },
      ],
      [(tx: Tx) => checkIn(tx, club.friend.caller, club.id, booking.id, {}), { _tag: "NotFound" }],
      [(tx: Tx) => checkIn(tx, club.staff.caller, club.id, newId(), {}), { _tag: "NotFound" }],
    ] as const) {
      expect(await failure(exec<unknown>(command))).toMatchObject(error)
    }
    expect(await failure(getBooking(db(), club.friend.caller, club.id, booking.id))).toMatchObject({ _tag: "NotFound" })
    expect(await counts()).toEqual(before)
  })

  test("a booking of another facility is not there, whoever asks for it here", async () => {
    const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
    const other = await aClub(db())
    expect(await failure(getBooking(db(), other.admin.caller, other.id, booking.id))).toMatchObject({
      _tag: "NotFound",
    })
    const cancel = exec((tx) =>
      cancelBooking(tx, other.admin.caller, other.id, booking.id, { cancellationReason: "x" }),
    )
    expect(await failure(cancel)).toMatchObject({ _tag: "NotFound" })
  })
})

describe("the list", () => {
  test("is by start and id, in pages, filtered, and a member sees only their own", async () => {
    const own = await aClub(db())
    for (const [n, bookerId, court] of [
      [3, own.player.id, own.court],
      [1, own.friend.id, own.court],
      [2, own.player.id, own.otherCourt],
      [1, own.player.id, own.otherCourt],
    ] as const) {
      await exec((tx) =>
        createBooking(tx, own.staff.caller, own.id, {
          resourceId: court,
          ...atHour(n),
          bookerId,
          paymentMethod: "waived",
        }),
      )
    }
    const list = async (caller: Caller, query: object) => listBookings(db(), caller, own.id, query)
    const hours = (page: { data: readonly { startAt: string }[] }) =>
      page.data.map(({ startAt }) => (Date.parse(startAt) - Date.parse(atHour(0).startAt)) / 3_600_000)
    const all = await list(own.staff.caller, {})
    expect(hours(all)).toEqual([1, 1, 2, 3])
    expect(all.next).toBeNull()
    const first = await list(own.staff.caller, { limit: "3" })
    expect(hours(first)).toEqual([1, 1, 2])
    expect(hours(await list(own.staff.caller, { limit: "3", after: first.next }))).toEqual([3])
    expect(hours(await list(own.staff.caller, { resourceId: own.otherCourt }))).toEqual([1, 2])
    expect(hours(await list(own.staff.caller, { bookerId: own.friend.id }))).toEqual([1])
    expect(hours(await list(own.staff.caller, { status: "cancelled" }))).toEqual([])
    expect(hours(await list(own.staff.caller, { from: atHour(2).startAt, to: atHour(3).startAt }))).toEqual([2])
    expect(hours(await list(own.player.caller, {}))).toEqual([1, 2, 3])
    expect(await failure(list(own.player.caller, { bookerId: own.friend.id }))).toMatchObject({ _tag: "NotAllowed" })
    expect(await failure(list(own.staff.caller, { after: "nonsense" }))).toMatchObject({ _tag: "InvalidInput" })
    expect(await failure(list({ ...own.player.caller, grants: [] }, {}))).toMatchObject({ _tag: "NotFound" })
  })
})
