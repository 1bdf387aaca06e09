// The five steps of a pass over the runs of a handler, the pauses between its looks, and its batches. The monotonic
// clock stands still unless a test moves it.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test"
import type { ExternalHandler, Handler, OneByOneHandler, SetBasedHandler } from "#actors/handlers/handler.ts"
import { claimFreshRuns, claimQuarantinedRun, releaseAbandonedRuns, returnRuns } from "#actors/runs/claim.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import {
  actorProcess,
  dispatchAll,
  failure,
  pipelineApp,
  processRow,
  recordMany,
  runsOf,
  subscribe,
} from "#test/harness/pipeline/pipeline.ts"
import { claimFree } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const never = new AbortController().signal
const transactional = "AnalyticsHandler"
const external = "NotificationHandler"
const withoutRetries = "PaymentHandler"

let database: TestDatabase
let db: Db
let owner: number
let now: number
let clock: Mock<typeof performance.now>
/** The positions that a handler was given, in order. */
let handled: number[]

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  for (const name of [transactional, external, withoutRetries]) await subscribe(db, name, "booking.confirmed")
  owner = await processRow(db, true)
})

beforeEach(async () => {
  await db`
    truncate slotbase.event_positions, slotbase.handler_queue, slotbase.handler_claims, slotbase.handler_cursors,
      slotbase.handler_batches, slotbase.handler_history, slotbase.dead_letters, slotbase.outbox, slotbase.events`
  await db`update slotbase.handlers set from_position = 1`
  handled = []
  // Whole milliseconds: their sums are exact.
  now = Math.round(performance.now())
  clock = spyOn(performance, "now").mockImplementation(() => now)
})

afterEach(() => clock.mockRestore())
afterAll(() => database.drop())

describe("the batches", () => {
  test.each([
    ["one-by-one", 100, () => oneByOne()],
    ["set-based", 500, setBased],
    ["external", 10, () => outside()],
  ] as const)("of the %s handler have %i runs, and a pass says that there is more", async (_, size, handler) => {
    await queue(size + 1)
    const actor = actorOf(handler())
    expect(await actor.pass(never)).toEqual({ more: true })
    expect(handled).toEqual(upTo(size))
    expect(await actor.pass(never)).toEqual({ more: false })
    expect(handled).toEqual(upTo(size + 1))
  })
})

describe("the pauses", () => {
  test("dead processes are looked for once a second", async () => {
    const actor = actorOf(oneByOne())
    await actor.pass(never)
    await queue(3)
    await claimFreshRuns(db, transactional, await processRow(db, false), 0, 100)
    now += 999
    await drain(actor)
    expect(handled).toEqual([])
    now += 1
    await drain(actor)
    expect(handled).toEqual([1, 2, 3])
  })

  test.each([
    [0, 1_000],
    [60, 1_200],
    [100, 1_500],
  ])("after a claim from the queue that took %i ms, the next one comes %i ms later", async (tookMs, pauseMs) => {
    await queue(1)
    const actor = actorOf(oneByOne(failing(1)), takingMs("claim_queued_runs", tookMs))
    await actor.pass(never)
    await db`select slotbase.move_clock('1 second')`
    now += pauseMs - 1
    await drain(actor)
    expect(handled).toEqual([1])
    now += 1
    await drain(actor)
    expect(handled).toEqual([1, 1])
  })

  test("runs that were not settled wait for no pause", async () => {
    const actor = actorOf(oneByOne(losingItsConnection(1)))
    await actor.pass(never)
    await queue(3)
    expect(await failure(actor.pass(never))).toBeInstanceOf(Error)
    await drain(actor)
    expect(handled).toEqual([1, 1, 2, 3])
  })
})

test("rescued runs and returned runs go ahead of fresh runs, and wait for no pause", async () => {
  const actor = actorOf(outside(), takingMs("claim_queued_runs", 100))
  await actor.pass(never)
  await queue(25)
  await claimFreshRuns(db, external, await processRow(db, false), 0, 10)
  await returnRuns(db, await claimFreshRuns(db, external, await processRow(db, true), 0, 5))
  // Time to look for dead processes. The pause of the queue is half a second longer.
  now += 1_000
  expect(await actor.pass(never)).toEqual({ more: true })
  expect(handled).toEqual(upTo(15))
  await drain(actor)
  expect(handled).toEqual(upTo(25))
})

describe("quarantine", () => {
  test("a pass handles quarantined runs for 250 ms, and says that there is more", async () => {
    await queue(5)
    await abandon(transactional)
    const actor = actorOf(
      oneByOne(() => {
        now += 100
      }),
    )
    expect(await actor.pass(never)).toEqual({ more: true })
    expect(handled).toEqual([1, 2, 3])
    expect(await actor.pass(never)).toEqual({ more: false })
    expect(handled).toEqual([1, 2, 3, 4, 5])
  })

  test("a run that crashed three processes in quarantine has one attempt left", async () => {
    await queue(1)
    await abandon(transactional)
    for (let lost = 0; lost < 3; lost++) {
      const dead = await processRow(db, false)
      await releaseAbandonedRuns(db, transactional, dead, 0, 3)
      await claimQuarantinedRun(db, transactional, dead, 0)
    }
    await drain(actorOf(oneByOne()))
    expect(handled).toEqual([1])
    expect(await runsOf(db, transactional)).toMatchObject([{ status: "success", attempts: 4 }])
  })

  test("fresh runs go ahead of quarantined runs", async () => {
    await queue(2)
    await abandon(transactional)
    await releaseAbandonedRuns(db, transactional, owner, 0, 3)
    await queue(2)
    await drain(actorOf(oneByOne()))
    expect(handled).toEqual([3, 4, 1, 2])
  })

  test.each([
    ["the same pass", 0],
    ["the next pass", 250],
  ])("an outside effect in quarantine whose end is unknown counts as an attempt, in %s", async (_, tookMs) => {
    await queue(1)
    await abandon(external)
    const actor = actorOf(
      outside(async () => {
        if (handled.length > 1) return
        await takeOverClaim(external)
        now += tookMs
      }),
    )
    await drain(actor)
    expect(handled).toEqual([1, 1])
    expect(await runsOf(db, external)).toMatchObject([{ status: "success", attempts: 2 }])
  })
})

