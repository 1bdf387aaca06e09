// One claim of several handlers, and its settlement: who takes part, what belongs to whom, and what is refused.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { claimFreshRuns, releaseAbandonedRuns } from "#actors/runs/claim.ts"
import {
  claimJointly,
  type EndedJointPart,
  type JointPart,
  jointEvents,
  settleJointly,
} from "#actors/runs/joint-claim.ts"
import { JointMember } from "#actors/runs/joint-member.ts"
import { asFenced, Fenced, settleRuns } from "#actors/runs/settle.ts"
import type { Db } from "#base/database/db.ts"
import type { EventType } from "#events/catalogue.ts"
import { anEffect } from "#test/harness/pipeline/joint.ts"
import {
  dispatchAll,
  endProcess,
  failure,
  processRow,
  recordMany,
  recordOne,
  runsOf,
  subscribe,
  unbalanced,
} from "#test/harness/pipeline/pipeline.ts"
import { claimFree, statusCounts } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const [first, second, third] = ["FirstHandler", "SecondHandler", "ThirdHandler"] as const
const names = [first, second, third]

let database: TestDatabase
let db: Db
let owner: number
let other: number
let members: readonly JointMember[]

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
beforeEach(async () => {
  await db`
    truncate slotbase.event_positions, slotbase.handlers, slotbase.handler_queue, slotbase.handler_claims, slotbase.handler_cursors,
      slotbase.handler_batches, slotbase.handler_history, slotbase.joint_history, slotbase.dead_letters, slotbase.outbox, slotbase.events`
  for (const name of names) await subscribe(db, name, "booking.confirmed")
  await subscribe(db, third, "booking.cancelled")
  await queue(1)
  owner = await processRow(db, true)
  other = await processRow(db, true)
  members = await caughtUp(owner)
})
afterAll(() => database.drop())

describe("a joint claim", () => {
  test("has the new events under one lease, for each handler those of its types", async () => {
    await queue(1)
    await queue(1, "booking.cancelled")
    await queue(1)
    const parts = await claim()
    expect(new Set(parts.map((part) => part.claim.lease)).size).toBe(1)
    expect(positionsOf(parts)).toEqual({ [first]: [2, 4], [second]: [2, 4], [third]: [2, 3, 4] })
    expect(parts[0]?.claim.runs[0]).toMatchObject({ attempts: 0, quarantined: false, type: "booking.confirmed" })
  })

  test("takes nothing twice, and nothing when there is nothing", async () => {
    await queue(2)
    expect(positionsOf(await claim())[first]).toEqual([2, 3])
    expect(await claim(await together(other))).toEqual([])
  })

  test("leaves out a handler that lags by more events than it takes, which then works by itself", async () => {
    await queue(jointEvents)
    await claimFreshRuns(db, first, other, 0, 100)
    await queue(1)
    const parts = await claim()
    expect(positionsOf(parts)).toEqual({ [first]: [jointEvents + 2] })
    expect(members.map((member) => member.isApart)).toEqual([false, true, true])
  })

  test("begins for each handler where that one stands", async () => {
    await queue(2)
    await claimFreshRuns(db, second, other, 0, 100)
    await queue(1)
    expect(positionsOf(await claim())).toEqual({ [first]: [2, 3, 4], [second]: [4], [third]: [2, 3, 4] })
  })

  test("ends and begins with the subscription of a handler", async () => {
    await db`update slotbase.handlers set ended = true where handler = ${first}`
    await subscribe(db, second, "booking.cancelled")
    await queue(1)
    await queue(1, "booking.cancelled")
    expect(positionsOf(await claim())).toEqual({ [second]: [2, 3], [third]: [2, 3] })
  })

  test("frees what the process had claimed and not settled, without using up an attempt", async () => {
    await queue(2)
    const lost = await claim()
    await queue(1)
    expect(positionsOf(await claim())[first]).toEqual([4])
    expect(await refusal(settle(lost))).toBeInstanceOf(Fenced)
    const freed = await claimFree(db, first, other, 100)
    expect(freed.runs.map(({ position, attempts }) => [position, attempts])).toEqual([
      [2, 0],
      [3, 0],
    ])
  })

  test("is freed by the others when its process has expired, each handler by itself", async () => {
    await queue(2)
    await claim()
    await endProcess(db, owner)
    for (const name of names)
      expect(await releaseAbandonedRuns(db, name, other, 0, 3)).toEqual({ released: 2, quarantined: false })
    expect(await db`select from slotbase.handler_claims`).toHaveLength(0)
  })

  test("by many processes at once, joint ones and single ones of an older program, gives each run to one of them", async () => {
    const groups = await Promise.all(Array.from({ length: 4 }, async () => together(await processRow(db, true))))
    const alone = await Promise.all(Array.from({ length: 4 }, () => processRow(db, true)))
    const taken: string[] = []
    const joint = async (group: readonly JointMember[], by: number) => {
      for (const part of await claimJointly(db, by, group))
        taken.push(...part.claim.runs.map((run) => `${part.claim.handler} ${run.position}`))
      for (const member of group) member.caughtUp()
    }
    const single = async (by: number, name: string) => {
      const { runs } = await claimFreshRuns(db, name, by, 0, 100)
      taken.push(...runs.map((run) => `${name} ${run.position}`))
    }
    for (let round = 0; round < 20; round++) {
      await queue(3)
      const owners = await Promise.all(groups.map(() => processRow(db, true)))
      await Promise.all([
        ...groups.map((group, nth) => joint(group, owners[nth] as number)),
        ...alone.flatMap((by) => names.map((name) => single(by, name))),
      ])
    }
    await joint(groups[0] ?? [], await processRow(db, true))
    expect(taken.length).toBe(new Set(taken).size)
    expect(taken.length).toBe(3 * 60)
  })
})

