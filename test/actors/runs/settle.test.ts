// Settling: out of the queue and into the history, a retry on its schedule, or a dead letter with every error.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { GiveUp } from "#actors/handlers/handler.ts"
import type { Run } from "#actors/runs/claim.ts"
import { asFenced, Fenced, settleRuns } from "#actors/runs/settle.ts"
import { settleFailedRun } from "#actors/runs/settle-failed.ts"
import { retryPolicyOf } from "#actors/runtime/retry.ts"
import type { Db } from "#base/database/db.ts"
import {
  dispatchAll,
  failure,
  processRow,
  recordMany,
  runsOf,
  subscribe,
  unbalanced,
} from "#test/harness/pipeline/pipeline.ts"
import { claimFree } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const handler = "AnalyticsHandler"
const policy = retryPolicyOf(handler)

let database: TestDatabase
let db: Db
let owner: number

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await subscribe(db, handler, "booking.confirmed")
  owner = await processRow(db, true)
})

beforeEach(async () => {
  await db`truncate slotbase.event_positions, slotbase.handler_queue, slotbase.handler_claims, slotbase.handler_cursors, slotbase.handler_batches, slotbase.handler_history, slotbase.dead_letters`
  await db`update slotbase.handlers set from_position = 1`
})

afterAll(() => database.drop())

test("an ended run moves from the queue into the history, with its duration and its reason", async () => {
  const { lease } = await queueAndClaim(2)
  await settleRuns(db, handler, lease, [
    { position: 1, status: "success", durationMs: 12.5, reason: null },
    { position: 2, status: "skipped", durationMs: 0.25, reason: "no figures\u0000 of this\ud800" },
  ])
  const history = await db`
    select position, status, attempts, duration_ms, reason, errors from slotbase.handler_history order by position`
  expect([...history] as object[]).toEqual([
    { position: 1, status: "success", attempts: 1, duration_ms: 12.5, reason: null, errors: null },
    {
      position: 2,
      status: "skipped",
      attempts: 1,
      duration_ms: 0.25,
      reason: "no figures\ufffd of this\ufffd",
      errors: null,
    },
  ])
  expect(await db`select from slotbase.handler_queue`).toHaveLength(0)
  expect(await unbalanced(db)).toHaveLength(0)
})

test("a claim that succeeded together is one row with the set of its positions, and shows as many runs", async () => {
  await recordMany(db, 5)
  await recordMany(db, 2, "booking.cancelled")
  const { lease, runs } = await queueAndClaim(5)
  await settleRuns(db, handler, lease, runs.map(together), runs.length)
  const batches = await db`select handler, positions::text, runs, duration_ms from slotbase.handler_batches`
  expect([...batches] as object[]).toEqual([{ handler, positions: "{[1,6),[8,13)}", runs: 10, duration_ms: 2.5 }])
  expect(await db`select from slotbase.handler_history`).toHaveLength(0)
  expect(await runsOf(db, handler)).toEqual(
    [1, 2, 3, 4, 5, 8, 9, 10, 11, 12].map((position) => ({
      position,
      status: "success",
      attempts: 1,
      error: null,
      reason: null,
    })),
  )
  expect(await unbalanced(db)).toHaveLength(0)
})

test("a claim with a settled run is not settled as if it were whole", async () => {
  const { lease, runs } = await queueAndClaim(10)
  await settleRuns(db, handler, lease, runs.slice(0, 1).map(together))
  expect(asFenced(await failure(settleRuns(db, handler, lease, runs.map(together), 10)))).toBeInstanceOf(Fenced)
  expect((await runsOf(db, handler)).map(({ status }) => status)).toEqual(["success", ...Array(9).fill("running")])
})

test("no run succeeds twice", async () => {
  const { lease, runs } = await queueAndClaim(10)
  await settleRuns(db, handler, lease, runs.map(together), 10)
  const again = db`
    insert into slotbase.handler_batches (handler, positions, runs, duration_ms, settled_at)
    values (${handler}, '{[10,12)}', 2, 1, slotbase.now())`
  expect(await failure(again)).toMatchObject({ constraint_name: "run_succeeded_once" })
})

test("an attempt that failed comes back 1, 2 and 4 seconds later, and the fourth failure is a dead letter", async () => {
  let { lease, runs } = await queueAndClaim(1)
  for (const [nth, delay] of [1_000, 2_000, 4_000].entries()) {
    const failed = new Error(`failure ${nth + 1}`)
    expect(
      await settleFailedRun(db, { handler, lease, run: runs[0] as Run, policy }, { cause: failed, durationMs: 3 }),
    ).toBe(delay)
    const [row] = await db<[{ due_in: number }]>`
      select extract(epoch from ready_at - slotbase.now())::real * 1000 as due_in from slotbase.handler_queue`
    expect(row.due_in).toBeGreaterThan(delay - 900)
    expect(row.due_in).toBeLessThanOrEqual(delay)
    expect(await runsOf(db, handler)).toEqual([
      { position: 1, status: "retrying", attempts: nth + 1, error: `failure ${nth + 1}`, reason: null },
    ])
    await db`select slotbase.move_clock(${delay} * interval '1 ms')`
    ;({ lease, runs } = await claim())
    expect(runs).toMatchObject([{ position: 1, attempts: nth + 1 }])
  }
  expect(
    await settleFailedRun(
      db,
      { handler, lease, run: runs[0] as Run, policy },
      { cause: new Error("failure 4"), durationMs: 3 },
    ),
  ).toBeUndefined()
  expect(await runsOf(db, handler)).toEqual([
    { position: 1, status: "dead_letter", attempts: 4, error: "failure 4", reason: null },
  ])
  expect(await unbalanced(db)).toHaveLength(0)
})

