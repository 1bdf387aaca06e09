// The bounds of what leaves the log: a wrong clock never empties it, and a run removes only so much.

import { afterEach, beforeEach, expect, spyOn, test } from "bun:test"
import { retention } from "#actors/jobs/retention.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { example } from "#events/example.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { dispatchAll, recordMany } from "#test/harness/pipeline/pipeline.ts"
import { partitions } from "#test/harness/pipeline/retention.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  await aFacility(db, { id: example.facilityId })
  await record(2)
})

afterEach(async () => {
  await db`update slotbase.clock set shift = '0'`
  await clock.follow(db)
  await database.drop()
})

test("with the clock of the host 80 years ahead nothing leaves, and the run says so", async () => {
  await later("14 months")
  await record(2)
  await db`select slotbase.watch_clock()`
  await db`update slotbase.clock_watch set trusted_at = trusted_at - interval '80 years', seen_at = seen_at - interval '80 years'`
  const before = await partitions(db, "%")
  const lines = spyOn(console, "error").mockImplementation(() => {})
  expect(await run()).toEqual({ held: 1 })
  const said = lines.mock.calls.map(([line]) => JSON.parse(line))
  lines.mockRestore()
  expect(said).toEqual([expect.objectContaining({ level: "error", message: "retention held" })])
  expect(await db`select month from slotbase.retire_month()`).toHaveLength(0)
  expect(await partitions(db, "%")).toEqual(before)
  await db`select slotbase.trust_clock()`
  expect(await run()).toEqual({ months: 3 })
})

test("the newest three months of events stay, however far the clock is ahead", async () => {
  await later("2 months")
  await record(1)
  await later("80 years")
  // The audit trail loses its rows of the clock: it was made movable, and moved by two months. It also loses
  // three of rules of retention, which a later schema changed.
  expect(await run()).toEqual({ months: 0, audit_log: 5 })
  expect(await positions()).toEqual([1, 2, 3])
  await record(1)
  for (let runs = 0; runs < 2; runs++) await run()
  expect(await positions()).toEqual([4])
})

test("a log without new events still loses its older months", async () => {
  for (let month = 0; month < 4; month++) {
    await later("1 month")
    await record(1)
  }
  await later("10 years")
  for (let runs = 0; runs < 3; runs++) await run()
  expect((await positions()).at(0)).toBeGreaterThan(2)
  expect((await positions()).at(-1)).toBe(6)
})

test("one run removes at most three months, and the next one goes on", async () => {
  for (let quarter = 0; quarter < 3; quarter++) await later("4 months")
  await later("12 months")
  await record(1)
  const months: unknown[] = []
  for (let runs = 0; runs < 6; runs++) months.push((await run()).months)
  expect(months.slice(0, 2)).toEqual([3, 3])
  expect(months.at(-1)).toBe(0)
})

/** One run of the job; answers its counts. */
async function run() {
  const pass = await retention(database.url, { say: () => {} }).pass(new AbortController().signal)
  expect(pass.more).toBe(false)
  return pass.did ?? {}
}

async function later(by: string): Promise<void> {
  await db`select slotbase.move_clock(${by}::text::interval)`
  await clock.follow(db)
}

/** Records so many events and dispatches them. */
async function record(count: number): Promise<void> {
  await recordMany(db, count)
  await dispatchAll(db)
}

const positions = async () =>
  (await db<{ position: number }[]>`select position from slotbase.event_positions order by position`).map(
    ({ position }) => position,
  )
