// Claims: no run belongs to two processes. The runs of a dead process are tried once more, then one by one, and a late
// settlement changes nothing.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { claimFreshRuns, claimQuarantinedRun, type Run, releaseAbandonedRuns, returnRuns } from "#actors/runs/claim.ts"
import { asFenced, Fenced, settleRuns } from "#actors/runs/settle.ts"
import { settleFailedRun } from "#actors/runs/settle-failed.ts"
import { retryPolicyOf } from "#actors/runtime/retry.ts"
import { connect, type Db } from "#base/database/db.ts"
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
let alive: number
let dead: number

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await subscribe(db, handler, "booking.confirmed")
  alive = await processRow(db, true)
  dead = await processRow(db, false)
})

beforeEach(async () => {
  await db`truncate slotbase.event_positions, slotbase.handler_queue, slotbase.handler_claims, slotbase.handler_cursors, slotbase.handler_batches, slotbase.handler_history, slotbase.dead_letters`
  await db`update slotbase.handlers set from_position = 1`
})

afterAll(() => database.drop())

describe("claiming free runs", () => {
  test("four processes share the runs and never one of them", async () => {
    await queue(600)
    const others = [1, 2, 3].map(() => connect(database.url, { max: 2, applicationName: "slotbase test" }))
    const claimAll = async (sql: Db) => {
      const owner = await processRow(db, true)
      const claimed = []
      for (let since = 0; ; ) {
        const claim = await claimFreshRuns(sql, handler, owner, since, 50)
        if (claim.runs.length === 0) return claimed
        since = claim.since
        claimed.push(...claim.runs.map((run) => run.position))
        await settleRuns(
          sql,
          handler,
          claim.lease,
          claim.runs.map((run) => ended(run.position)),
        )
      }
    }
    const claimed = (await Promise.all([db, ...others].map(claimAll))).flat()
    expect(claimed.sort((a, b) => a - b)).toEqual(positions(1, 600))
    expect(await db`select from slotbase.handler_claims`).toHaveLength(0)
    await Promise.all(others.map((each) => each.end()))
  })

  test("a claim carries the whole event, in the order of the positions, under one fencing token", async () => {
    const ids = await queue(3)
    const claim = await claimFree(db, handler, alive, 100)
    expect(claim.runs.map((run) => run.id)).toEqual([...ids])
    expect(claim.runs.map((run) => run.position)).toEqual([1, 2, 3])
    const claims = await db`select handler, lease, owner, positions from slotbase.handler_claims`
    expect([...claims] as object[]).toEqual([{ handler, lease: claim.lease, owner: alive, positions: [1, 2, 3] }])
    expect(claim.runs[0]).toMatchObject({
      attempts: 0,
      quarantined: false,
      type: "booking.confirmed",
      source: "booking-service",
      metadata: { environment: "development" },
    })
    expect(await runsOf(db, handler)).toMatchObject([
      { status: "running" },
      { status: "running" },
      { status: "running" },
    ])
  })

  test("reports whether the log may hold more, and skips events without a subscription", async () => {
    await queue(5)
    await recordMany(db, 70, "booking.cancelled")
    await queue(1)
    const claims = []
    for (let nth = 0; nth < 4; nth++) claims.push(await claimFreshRuns(db, handler, alive, 0, 3))
    expect(claims.map(({ runs, more }) => [runs.map((run) => run.position), more])).toEqual([
      [[1, 2, 3], true],
      [[4, 5], true],
      [[76], false],
      [[], false],
    ])
  })

  test("a handler that is subscribed to more later gets each type from its own position on", async () => {
    await queue(2)
    await recordMany(db, 1, "booking.cancelled")
    await dispatchAll(db)
    await subscribe(db, handler, "booking.cancelled")
    await recordMany(db, 1, "booking.cancelled")
    await dispatchAll(db)
    try {
      expect((await claimFree(db, handler, alive, 100)).runs.map((run) => run.position)).toEqual([1, 2, 4])
      expect(await unbalanced(db)).toHaveLength(0)
    } finally {
      await db`delete from slotbase.handlers where event_type = 'booking.cancelled'`
    }
  })

  test("leaves a retry that is not due, and takes it when it is", async () => {
    await queue(1)
    const claim = await claimFree(db, handler, alive, 100)
    await settleFailedRun(
      db,
      { handler, lease: claim.lease, run: claim.runs[0] as Run, policy },
      { cause: new Error("no"), durationMs: 1 },
    )
    expect((await claimFree(db, handler, alive, 100)).runs).toEqual([])
    await db`select slotbase.move_clock('1 second')`
    expect((await claimFree(db, handler, alive, 100)).runs).toMatchObject([{ position: 1, attempts: 1 }])
  })

  test("a returned run can be claimed again, unchanged", async () => {
    await queue(3)
    const claim = await claimFree(db, handler, alive, 100)
    await returnRuns(db, { ...claim, runs: claim.runs.slice(0, 2) })
    const other = await processRow(db, true)
    const again = await claimFree(db, handler, other, 100)
    expect(again.runs).toMatchObject([
      { position: 1, attempts: 0, quarantined: false },
      { position: 2, attempts: 0, quarantined: false },
    ])
    // Only under its own token: runs that others have claimed since stay theirs.
    await returnRuns(db, claim)
    expect((await claimFree(db, handler, await processRow(db, true), 100)).runs).toMatchObject([{ position: 3 }])
  })
})