test("a dead letter holds the event and every error, each as the specification's EventProcessingError", async () => {
  const { runs, dead } = await die(3)
  const event = { id: runs[0]?.id, type: "booking.confirmed", version: "1.0", data: runs[0]?.data }
  expect(dead.event).toMatchObject(event)
  expect(dead.errors).toEqual(
    [1, 2, 3, 4].map((attemptCount) => ({
      eventId: runs[0]?.id,
      eventType: "booking.confirmed",
      handlerName: handler,
      error: { message: `failure ${attemptCount}`, code: "Error", stack: expect.stringContaining("settle.test.ts") },
      attemptCount,
      maxRetries: 3,
      ...(attemptCount < 4
        ? { status: "retrying", nextRetryAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) }
        : { status: "dead_letter" }),
    })),
  )
  expect(dead.resolved_at).toBeNull()
})

test("GiveUp is a dead letter at once, under its own code", async () => {
  const { lease, runs } = await queueAndClaim(1)
  const gaveUp = new GiveUp("no such member", "member_gone")
  expect(
    await settleFailedRun(db, { handler, lease, run: runs[0] as Run, policy }, { cause: gaveUp, durationMs: 3 }),
  ).toBeUndefined()
  const { errors } = await deadLetter()
  expect(errors).toMatchObject([
    { error: { message: "no such member", code: "member_gone" }, attemptCount: 1, status: "dead_letter" },
  ])
  expect(await runsOf(db, handler)).toMatchObject([{ status: "dead_letter", attempts: 1 }])
})

test("an error that is no Error, or whose text the database refuses, is recorded all the same", async () => {
  const { lease, runs } = await queueAndClaim(2)
  await settleFailedRun(db, { handler, lease, run: runs[0] as Run, policy }, { cause: { odd: true }, durationMs: 3 })
  await settleFailedRun(
    db,
    { handler, lease, run: runs[1] as Run, policy },
    { cause: new Error(`nul \u0000 half \ud800 ${"long".repeat(5_000)}`), durationMs: 3 },
  )
  const [odd, unstorable] = await runsOf(db, handler)
  expect(odd?.error).toBe("[object Object]")
  expect(unstorable?.error).toBe(`nul \ufffd half \ufffd ${"long".repeat(5_000)}`.slice(0, 2_000))
})

test("a run that fails for good again after it was resolved opens the same dead letter again, with the new errors behind the old", async () => {
  const { dead } = await die(0)
  await db`update slotbase.dead_letters set resolved_at = slotbase.now(), resolution = 'reprocessed'`
  await db`
    with gone as (delete from slotbase.handler_history returning handler, position, facility_id, event_id)
    insert into slotbase.handler_queue (handler, position, facility_id, event_id) select * from gone`
  const { lease, runs } = await claim()
  await settleFailedRun(
    db,
    { handler, lease, run: runs[0] as Run, policy },
    { cause: new GiveUp("again"), durationMs: 1 },
  )
  const again = await deadLetter()
  expect(again.id).toBe(dead.id)
  expect(again.resolved_at).toBeNull()
  expect(again.errors.map(({ error }) => error.message)).toEqual(["failure 1", "again"])
})

const together = ({ position }: Run) => ({ position, status: "success" as const, durationMs: 2.5, reason: null })

/** Fails until the run is a dead letter; the last failure is a GiveUp when retries are left. */
async function die(retries: number) {
  let { lease, runs } = await queueAndClaim(1)
  for (let nth = 1; nth <= retries; nth++) {
    await settleFailedRun(
      db,
      { handler, lease, run: runs[0] as Run, policy },
      { cause: new Error(`failure ${nth}`), durationMs: 1 },
    )
    await db`select slotbase.move_clock('1 minute')`
    ;({ lease, runs } = await claim())
  }
  const last =
    retries === policy.maxRetries ? new Error(`failure ${retries + 1}`) : new GiveUp(`failure ${retries + 1}`)
  await settleFailedRun(db, { handler, lease, run: runs[0] as Run, policy }, { cause: last, durationMs: 1 })
  return { runs, dead: await deadLetter() }
}

async function queueAndClaim(count: number) {
  await recordMany(db, count)
  await dispatchAll(db)
  return claim()
}

const claim = () => claimFree(db, handler, owner, 100)

async function deadLetter() {
  const [row] = await db<
    [{ id: string; event: object; errors: { error: { message: string } }[]; resolved_at: Date | null }]
  >`select id, event, errors, resolved_at from slotbase.dead_letters`
  return row
}
