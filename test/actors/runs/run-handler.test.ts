// Running handlers: the effects of a run happen exactly once, beside failures, crashes and slow runs.

import { afterAll, beforeAll, beforeEach, describe, expect, spyOn, test } from "bun:test"
import { GiveUp, type HandledEvent, type Handler, type TransactionalHandler } from "#actors/handlers/handler.ts"
import { claimQuarantinedRun, releaseAbandonedRuns } from "#actors/runs/claim.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { connect, type Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { record } from "#events/outbox.ts"
import {
  actorProcess,
  dispatchAll,
  failure,
  pipelineApp,
  processRow,
  recordMany,
  runsOf,
  sample,
  subscribe,
  unbalanced,
} from "#test/harness/pipeline/pipeline.ts"
import { actorOf, claimFree, drain, statusCounts } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const never = new AbortController().signal

let database: TestDatabase
let db: Db
let owner: number

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await db`create table tally (one boolean primary key default true, count integer not null)`
  for (const name of ["AnalyticsHandler", "PaymentHandler", "NotificationHandler"]) {
    await subscribe(db, name, "booking.confirmed")
  }
  owner = await processRow(db, true)
})

beforeEach(async () => {
  await db`
    truncate tally, slotbase.event_positions, slotbase.handler_queue, slotbase.handler_claims, slotbase.handler_cursors, slotbase.handler_batches, slotbase.handler_history, slotbase.dead_letters,
      slotbase.outbox, slotbase.events`
  await db`insert into tally (count) values (0)`
  await db`update slotbase.handlers set from_position = 1`
})

afterAll(() => database.drop())