describe("releasing abandoned runs", () => {
  test("the runs of a live process stay its own", async () => {
    await queue(3)
    await claimFree(db, handler, alive, 100)
    const other = await processRow(db, true)
    expect((await orphan(other)).runs).toEqual([])
  })

  test("the runs of an expired process are tried in a batch once more, and use up no attempt", async () => {
    await queue(3)
    await claimFree(db, handler, dead, 100)
    expect((await claimFree(db, handler, alive, 100)).runs).toEqual([])
    expect((await orphan(alive)).runs).toEqual([])
    const again = await claimFree(db, handler, alive, 100)
    expect(again.runs).toMatchObject([1, 2, 3].map((position) => ({ position, attempts: 0, quarantined: false })))
  })

  test("runs that were abandoned twice are claimed one by one, and use up no attempt", async () => {
    await queue(3)
    await loseTwice()
    for (const position of [1, 2, 3]) {
      const claim = await orphan(alive)
      expect(claim.runs).toMatchObject([{ position, attempts: 0, quarantined: true, type: "booking.confirmed" }])
      await end(claim.lease, position)
    }
    expect((await orphan(alive)).runs).toEqual([])
    expect((await runsOf(db, handler)).map(({ status, attempts }) => [status, attempts])).toEqual(
      Array(3).fill(["success", 1]),
    )
  })

  test("a run that is abandoned in quarantine has used up an attempt, which is in its errors", async () => {
    const [eventId] = await queue(1)
    await loseTwice()
    await orphan(await processRow(db, false))
    expect((await orphan(alive)).runs).toMatchObject([{ attempts: 1, quarantined: true }])
    const [row] = await db`select errors, lost from slotbase.handler_queue`
    expect(row as object).toEqual({
      lost: 3,
      errors: [
        {
          eventId,
          eventType: "booking.confirmed",
          handlerName: handler,
          error: {
            message: "the process ended while it handled this event in quarantine; the outcome is unknown",
            code: "unknown_outcome",
          },
          attemptCount: 1,
          maxRetries: 3,
          status: "retrying",
        },
      ],
    })
  })

  test("an orphaned claim is free for the next claim of its process, and nothing counts as abandoned", async () => {
    await queue(2)
    const unheard = await claimFree(db, handler, alive, 100)
    const next = await claimFree(db, handler, alive, 100)
    expect(next.runs).toMatchObject([
      { position: 1, attempts: 0, quarantined: false },
      { position: 2, attempts: 0, quarantined: false },
    ])
    expect(asFenced(await failure(settleRuns(db, handler, unheard.lease, [ended(1)])))).toBeInstanceOf(Fenced)
  })

  test("settled runs of an expired process stay settled, and a retry that waits is not abandoned with it", async () => {
    await queue(3)
    const claim = await claimFree(db, handler, dead, 100)
    await settleRuns(db, handler, claim.lease, [ended(1)])
    await settleFailedRun(
      db,
      { handler, lease: claim.lease, run: claim.runs[1] as Run, policy },
      { cause: new Error("no"), durationMs: 1 },
    )
    await releaseAbandonedRuns(db, handler, alive, 0, policy.maxRetries)
    expect((await claimFree(db, handler, alive, 100)).runs).toMatchObject([{ position: 3, attempts: 0 }])
    expect(await runsOf(db, handler)).toMatchObject([
      { position: 1, status: "success", attempts: 1 },
      { position: 2, status: "retrying", attempts: 1 },
      { position: 3, status: "running", attempts: 0 },
    ])
  })

  test("a quarantined run that was returned stays in quarantine: no batch has it again", async () => {
    await queue(2)
    await loseTwice()
    await returnRuns(db, await orphan(alive))
    expect((await claimFree(db, handler, alive, 100)).runs).toEqual([])
    expect((await orphan(alive)).runs).toMatchObject([{ position: 1, attempts: 0, quarantined: true }])
  })

  test("two processes that claim abandoned runs at once claim different ones", async () => {
    await queue(2)
    await loseTwice()
    const other = await processRow(db, true)
    const claims = await Promise.all([orphan(alive), orphan(other)])
    expect(claims.flatMap((claim) => claim.runs.map((run) => run.position)).sort()).toEqual([1, 2])
  })
})

