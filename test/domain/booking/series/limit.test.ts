// A facility at its plan's limit of bookings: a series, its window, and an offer on the waitlist. No work is done by
// halves: no booking lacks its event, and no cancellation fails because of the waitlist.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { requireMember } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import { requireMayBook } from "#domain/booking/may-book.ts"
import { extendDue } from "#domain/booking/series/extend.ts"
import type { RecurringInput } from "#domain/booking/series/input.ts"
import { createSeries, getSeries, prepareSeries, requireMayRecur } from "#domain/booking/series/series.ts"
import type { WaitlistInput } from "#domain/booking/waitlist/input.ts"
import { getEntry, joinWaitlist } from "#domain/booking/waitlist/waitlist.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"
import { aTinyPlan, subscribed } from "#test/harness/club/subscriptions.ts"
import { failure, pipelineApp } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await aTinyPlan(db)
})
afterAll(() => database.drop())
beforeEach(async () => {
  await db`update slotbase.clock set shift = '0'`
  club = await aClub(db)
  await subscribed(db, club)
})

const series = async (more: Partial<RecurringInput>) => {
  const input: RecurringInput = {
    resourceId: club.court,
    bookerId: club.player.id,
    paymentMethod: "offline",
    startDate: dayOf(0),
    startTime: "09:00",
    durationMinutes: 60,
    rule: "FREQ=DAILY",
    skipConflicts: true,
    ...more,
  }
  const member = requireMember(club.staff.caller, club.id)
  const ready = await prepareSeries(db, undefined, requireMayRecur(member, input), input)
  return run(db, (tx) => createSeries(tx, member, input, ready))
}
const counts = async () => {
  const [row] = await db<Record<string, number>[]>`
    select (select count(*) from slotbase.bookings where facility_id = ${club.id}) as bookings,
           (select count(*) from slotbase.occupancies where facility_id = ${club.id}) as occupancies,
           (select count(*) from slotbase.events where facility_id = ${club.id} and type = 'booking.confirmed') as confirmed,
           (select count(*) from slotbase.events where facility_id = ${club.id} and type = 'booking.hold.created') as held`
  return { ...row }
}

test("a series that the plan does not allow is refused as a whole, also when it may skip taken times", async () => {
  expect(await failure(series({ rule: "FREQ=DAILY;COUNT=11" }))).toMatchObject({ code: "limit_reached" })
  expect(await counts()).toEqual({ bookings: 0, occupancies: 0, confirmed: 0, held: 0 })
})

test("the window books as many as the plan allows, and reports the others", async () => {
  const { id, occurrences } = await series({ windowDays: 7 })
  expect(occurrences).toHaveLength(8)
  await db`select slotbase.move_clock('4 days')`
  expect(await extendDue(pipelineApp(db), 10, club.id)).toEqual({ series: 1, booked: 2, skipped: expect.any(Number) })
  expect(await counts()).toEqual({ bookings: 10, occupancies: 10, confirmed: 10, held: 0 })
  const after = await getSeries(db, requireMember(club.staff.caller, club.id), id)
  const skipped = after.occurrences.filter(({ status }) => status === "skipped")
  expect(skipped.length).toBeGreaterThan(0)
  expect(new Set(skipped.map(({ skippedCode }) => skippedCode))).toEqual(new Set(["limit_reached"]))
})

test("an offer that the plan does not allow is not made, and the cancellation that freed the slot stands", async () => {
  const { occurrences } = await series({ rule: "FREQ=DAILY;COUNT=10" })
  const wish: WaitlistInput = { resourceId: club.court, ...atHour(9) }
  const mayBook = requireMayBook(requireMember(club.friend.caller, club.id), wish)
  const { id } = await run(db, (tx) => joinWaitlist(tx, mayBook, wish))
  expect(occurrences[0]).toMatchObject(atHour(9))
  await club.cancel(occurrences[0]?.bookingId ?? "")
  expect(await getEntry(db, requireMember(club.friend.caller, club.id), id)).toMatchObject({
    status: "waiting",
    offer: null,
  })
  expect(await counts()).toEqual({ bookings: 10, occupancies: 9, confirmed: 10, held: 0 })
})