test("an outside effect whose end is unknown is not begun again by a claim from the queue", async () => {
  await queue(2)
  await returnRuns(db, await claimFreshRuns(db, withoutRetries, await processRow(db, true), 0, 1))
  const losing = async () => {
    if (handled.length === 1) await takeOverClaim(withoutRetries)
  }
  await drain(actorOf(outside(losing, withoutRetries)))
  expect(handled).toEqual([2, 1])
  expect(await runsOf(db, withoutRetries)).toMatchObject([{ status: "success" }, { status: "dead_letter" }])
})

test("runs of a transactional handler that were not settled count as nothing, however often", async () => {
  await queue(1)
  const actor = actorOf(oneByOne(losingItsConnection(3)))
  for (let lost = 0; lost < 3; lost++) expect(await failure(actor.pass(never))).toBeInstanceOf(Error)
  const [row] = await db`select attempts, lost, alone from slotbase.handler_queue`
  expect(row as object).toEqual({ attempts: 0, lost: 0, alone: false })
  await drain(actor)
  expect(await runsOf(db, transactional)).toMatchObject([{ status: "success", attempts: 1 }])
})

describe("a process that stops", () => {
  test("returns the runs of a claim under way, and handles none", async () => {
    await queue(3)
    clock.mockRestore()
    const stopping = new AbortController()
    const passing = await db.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(hashtext('slotbase claim'), hashtext(${transactional}))`
      const pass = actorOf(oneByOne()).pass(stopping.signal)
      await eventually(async () => {
        const waits = await db`
          select from pg_locks where not granted and locktype = 'advisory'
          and database = (select oid from pg_database where datname = current_database())`
        expect(waits).toHaveLength(1)
      })
      stopping.abort()
      return { pass }
    })
    await passing.pass
    expect(handled).toEqual([])
    expect(await runsOf(db, transactional)).toMatchObject(Array(3).fill({ status: "pending", attempts: 0 }))
  })

  test("claims nothing", async () => {
    await queue(1)
    expect(await actorOf(oneByOne()).pass(AbortSignal.abort())).toEqual({ more: false })
    expect(await db`select from slotbase.handler_cursors where handler = ${transactional}`).toHaveLength(0)
  })

  test("records the failure of a transactional run", async () => {
    await queue(1)
    const stopping = new AbortController()
    const actor = actorOf(
      oneByOne(() => {
        stopping.abort()
        throw new Error("no such court")
      }),
    )
    await actor.pass(stopping.signal)
    expect(await runsOf(db, transactional)).toMatchObject([{ status: "retrying", attempts: 1, error: "no such court" }])
  })
})

const subscribed = { kind: "transactional", name: transactional, events: ["booking.confirmed"] } as const
type Work = (tx: Tx) => unknown

const oneByOne = (work: Work = () => {}): OneByOneHandler => ({
  ...subscribed,
  handle: async (tx, { position }) => {
    handled.push(position)
    await work(tx)
    return undefined
  },
})

const setBased = (): SetBasedHandler => ({
  ...subscribed,
  handleAll: async (_, events) => {
    handled.push(...events.map(({ position }) => position))
    return undefined
  },
})

const outside = (work: () => unknown = () => {}, name = external): ExternalHandler => ({
  kind: "external",
  name,
  events: ["booking.confirmed"],
  handle: async ({ position }) => {
    handled.push(position)
    await work()
    return undefined
  },
})

/** Fails so many times. */
const failing = (times: number) => () => {
  if (times-- > 0) throw new Error("not yet")
}

const losingItsConnection =
  (times: number): Work =>
  async (tx) => {
    if (times-- > 0) await tx`select pg_terminate_backend(pg_backend_pid())`
  }

/** The claims of the handler get another token, as if this process had been taken for dead. Nothing is settled. */
const takeOverClaim = (handler: string) =>
  db`update slotbase.handler_claims set lease = nextval('slotbase.lease_seq') where handler = ${handler}`

/** The database, where each statement with this text takes so long. */
const takingMs = (text: string, ms: number): Db =>
  new Proxy(db, {
    apply: (target, self, given) => {
      if (String(given[0]).includes(text)) now += ms
      return Reflect.apply(target, self, given)
    },
  })

/** Two processes die, one after the other, with everything that is queued for the handler. */
async function abandon(handler: string): Promise<void> {
  const [first, second] = [await processRow(db, false), await processRow(db, false)]
  await claimFree(db, handler, first, 100)
  await releaseAbandonedRuns(db, handler, second, 0, 3)
  await claimFree(db, handler, second, 100)
}

const actorOf = (handler: Handler, on: Db = db): Actor => runHandler(pipelineApp(on), handler, actorProcess(owner))

async function drain(actor: Actor): Promise<void> {
  while ((await actor.pass(never)).more);
}

async function queue(count: number): Promise<void> {
  await recordMany(db, count)
  await dispatchAll(db)
}

const upTo = (last: number) => Array.from({ length: last }, (_, nth) => nth + 1)