describe("the fence", () => {
  test("a process that lost its lease settles nothing, and its effects are rolled back", async () => {
    await queue(2)
    await db`create table if not exists effects (what text)`
    const lost = await claimFree(db, handler, dead, 100)
    await releaseAbandonedRuns(db, handler, alive, 0, policy.maxRetries)
    const taken = await claimFree(db, handler, alive, 1)
    const late = db.begin(async (tx) => {
      await tx`insert into effects values ('late')`
      await settleRuns(tx, handler, lost.lease, [ended(1), ended(2)])
    })
    const error = await failure(late)
    expect(asFenced(error)).toBeInstanceOf(Fenced)
    expect((error as Error).message).toBe(`AnalyticsHandler: the claim ${lost.lease} was taken over`)
    expect(
      await failure(
        settleFailedRun(
          db,
          { handler, lease: lost.lease, run: lost.runs[0] as Run, policy },
          { cause: new Error("no"), durationMs: 1 },
        ),
      ),
    ).toBeInstanceOf(Fenced)
    expect(await db`select * from effects`).toHaveLength(0)
    expect(await db`select * from slotbase.handler_history`).toHaveLength(0)
    await end(taken.lease, 1)
    expect(await runsOf(db, handler)).toMatchObject([
      { position: 1, status: "success" },
      { position: 2, status: "pending" },
    ])
  })
})

async function queue(count: number): Promise<readonly string[]> {
  const ids = await recordMany(db, count)
  await dispatchAll(db)
  return ids
}

/** Two processes die with everything that is queued. */
async function loseTwice(): Promise<void> {
  await claimFree(db, handler, dead, 100)
  const next = await processRow(db, false)
  await releaseAbandonedRuns(db, handler, next, 0, policy.maxRetries)
  await claimFree(db, handler, next, 100)
}

const orphan = async (owner: number) => {
  await releaseAbandonedRuns(db, handler, owner, 0, policy.maxRetries)
  return claimQuarantinedRun(db, handler, owner, 0)
}
const ended = (position: number) => ({ position, status: "success" as const, durationMs: 1.5, reason: null })
const end = (lease: number, position: number) => settleRuns(db, handler, lease, [ended(position)])
const positions = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, nth) => from + nth)
