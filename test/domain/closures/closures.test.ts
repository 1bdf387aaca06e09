// Closures and their neighbours: the availability cache, listeners, and two closures at once.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { requireAdmin, requireMember } from "#access/caller.ts"
import { cacheInvalidationHandler } from "#actors/handlers/cache-invalidation.ts"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { availabilityOf } from "#domain/booking/availability/availability.ts"
import { createClosure, removeClosure } from "#domain/closures/closures.ts"
import { closuresIn, isClosedAt } from "#domain/club/closed.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  await mirrorHandlers(database.db, [cacheInvalidationHandler()])
})
afterAll(() => database.drop())
beforeEach(async () => {
  club = await aClub(database.db)
  await club.book(club.otherCourt, 1)
  await dispatchAll(database.db)
})

const close = (resourceIds?: string[], cancelBookings = false) =>
  run(database.db, (tx) =>
    createClosure(tx, requireAdmin(club.admin.caller, club.id), {
      ...atHour(10),
      reason: "Storm",
      cancelBookings,
      ...(resourceIds && { resourceIds }),
    }),
  )
const look = async () => {
  const { slots = [] } = await availabilityOf(database.db, requireMember(club.player.caller, club.id), {
    date: dayOf(10),
    resourceId: club.court,
  })
  return slots.find(({ startAt }) => startAt === atHour(10).startAt)
}

test("a cached day is not served once it is closed, nor once it is open again", async () => {
  expect((await look())?.status).toBe("free")
  await database.db`
    update slotbase.availability_cache
    set slots = (select jsonb_agg(s || '{"priceAmount":7}') from jsonb_array_elements(slots) s) where slots is not null`
  expect((await look())?.priceAmount).toBe(7)
  for (const resourceIds of [[club.court], undefined]) {
    const { id } = await close(resourceIds)
    expect(await look()).toMatchObject({ status: "blocked", priceAmount: 2400 })
    await dispatchAll(database.db)
    await look()
    await run(database.db, (tx) => removeClosure(tx, requireAdmin(club.admin.caller, club.id), id))
    expect(await look()).toMatchObject({ status: "free" })
    await dispatchAll(database.db)
    await look()
  }
})

test("two closures at once cancel a booking once", async () => {
  const booking = await club.book(club.court, 10)
  const closed = await Promise.all([close(undefined, true), close([club.court], true)])
  expect(closed.flatMap(({ cancelledBookingIds }) => cancelledBookingIds)).toEqual([booking.id])
  const events = await database.db`
    select 1 from slotbase.events where type = 'booking.cancelled' and aggregate_id = ${booking.id}`
  expect(events).toHaveLength(1)
})

test("closures are found by time and resource", async () => {
  await close([club.court])
  const at = (n: number) => ({ start: Date.parse(atHour(n).startAt), end: Date.parse(atHour(n).endAt) })
  const closures = await closuresIn(database.db, club.id, { start: at(9).start, end: at(11).end })
  expect(closures).toEqual([{ ...at(10), resourceIds: [club.court], reason: "Storm" }])
  expect([9, 10, 11].map((n) => isClosedAt(closures, club.court, at(n)))).toEqual([false, true, false])
  expect(isClosedAt(closures, club.otherCourt, at(10))).toBe(false)
  expect(await closuresIn(database.db, club.id, at(11))).toEqual([])
})
