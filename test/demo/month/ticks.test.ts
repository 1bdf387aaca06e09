/** The ledger of the demo's month on a database that was played on before. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { readCounts, ticksOf } from "#demo/month/ticks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

test("a tick from before the month that fails in it is expected, and neither lost nor twice", async () => {
  const { db } = database
  const job = "monthly-billing"
  await db`
    insert into slotbase.jobs (name, description, cron, timezone, missed, per_facility, in_facility)
    values (${job}, 'Process monthly invoices', '0 0 1 * *', 'local', 'catch up 12', true, true)`
  await aFacility(db)
  await db`
    update slotbase.job_schedules set cron = '0 0 1 * *', timezone = 'Europe/Berlin', ticks = 3, succeeded = 1, skipped = 1`
  const before = await readCounts(db)
  await db`update slotbase.job_schedules set failed = 1`
  const at = Date.parse("2027-03-26T00:00Z")
  expect(await ticksOf(db, { before, after: await readCounts(db), from: at, until: at })).toEqual([
    { job, schedules: 1, expected: 1, run: 0, skipped: 0, failed: 1, twice: 0, lost: 0 },
  ])
})
