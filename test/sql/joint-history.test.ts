// The history of joint runs has a partition for each month of the other history. A run leaves it when a message of the
// run was given up.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { example } from "#events/example.ts"
import { dispatchAll, processRow, recordOne, runsOf, subscribe, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let owner: number

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
beforeEach(async () => {
  await db`
    truncate slotbase.event_positions, slotbase.handlers, slotbase.handler_cursors, slotbase.handler_claims, slotbase.handler_history,
      slotbase.joint_history, slotbase.dead_letters, slotbase.outbox, slotbase.events`
  owner = await processRow(db, true)
})
afterAll(() => database.drop())

test("it has a partition for every month of the other history", async () => {
  const months = async (parent: string) =>
    (
      await db<{ name: string }[]>`
        select right(c.relname, 7) as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = ${parent}::regclass order by name`
    ).map(({ name }) => name)
  expect(await months("slotbase.joint_history")).toEqual(await months("slotbase.handler_history"))
})

test.each([
  ["beside another handler", ["AnalyticsHandler", "NotificationHandler"]],
  ["by itself", ["NotificationHandler"]],
])("a run that succeeded %s becomes a dead letter with its message, and only that run", async (_, handlers) => {
  const id = await settled(handlers)
  await db`select slotbase.dead_letter_of_messages(${id}, ${example.facilityId}, '{"error": {"message": "given up"}}'::jsonb)`
  expect(await runsOf(db, "NotificationHandler")).toMatchObject([{ status: "dead_letter", attempts: 1 }])
  for (const handler of handlers.filter((name) => name !== "NotificationHandler"))
    expect(await runsOf(db, handler)).toMatchObject([{ status: "success", attempts: 1 }])
  const rows = await db<
    { handlers: string[]; durations_ms: number[] }[]
  >`select handlers, durations_ms from slotbase.joint_history`
  expect(rows.map((row) => [row.handlers, row.durations_ms])).toEqual(
    handlers.length === 1 ? [] : [[["AnalyticsHandler"], [1]]],
  )
  expect(await unbalanced(db)).toHaveLength(0)
})

/** An event that these handlers have handled together; the n-th took n ms. */
async function settled(handlers: readonly string[]): Promise<string> {
  for (const handler of handlers) await subscribe(db, handler, "booking.confirmed")
  const id = await recordOne(db)
  await dispatchAll(db)
  await db`insert into slotbase.handler_cursors (handler, next) select unnest(${handlers}::text[]), 1`
  const sinces = handlers.map(() => 0)
  const durations = handlers.map((_, nth) => nth + 1)
  const [{ lease }] = await db<[{ lease: number }]>`
    select lease from slotbase.claim_joint(${handlers}, ${sinces}::bigint[], ${owner}, 32, true)`
  await db`select slotbase.settle_joint(${lease}, ${handlers}, ${durations}::real[], ${handlers.length}, null)`
  return id
}