describe("a transactional handler", () => {
  test("reads, changes and writes in one batch, run after run: none overwrites another", async () => {
    await queue(100)
    await pass(counting())
    expect(await tally()).toBe(100)
    expect(await statusCounts(db, "AnalyticsHandler")).toEqual({ success: 100 })
    expect(await unbalanced(db)).toHaveLength(0)
  })

  test("with a failing batch drops the run that failed, and the others happen exactly once", async () => {
    await queue(100)
    const seen: number[] = []
    const bad = new Set([17, 50, 99])
    await pass(
      counting((event) => {
        seen.push(event.position)
        if (bad.has(event.position)) throw new Error(`bad ${event.position}`)
      }),
    )
    expect(await tally()).toBe(97)
    const runs = await runsOf(db, "AnalyticsHandler")
    expect(runs.filter((run) => run.status === "success" && run.attempts === 1)).toHaveLength(97)
    expect(runs.filter((run) => run.status !== "success")).toEqual(
      [...bad].map((position) => ({
        position,
        status: "retrying",
        attempts: 1,
        error: `bad ${position}`,
        reason: null,
      })),
    )
    // The batch was begun four times; the runs before a failure were handled again, their first effects rolled back.
    expect(seen).toHaveLength(17 + 49 + 97 + 97)
  })

  test("that skips gives the reason", async () => {
    await queue(1)
    await pass({ ...counting(), handle: async () => ({ skipped: "nobody plays" }) })
    expect(await runsOf(db, "AnalyticsHandler")).toEqual([
      { position: 1, status: "skipped", attempts: 1, error: null, reason: "nobody plays" },
    ])
  })

  test("that gives up is retried no more", async () => {
    await queue(1)
    await pass(
      counting(() => {
        throw new GiveUp("no such facility")
      }),
    )
    expect(await statusCounts(db, "AnalyticsHandler")).toEqual({ dead_letter: 1 })
  })

  test("records events in the correlation and in the cause of the one it handles", async () => {
    const [id] = await queue(1)
    await pass({
      ...counting(),
      handle: async (tx: Tx) => {
        record(tx, sample("booking.cancelled"))
        return undefined
      },
    })
    const [row] = await db`
      select correlation_id, causation_id from slotbase.events where type = 'booking.cancelled'`
    expect(row as object).toEqual({ correlation_id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e24", causation_id: id })
  })

  test("with an event that is refused at the commit fails only in the run that recorded the event", async () => {
    await queue(5)
    await pass(
      counting((event, tx) => {
        if (event.position === 3) record(tx, { ...sample("booking.cancelled"), facilityId: "not a uuid" })
      }),
    )
    expect(await tally()).toBe(4)
    expect(await runsOf(db, "AnalyticsHandler")).toMatchObject([
      { status: "success", attempts: 1 },
      { status: "success", attempts: 1 },
      { status: "retrying", attempts: 1, error: 'invalid input syntax for type uuid: "not a uuid"' },
      { status: "success", attempts: 1 },
      { status: "success", attempts: 1 },
    ])
  })

  test("that loses a deadlock is run again without using up an attempt", async () => {
    await queue(3)
    let lost = 0
    await pass(
      counting(async (_, tx) => {
        if (lost++ === 1) await tx`do $$ begin raise exception 'deadlock detected' using errcode = '40P01'; end $$`
      }),
    )
    expect(await tally()).toBe(3)
    expect((await runsOf(db, "AnalyticsHandler")).map((run) => run.attempts)).toEqual([1, 1, 1])
  })

  test("that waits for a locked row leaves the row's queue after a second, waits anew, and no run has failed", async () => {
    await queue(3)
    const [locked, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const holder = db.begin(async (tx) => {
      await tx`select from tally for update`
      locked.resolve()
      await letGo.promise
    })
    await locked.promise
    const running = pass(counting())
    const waiting = new Set<string>()
    await eventually(async () => {
      const waits = await db<{ who: string }[]>`
        select virtualtransaction as who from pg_locks l
        where not granted and pid in (select pid from pg_stat_activity where datname = current_database())`
      for (const { who } of waits) waiting.add(who)
      expect(waiting.size).toBe(2)
    })
    letGo.resolve()
    await Promise.all([holder, running])
    expect(await tally()).toBe(3)
    expect((await runsOf(db, "AnalyticsHandler")).map((run) => run.attempts)).toEqual([1, 1, 1])
  })

  test("with a lost connection has no failed run: the whole claim is handled again", async () => {
    await queue(3)
    let lost = 0
    const actor = actorOf(
      db,
      owner,
      counting(async (event, tx) => {
        if (event.position === 2 && lost++ === 0) await tx`select pg_terminate_backend(pg_backend_pid())`
      }),
    )
    expect(await failure(actor.pass(never))).toBeInstanceOf(Error)
    expect(await tally()).toBe(0)
    expect(await statusCounts(db, "AnalyticsHandler")).toEqual({ running: 3 })
    await drain(actor)
    expect(await tally()).toBe(3)
    expect((await runsOf(db, "AnalyticsHandler")).map((run) => run.attempts)).toEqual([1, 1, 1])
  })

  test("that lost a run to another process settles the others, and keeps nothing leased", async () => {
    await queue(3)
    let other = 0
    const actor = actorOf(
      db,
      owner,
      counting(async (event) => {
        if (event.position !== 1 || other > 0) return
        other = await processRow(db, true)
        // As if this process had been stopped for a while: its life sign has run out, and another claims one of its
        // runs.
        const gone = await processRow(db, false)
        await db`update slotbase.handler_claims set owner = ${gone} where handler = 'AnalyticsHandler'`
        await releaseAbandonedRuns(db, "AnalyticsHandler", other, 0, 3)
        await claimFree(db, "AnalyticsHandler", other, 1)
      }),
    )
    await drain(actor)
    expect(await tally()).toBe(2)
    expect(await statusCounts(db, "AnalyticsHandler")).toEqual({ running: 1, success: 2 })
  })

  test("that is slow commits the runs that are done in time, and goes on with the others", async () => {
    await queue(5)
    const real = performance.now.bind(performance)
    let ahead = 0
    const clock = spyOn(performance, "now").mockImplementation(() => real() + ahead)
    const committed: number[] = []
    const handler = counting(async () => {
      committed.push(await tally())
      ahead += 3_000
    })
    const actor = actorOf(db, owner, handler)
    await actor.pass(never)
    // Another process may have the rest at once: it is claimed by nobody.
    expect(await db`select unnest(positions) from slotbase.handler_claims`).toHaveLength(0)
    await drain(actor)
    clock.mockRestore()
    expect(committed).toEqual([0, 0, 2, 2, 4])
    expect((await runsOf(db, "AnalyticsHandler")).map((run) => run.attempts)).toEqual([1, 1, 1, 1, 1])
  })

  test("that times out on one event's query fails in that event only", async () => {
    await queue(3)
    const impatient = connect(database.url, { max: 3, applicationName: "slotbase test", queryDeadlineMs: 1_500 })
    const handler = counting(async (event, tx) => {
      // The statement ends on the server a second later than here, and with it the locks of the transaction.
      if (event.position === 2) await tx`select pg_sleep(10)`
    })
    await runHandler(pipelineApp(impatient), handler, actorProcess(owner)).pass(never)
    expect(await runsOf(db, "AnalyticsHandler")).toMatchObject([
      { position: 1, status: "success", attempts: 1 },
      { position: 2, status: "retrying", attempts: 1 },
      { position: 3, status: "success", attempts: 1 },
    ])
    await impatient.end()
  })
})

describe("an event that crashes its process", () => {
  test("becomes a dead letter after its crashes in quarantine, and its neighbours use up no attempt", async () => {
    await queue(3)
    await abandon("AnalyticsHandler")
    const actor = actorOf(db, owner, counting())
    // Each process that claims the first run in quarantine dies with it.
    for (let lost = 0; lost < 4; lost++) await orphan(await processRow(db, false))
    await drain(actor)
    expect(await runsOf(db, "AnalyticsHandler")).toMatchObject([
      { position: 1, status: "dead_letter", attempts: 4 },
      { position: 2, status: "success", attempts: 1 },
      { position: 3, status: "success", attempts: 1 },
    ])
  })
})

test("quarantined runs of two handlers exclude each other in one process, so that the cause of a crash is known", async () => {
  await queue(5)
  for (const name of ["AnalyticsHandler", "NotificationHandler"]) await abandon(name)
  let [underWay, most, handled] = [0, 0, 0]
  const watched = (name: string): TransactionalHandler => ({
    kind: "transactional",
    name,
    events: ["booking.confirmed"],
    async handle(tx) {
      most = Math.max(most, ++underWay)
      await tx`select 1`
      handled++
      underWay--
      return undefined
    },
  })
  const self = actorProcess(owner)
  const actors = ["AnalyticsHandler", "NotificationHandler"].map((name) =>
    runHandler(pipelineApp(db), watched(name), self),
  )
  await Promise.all(actors.map(drain))
  expect([handled, most]).toEqual([10, 1])
})

test("runs that were abandoned once go ahead of another handler's quarantined run", async () => {
  await queue(3)
  await claimFree(db, "AnalyticsHandler", await processRow(db, false), 100)
  const self = actorProcess(owner)
  const quarantinedRun = Promise.withResolvers<void>()
  const over = self.quarantine.handleRun(() => quarantinedRun.promise)
  await drain(runHandler(pipelineApp(db), counting(), self))
  expect(await tally()).toBe(3)
  quarantinedRun.resolve()
  await over
})

test("a process that has just started handles the runs of its predecessor, though no new event comes", async () => {
  await queue(5)
  await claimFree(db, "AnalyticsHandler", await processRow(db, false), 100)
  await drain(actorOf(db, owner, counting()))
  expect(await tally()).toBe(5)
})

test("a retry that has come due is handled, behind the cursor of the fresh runs", async () => {
  await queue(1)
  let fails = true
  const handler = counting(() => {
    if (fails) throw new Error("not yet")
  })
  await pass(handler)
  fails = false
  await queue(1)
  await db`select slotbase.move_clock('1 second')`
  await drain(actorOf(db, owner, handler))
  expect(await tally()).toBe(2)
  expect((await runsOf(db, "AnalyticsHandler")).map(({ attempts }) => attempts)).toEqual([2, 1])
})

test("an event whose partition is gone ends as a dead letter with that reason", async () => {
  await queue(1)
  await db`truncate slotbase.events`
  await pass(counting())
  expect(await runsOf(db, "AnalyticsHandler")).toMatchObject([
    { status: "dead_letter", error: "the event is gone: its partition was dropped" },
  ])
})

test("a process that is stopping claims nothing", async () => {
  await queue(1)
  const actor = actorOf(db, owner, counting())
  expect(await actor.pass(AbortSignal.abort())).toEqual({ more: false })
  expect(await statusCounts(db, "AnalyticsHandler")).toEqual({ pending: 1 })
})

/** Adds one to the tally by reading it first, as a handler may inside its transaction. */
function counting(before: (event: HandledEvent, tx: Tx) => unknown = () => {}): TransactionalHandler {
  return {
    kind: "transactional",
    name: "AnalyticsHandler",
    events: ["booking.confirmed"],
    async handle(tx, event) {
      const [row] = await tx<[{ count: number }]>`select count from tally`
      await before(event, tx)
      await tx`update tally set count = ${row.count + 1}`
      return undefined
    },
  }
}

/** Two processes die, one after the other, with everything that is queued for the handler. */
async function abandon(handler: string): Promise<void> {
  const [first, second] = [await processRow(db, false), await processRow(db, false)]
  await claimFree(db, handler, first, 100)
  await releaseAbandonedRuns(db, handler, second, 0, 3)
  await claimFree(db, handler, second, 100)
}

/** Claims a quarantined run for another process. */
async function orphan(owner: number): Promise<void> {
  await releaseAbandonedRuns(db, "AnalyticsHandler", owner, 0, 3)
  await claimQuarantinedRun(db, "AnalyticsHandler", owner, 0)
}

const pass = (handler: Handler) => actorOf(db, owner, handler).pass(never)

async function queue(count: number): Promise<readonly string[]> {
  const ids = await recordMany(db, count)
  await dispatchAll(db)
  return ids
}

async function tally(): Promise<number> {
  const [row] = await db<[{ count: number }]>`select count from tally`
  return row.count
}