describe("a settlement of parts", () => {
  test("is a row per event, and the views tell as much as a recount", async () => {
    await queue(2)
    await queue(1, "booking.cancelled")
    await settle(await claim())
    const rows = await db`select position, handlers, durations_ms from slotbase.joint_history order by position`
    expect(rows.map(({ position, handlers }) => [position, [...handlers].sort()])).toEqual([
      [2, names],
      [3, names],
      [4, [third]],
    ])
    expect(await runsOf(db, third)).toMatchObject([
      { position: 1, status: "success" },
      { position: 2, status: "success", attempts: 1, error: null, reason: null },
      { position: 3, status: "success" },
      { position: 4, status: "success" },
    ])
    const [run] = await db`select duration_ms from slotbase.handler_runs where handler = ${second} and position = 2`
    expect(run?.duration_ms).toBe(2)
    expect(await unbalanced(db)).toHaveLength(0)
    await recounted()
    expect(await db`select from slotbase.handler_claims`).toHaveLength(0)
  })

  test("writes a skipped run with its reason", async () => {
    await queue(2)
    const parts = await claim()
    await settle(parts, (handler, position) => (handler === second && position === 3 ? "not for\0 me" : null))
    expect(await runsOf(db, second)).toMatchObject([
      { position: 1, status: "success" },
      { position: 2, status: "success", attempts: 1 },
      { position: 3, status: "skipped", attempts: 1, reason: "not for\ufffd me" },
    ])
    expect(await statusCounts(db, first)).toEqual({ success: 3 })
    expect(await unbalanced(db)).toHaveLength(0)
    await recounted()
  })

  test("writes no row of an event that all skipped", async () => {
    await queue(1)
    await settle(await claim(), () => "not today")
    expect(await db`select from slotbase.joint_history`).toHaveLength(0)
    expect(await statusCounts(db, first)).toEqual({ success: 1, skipped: 1 })
    expect(await unbalanced(db)).toHaveLength(0)
  })

  test("leaves the other parts to their handlers, as claims of their own", async () => {
    await queue(2)
    const [part, ...others] = await claim()
    await settle(others)
    expect(await statusCounts(db, first)).toEqual({ success: 1, running: 2 })
    const { lease, runs } = part?.claim ?? { lease: 0, runs: [] }
    const ended = runs.map(({ position }) => ({ position, status: "success" as const, durationMs: 1, reason: null }))
    await settleRuns(db, first, lease, ended, 2)
    expect(await statusCounts(db, first)).toEqual({ success: 3 })
    expect(await unbalanced(db)).toHaveLength(0)
  })

  test("is refused the second time, and changes nothing", async () => {
    await queue(1)
    const parts = await claim()
    await settle(parts)
    expect(await refusal(settle(parts))).toBeInstanceOf(Fenced)
    expect(await statusCounts(db, first)).toEqual({ success: 2 })
  })

  test("is refused as a whole when one part was taken over", async () => {
    await queue(1)
    const parts = await claim()
    await db`delete from slotbase.handler_claims where handler = ${second}`
    expect(await refusal(settle(parts))).toBeInstanceOf(Fenced)
    expect(await db`select from slotbase.joint_history`).toHaveLength(0)
    expect(await statusCounts(db, first)).toEqual({ success: 1, running: 1 })
  })

  test("is refused when another claim of the same run was settled", async () => {
    await queue(1)
    const parts = await claim()
    await settle(parts)
    const again = parts.map(({ member, claim }) => ({ member, claim: { ...claim, lease: claim.lease + 1_000 } }))
    await db`
      insert into slotbase.handler_claims (handler, lease, owner, positions, claimed_at, fresh)
      select ${second}, ${(again[0]?.claim.lease ?? 0) as number}, ${other}, '{2}', clock_timestamp(), true`
    const [, doubled] = again
    expect(await refusal(settle(doubled ? [doubled] : []))).toBeInstanceOf(Fenced)
    expect(await statusCounts(db, second)).toMatchObject({ success: 2 })
  })

  test("by two processes, of different handlers of one event, is one row", async () => {
    await queue(1)
    const mine = await claim(members.slice(0, 1))
    const others = await claimJointly(db, other, (await together(other)).slice(1))
    await settle(mine)
    await settle(others)
    const [row] = await db`select handlers from slotbase.joint_history`
    expect([...(row?.handlers ?? [])].sort()).toEqual(names)
    expect(await unbalanced(db)).toHaveLength(0)
  })
})

