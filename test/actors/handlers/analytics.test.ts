// AnalyticsHandler: the figures of the local day, from real bookings.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { requireMember } from "#access/caller.ts"
import { analyticsHandler } from "#actors/handlers/analytics.ts"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { newId } from "#base/ids.ts"
import { checkIn, completeBooking } from "#domain/booking/attendance/check-in.ts"
import { markNoShow } from "#domain/booking/attendance/no-shows.ts"
import { confirmBooking } from "#domain/booking/confirm.ts"
import { rescheduleBooking } from "#domain/booking/reschedule.ts"
import type { EventType } from "#events/catalogue.ts"
import { record } from "#events/outbox.ts"
import { createBooking, createHold } from "#test/harness/club/ask.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"
import { sample } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let club: Club
const handler = analyticsHandler()

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  await database.db`update slotbase.clock set shift = '0'`
  club = await aClub(database.db)
})

const db = () => database.db

/** Handles all events of the club for the handler, in one batch, newest first: sums do not depend on the order. */
async function handleAll(): Promise<unknown> {
  const events = await db()<HandledEvent[]>`
    select e.*, 0 as position from slotbase.events e
    where facility_id = ${club.id} and type = any (${[...handler.events]}) order by id desc`
  return db().begin((tx) => handler.handleAll(tx, events))
}
const figures = async () =>
  (
    await db()<Record<string, number | string>[]>`
      select day::text, bookings, cancellations, check_ins, no_shows, completions, booked_minutes, booked_amount, payments_amount, refunds_amount
      from slotbase.daily_facility_figures where facility_id = ${club.id} order by day`
  ).map((row) => ({ ...row }))
const none = {
  bookings: 0,
  cancellations: 0,
  check_ins: 0,
  no_shows: 0,
  completions: 0,
  booked_minutes: 0,
  booked_amount: 0,
  payments_amount: 0,
  refunds_amount: 0,
}

test("counts the bookings of a day by their fate, a booking from a hold once", async () => {
  const kept = await club.book(club.court, 9)
  const missed = await club.book(club.court, 10)
  const cancelled = await club.book(club.court, 11)
  await club.cancel(cancelled.id)
  const input = { resourceId: club.court, startAt: atHour(12).startAt, endAt: atHour(13).endAt }
  const held = await run(db(), (tx) => createHold(tx, club.player.caller, club.id, input))
  await run(db(), (tx) =>
    confirmBooking(tx, requireMember(club.staff.caller, club.id), held.id, { paymentMethod: "waived" }),
  )
  await db()`select slotbase.move_clock(${atHour(10).startAt}::timestamptz - slotbase.now() - interval '10 minutes')`
  await run(db(), (tx) => checkIn(tx, requireMember(club.staff.caller, club.id), kept.id, {}))
  await db()`select slotbase.move_clock('20 minutes')`
  await run(db(), (tx) => markNoShow(tx, requireMember(club.staff.caller, club.id), missed.id))
  await run(db(), (tx) => completeBooking(tx, requireMember(club.staff.caller, club.id), kept.id))
  await handleAll()
  expect(await figures()).toEqual([
    {
      ...none,
      day: dayOf(9),
      bookings: 4,
      cancellations: 1,
      check_ins: 1,
      no_shows: 1,
      completions: 1,
      booked_minutes: 240,
      booked_amount: 9600,
    },
  ])
})

test("the day is the local day of the facility, on both sides of its midnight", async () => {
  await db()`update slotbase.facilities set timezone = 'Pacific/Auckland' where id = ${club.id}`
  // In Auckland 2031-06-10T12:00Z is the midnight that begins 11 June.
  for (const [startAt, endAt] of [
    ["2031-06-10T11:00:00Z", "2031-06-10T12:00:00Z"],
    ["2031-06-10T12:00:00Z", "2031-06-10T12:30:00Z"],
  ] as const) {
    const input = {
      resourceId: club.court,
      startAt,
      endAt,
      bookerId: club.player.id,
      paymentMethod: "offline" as const,
    }
    await run(db(), (tx) => createBooking(tx, club.staff.caller, club.id, input))
  }
  await handleAll()
  expect(await figures()).toEqual([
    { ...none, day: "2031-06-10", bookings: 1, booked_minutes: 60, booked_amount: 2400 },
    { ...none, day: "2031-06-11", bookings: 1, booked_minutes: 30, booked_amount: 1200 },
  ])
})

test("a move moves its figures; a request that was never approved is in no figure", async () => {
  const moved = await club.book(club.court, 9)
  const to = { startAt: atHour(33).startAt, endAt: atHour(34).endAt }
  await run(db(), (tx) => rescheduleBooking(tx, requireMember(club.player.caller, club.id), moved.id, to))
  const withdrawn = await club.book(club.court, 10)
  await db()`update slotbase.bookings set status = 'pending', confirmed_at = null where id = ${withdrawn.id}`
  await db()`delete from slotbase.events where aggregate_id = ${withdrawn.id}`
  await club.cancel(withdrawn.id)
  await handleAll()
  expect(await figures()).toEqual([
    { ...none, day: dayOf(9) },
    { ...none, day: dayOf(33), bookings: 1, booked_minutes: 120, booked_amount: 4800 },
  ])
})

test("payments count on the day on which they were made, offline ones on the day that staff named", async () => {
  const data = { facilityId: club.id }
  await run(db(), async (tx) => {
    const at = { occurredAt: new Date("2031-06-10T23:59:00Z") }
    record(tx, { ...sample("payment.succeeded", { ...data, amount: 500 }, club.id), ...at })
    record(tx, { ...sample("payment.refunded", { ...data, amount: 200 }, club.id), ...at })
    record(tx, { ...sample("payment.succeeded", { ...data, referenceType: "subscription" }, club.id), ...at })
    record(tx, sample("offline_payment.recorded", { ...data, amount: 70, paymentDate: "2031-06-12" }, club.id))
  })
  await handleAll()
  expect(await figures()).toEqual([
    { ...none, day: "2031-06-10", payments_amount: 500, refunds_amount: 200 },
    { ...none, day: "2031-06-12", payments_amount: 70 },
  ])
})

describe("an event that cannot be counted is skipped with its reason", () => {
  test("an event of a booking that is not there", async () => {
    await run(db(), async (tx) =>
      record(tx, sample("booking.cancelled", { facilityId: club.id, bookingId: newId() }, club.id)),
    )
    expect(await handleAll()).toEqual([{ skipped: "the booking does not exist" }])
    expect(await figures()).toEqual([])
  })

  test("an event of a facility that is not there", async () => {
    const type: EventType = "booking.no_show"
    await run(db(), async (tx) => record(tx, sample(type, {}, newId())))
    const [event] = await db()<
      HandledEvent[]
    >`select *, 0 as position from slotbase.events where type = ${type} order by id desc limit 1`
    const outcomes = await db().begin((tx) => handler.handleAll(tx, [event as HandledEvent]))
    expect(outcomes).toEqual([{ skipped: "the facility does not exist" }])
  })
})
