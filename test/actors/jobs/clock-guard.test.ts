// Jobs that cannot be taken back wait while the clock of the host is doubted, by their tick and by hand.

import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import { guardedByClock } from "#actors/jobs/clock-guard.ts"
import { housekeeping } from "#actors/jobs/housekeeping.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import type { Db } from "#base/database/db.ts"
import { rootUserId } from "#base/ids.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
afterAll(() => database.drop())

const { signal } = new AbortController()

/** Runs the work while the clock has leapt ahead, and answers the log lines. */
async function afterLeap(by: string, work: () => Promise<void>): Promise<unknown[]> {
  await db`select slotbase.trust_clock()`
  await db`update slotbase.clock_watch set trusted_at = trusted_at - ${by}::text::interval`
  const said = spyOn(console, "error").mockImplementation(() => {})
  try {
    await work()
    return said.mock.calls.map(([line]) => JSON.parse(line))
  } finally {
    said.mockRestore()
    await db`select slotbase.trust_clock()`
  }
}

test("a guarded job runs after a leap of weeks, and waits after one of months", async () => {
  const ran: string[] = []
  const job: Actor = guardedByClock(db, {
    name: "no-show-detection",
    description: "",
    cron: "* * * * *",
    deadlineMs: 1_000,
    pass: async () => {
      ran.push("everywhere")
      return { more: false, did: { noShows: 2 } }
    },
    passIn: async (facilityId) => {
      ran.push(facilityId)
      return { more: false }
    },
  })
  await afterLeap("44 days", async () => {
    expect(await job.pass(signal)).toEqual({ more: false, did: { noShows: 2 } })
    await job.passIn?.("a club", signal)
  })
  expect(ran).toEqual(["everywhere", "a club"])
  const lines = await afterLeap("46 days", async () => {
    expect(await job.pass(signal)).toEqual({ more: false, did: { held: 1 } })
    expect(await job.passIn?.("a club", signal)).toEqual({ more: false, did: { held: 1 } })
  })
  expect(ran).toHaveLength(2)
  expect(lines).toEqual([
    expect.objectContaining({ level: "error", message: "job held", job: "no-show-detection" }),
    expect.objectContaining({ level: "error", message: "job held", job: "no-show-detection" }),
  ])
})

test("a job without a pass for one facility has none behind its guard either", () => {
  const job = guardedByClock(db, housekeeping({ db }))
  expect(job.passIn).toBeUndefined()
})

test("housekeeping makes partitions and removes nothing while the clock is doubted", async () => {
  await db`insert into slotbase.sessions (token_hash, user_id, expires_at)
           values ('\\x01', ${rootUserId}, slotbase.now() - interval '1 second')`
  const sessions = () => db`select from slotbase.sessions`
  const lines = await afterLeap("2 days", async () => {
    expect((await housekeeping({ db }).pass(signal)).did).toEqual({ held: 1 })
  })
  expect(lines).toEqual([expect.objectContaining({ level: "error", message: "housekeeping held" })])
  expect(await sessions()).toHaveLength(1)
  await housekeeping({ db }).pass(signal)
  expect(await sessions()).toHaveLength(0)
})