async function queue(count: number, type: EventType = "booking.confirmed"): Promise<void> {
  if (type === "booking.confirmed") await recordMany(db, count, type)
  else for (let nth = 0; nth < count; nth++) await recordOne(db, type)
  await dispatchAll(db)
}

const claim = (of: readonly JointMember[] = members) => claimJointly(db, owner, of)

/** Members that have handled the first event by themselves. */
async function caughtUp(by: number): Promise<readonly JointMember[]> {
  for (const name of names) {
    const { lease, runs } = await claimFreshRuns(db, name, by, 0, 100)
    const ended = runs.map(({ position }) => ({ position, status: "success" as const, durationMs: 1, reason: null }))
    await settleRuns(db, name, lease, ended, ended.length)
  }
  return together(by)
}

async function together(_by: number): Promise<readonly JointMember[]> {
  return names.map((name) => {
    const member = new JointMember(anEffect(name))
    member.caughtUp()
    return member
  })
}

const positionsOf = (parts: readonly JointPart[]) =>
  Object.fromEntries(parts.map(({ claim }) => [claim.handler, claim.runs.map(({ position }) => position)]))

/** Settles the parts in a transaction. The part of the n-th handler took n ms a run. */
const settle = (
  parts: readonly JointPart[],
  skipped: (handler: string, position: number) => string | null = () => null,
) =>
  db.begin(async (tx) => {
    const ended = parts.map(
      ({ member, claim }): EndedJointPart => ({
        member,
        claim,
        ended: claim.runs.map(({ position }) => {
          const reason = skipped(claim.handler, position)
          const durationMs = 1 + names.indexOf(claim.handler as (typeof names)[number])
          return { position, status: reason === null ? "success" : "skipped", durationMs, reason }
        }),
      }),
    )
    await settleJointly(tx, parts[0]?.claim.lease ?? 0, ended)
  })

const refusal = async (work: Promise<unknown>) => asFenced(await failure(work))

/** The sums of the ledger are those of the runs. */
async function recounted(): Promise<void> {
  const [counts] = await db`
    select (select sum(runs_success) from slotbase.event_ledger_whole) as ledger_success,
           (select sum(runs_skipped) from slotbase.event_ledger_whole) as ledger_skipped,
           (select count(*) from slotbase.handler_runs where status = 'success') as success,
           (select count(*) from slotbase.handler_runs where status = 'skipped') as skipped,
           (select count(distinct (handler, event_id)) from slotbase.handler_runs) as runs,
           (select sum(expected_runs) from slotbase.event_ledger_whole) as expected`
  expect([Number(counts?.success), Number(counts?.skipped), Number(counts?.runs)]).toEqual([
    Number(counts?.ledger_success),
    Number(counts?.ledger_skipped),
    Number(counts?.expected),
  ])
}
