// The questions of the fault campaign find what they ask for: each lie that is planted into the tables is named.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Tx } from "../../src/database/db.ts"
import { brokenPromises } from "../harness/broken-promises.ts"
import { aClub } from "../harness/club.ts"
import { type TestDatabase, testDatabase } from "../harness/database.ts"
import { dispatchAll, subscribe } from "../harness/pipeline.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  const club = await aClub(database.db)
  await subscribe(database.db, "AnalyticsHandler", "booking.confirmed", "booking.cancelled")
  const kept = await club.book(club.court, 9)
  const cancelled = await club.book(club.court, 10)
  await club.cancel(cancelled.id)
  await dispatchAll(database.db)
  // What AnalyticsHandler would have counted.
  await database.db`
    insert into slotbase.daily_facility_figures (facility_id, day, bookings, cancellations, booked_minutes, booked_amount)
    values (${club.id}, ${kept.startAt.slice(0, 10)}, 2, 1, 60, ${kept.priceAmount})`
})
afterAll(() => database.drop())

class Undone extends Error {}

/** What is found after the lie, which is taken back. */
async function foundAfter(lie: (tx: Tx) => Promise<unknown>): Promise<string[]> {
  let found: string[] = []
  await database.db
    .begin(async (tx) => {
      await lie(tx)
      found = (await brokenPromises(tx)).map(({ promise, what }) => `${promise}: ${what}`)
      throw new Undone()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error
    })
  return found
}

test("a healthy database has nothing broken", async () => {
  expect(await brokenPromises(database.db)).toEqual([])
})

const lies: readonly [lie: string, plant: (tx: Tx) => Promise<unknown>, found: string][] = [
  [
    "an event is lost before it gets a position",
    (tx) =>
      tx`delete from slotbase.event_positions where position = (select max(position) from slotbase.event_positions)`,
    "P2: an event without a position",
  ],
  [
    "a booking's announcement is lost",
    (tx) => tx`delete from slotbase.events where type = 'booking.cancelled'`,
    "P1: a change without its event",
  ],
  [
    "an announcement whose booking was rolled back",
    (tx) => tx`update slotbase.events set aggregate_id = gen_random_uuid()::text where type = 'booking.cancelled'`,
    "P1: an event without its change",
  ],
  [
    "a run is lost",
    (tx) => tx`
      select slotbase.move_cursor('AnalyticsHandler', slotbase.cursor_of('AnalyticsHandler'),
        coalesce(slotbase.cursor_of('AnalyticsHandler'), 1) + 1)`,
    "P2: an event whose ledger is not balanced",
  ],
  [
    "an effect happened twice",
    (tx) => tx`update slotbase.daily_facility_figures set bookings = bookings + 1`,
    "P3: a day whose figures are not those of its bookings",
  ],
  [
    "a run ended as dead and left no dead letter",
    (tx) => tx`
      insert into slotbase.handler_history (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at)
      select event_id, 'AnalyticsHandler', facility_id, position, 'dead_letter', 4, 1, now() from slotbase.event_positions limit 1`,
    "P5: a dead run or a failed delivery without its dead letter",
  ],
  [
    "a position is missing",
    (tx) => tx`update slotbase.event_positions set position = position + 1
               where position = (select max(position) from slotbase.event_positions)`,
    "P7: positions that are not dense",
  ],
  [
    "a booking is cancelled before it is confirmed",
    (tx) => tx`
      update slotbase.event_positions p
      set event_id = other.event_id, type = other.type
      from slotbase.event_positions other
      where p.type in ('booking.confirmed', 'booking.cancelled') and other.type in ('booking.confirmed', 'booking.cancelled')
        and p.position <> other.position
        and (select aggregate_id from slotbase.events where id = p.event_id)
          = (select aggregate_id from slotbase.events where id = other.event_id)`,
    "P7: a booking whose events have positions out of the order of its life",
  ],
  [
    "a slot is free although it is booked",
    (tx) => tx`delete from slotbase.occupancies`,
    "P9: a booking that occupies without its row in occupancies, or the other way round",
  ],
]

for (const [lie, plant, found] of lies) {
  test(`found: ${lie}`, async () => {
    expect(await foundAfter(plant)).toContain(found)
  })
}
