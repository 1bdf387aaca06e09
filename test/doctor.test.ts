// The doctor: each check is well on a healthy database, and names what is not on a sick one.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { checks } from "../src/doctor.ts"
import { newId, platformFacilityId } from "../src/ids.ts"
import { type TestDatabase, testDatabase } from "./harness/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const ill = async () => {
  const results = await Promise.all(checks.map((check) => check(database.db)))
  return results.filter(({ well }) => !well).map(({ name, says }) => `${name}: ${says}`)
}

test("a new database is well", async () => {
  expect(await ill()).toEqual([])
})

test("work that nobody does, a missing partition and a run without its subscription are named", async () => {
  const { db } = database
  const eventId = newId()
  await db`insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
           values (1, ${platformFacilityId}, ${eventId}, 'user.created', 1, 0, slotbase.now())`
  await db`insert into slotbase.handler_queue (handler, position, facility_id, event_id)
           values ('GoneHandler', 1, ${platformFacilityId}, ${eventId})`
  await db.unsafe(`do $$ begin execute format('drop table slotbase.events_%s',
    to_char(slotbase.now() at time zone 'UTC' + interval '1 month', 'YYYY_MM')); end $$`)
  expect(await ill()).toEqual([
    `partitions: 1 tables lack next month's partition: run "select slotbase.ensure_partitions()"`,
    "processes: work is waiting and no process does it: start one with SLOTBASE_ROLE=all or actors",
    "ledger: 1 of the last 1 events lack or exceed their work, first at position 1: see slotbase.event_ledger",
  ])
})

test("what is late is named with its blocker, and what waits for a receiver is no illness", async () => {
  const { db } = database
  await db`update slotbase.clock set shift = shift + interval '1 minute'`
  const [late] = await namedCheck("late")
  expect(late).toEqual({
    name: "late",
    well: false,
    says: expect.stringMatching(
      /^1 handler_gone for up to 00:01:\d\d \(run: no program has a handler GoneHandler for user.created\): see slotbase.late_events$/,
    ),
  })
  await db`update slotbase.handler_queue set attempts = 1, ready_at = slotbase.now() + interval '1 hour'`
  expect((await namedCheck("late"))[0]?.well).toBe(true)
})

test("partitions that should have gone are named", async () => {
  const { db } = database
  await db`select slotbase.move_clock('2 years')`
  expect((await namedCheck("retention"))[0]).toMatchObject({ well: false })
  await db`update slotbase.settings set keep_events = null`
  expect((await namedCheck("retention"))[0]).toEqual({
    name: "retention",
    well: true,
    says: "events are kept for ever",
  })
})

const namedCheck = async (name: string) =>
  (await Promise.all(checks.map((check) => check(database.db)))).filter((result) => result.name === name)
