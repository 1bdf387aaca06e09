// Whether a handler has finished its runs of a facility's events after a position. The tests cover each place where an
// unfinished run may be. They also check that the function's text becomes part of the calling statement.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const handler = "WatchedHandler"
const facility = "00000000-0000-7000-8000-00000000000a"
const other = "00000000-0000-7000-8000-00000000000b"
const types = ["booking.confirmed", "booking.cancelled"]

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})

afterAll(() => database.drop())

/**
 * Positions 1 to 5 belong to the facility, 6 to another. Both types are subscribed from 1 on. Everything was claimed
 * and settled.
 */
beforeEach(async () => {
  await db`truncate slotbase.event_positions, slotbase.handlers, slotbase.handler_cursors, slotbase.handler_claims,
    slotbase.handler_queue, slotbase.dead_letters`
  await db`
    insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
    select n, case when n < 6 then ${facility}::uuid else ${other}::uuid end, slotbase.id_at('2030-01-01'), ${types[0] ?? ""}, 1, 0, slotbase.now()
    from generate_series(1, 6) n`
  await db`insert into slotbase.handlers (handler, event_type, from_position) select ${handler}, unnest(${types}::text[]), 1`
  await db`insert into slotbase.handler_cursors (handler, next) values (${handler}, 7)`
})

test("all runs are finished, also when the position is the last one", async () => {
  expect(await finishedAfter(0)).toBe(true)
  expect(await finishedAfter(5)).toBe(true)
})

test.each<[string, () => PromiseLike<unknown>]>([
  ["behind the cursor", () => db`update slotbase.handler_cursors set next = 4`],
  [
    "in a claim",
    () => db`
      insert into slotbase.handler_claims (handler, lease, owner, positions, claimed_at, fresh)
      values (${handler}, 1, 1, '{4}', slotbase.now(), true)`,
  ],
  [
    "in the queue",
    () => db`
      insert into slotbase.handler_queue (handler, position, facility_id, event_id)
      values (${handler}, 4, ${facility}, slotbase.id_at('2030-01-01'))`,
  ],
  ["among the dead letters", () => dies(null)],
])("a run that waits %s is unfinished", async (_, wait) => {
  await wait()
  expect(await finishedAfter(0)).toBe(false)
  expect(await finishedAfter(3)).toBe(false)
})

test("a reprocessed dead letter is finished with its run", async () => {
  await dies("reprocessed")
  expect(await finishedAfter(0)).toBe(true)
})

test("events of another facility, and runs of another handler, do not count", async () => {
  await db`update slotbase.handler_cursors set next = 6`
  await db`
    insert into slotbase.handler_queue (handler, position, facility_id, event_id)
    values ('OtherHandler', 4, ${facility}, slotbase.id_at('2030-01-01'))`
  expect(await finishedAfter(0)).toBe(true)
})

test("when as many events follow as the limit allows, the answer is false", async () => {
  expect(await finishedAfter(0, 6)).toBe(true)
  expect(await finishedAfter(0, 5)).toBe(false)
})

test("when a type was subscribed later, or no longer is, the answer is false", async () => {
  await db`update slotbase.handlers set from_position = 3 where event_type = 'booking.cancelled'`
  expect(await finishedAfter(1)).toBe(false)
  expect(await finishedAfter(2)).toBe(true)
  await db`update slotbase.handlers set until_position = 7 where event_type = 'booking.cancelled'`
  expect(await finishedAfter(2)).toBe(false)
})

test("the text of the function becomes part of the statement that asks", async () => {
  const plan = await db<{ "QUERY PLAN": string }[]>`
    explain select f.finished from (select ${facility}::uuid as id, 0::bigint as oldest offset 0) a
    cross join lateral slotbase.runs_finished_after(${handler}, ${types}, a.id, a.oldest, 200) f`
  const text = plan.map((row) => row["QUERY PLAN"]).join("\n")
  expect(text).toContain("event_positions")
  expect(text).not.toContain("Function Scan")
})

async function finishedAfter(position: number, atMost = 200): Promise<boolean | null | undefined> {
  const [row] = await db<{ finished: boolean | null }[]>`
    select finished from slotbase.runs_finished_after(${handler}, ${types}, ${facility}, ${position}, ${atMost})`
  return row?.finished
}

const dies = (resolution: string | null) => db`
  insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at,
    resolved_at, resolution)
  values (slotbase.new_id(), ${facility}, slotbase.id_at('2030-01-01'), 4, ${handler}, '{}', '[]', slotbase.now(), slotbase.now(),
    case when ${resolution}::text is not null then slotbase.now() end, ${resolution})`
