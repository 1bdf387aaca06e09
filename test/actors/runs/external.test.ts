// External handlers: runs side by side, each settled by itself. A run that was cut off is returned, and a run without
// retries is never begun again.

import { afterAll, beforeAll, beforeEach, expect, spyOn, test } from "bun:test"
import type { ExternalHandler, Handler } from "#actors/handlers/handler.ts"
import { claimFreshRuns } from "#actors/runs/claim.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { connect, type Db } from "#base/database/db.ts"
import {
  actorProcess,
  dispatchAll,
  pipelineApp,
  processRow,
  recordMany,
  runsOf,
  subscribe,
} from "#test/harness/pipeline/pipeline.ts"
import { actorOf, claimFree, drain, statusCounts } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { endAtOnce } from "#test/harness/setup/shortened-timers.ts"

const never = new AbortController().signal

let database: TestDatabase
let db: Db
let owner: number

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  for (const name of ["PaymentHandler", "NotificationHandler"]) await subscribe(db, name, "booking.confirmed")
  owner = await processRow(db, true)
})

beforeEach(async () => {
  await db`
    truncate slotbase.event_positions, slotbase.handler_queue, slotbase.handler_claims, slotbase.handler_cursors, slotbase.handler_batches, slotbase.handler_history, slotbase.dead_letters,
      slotbase.outbox, slotbase.events`
  await db`update slotbase.handlers set from_position = 1`
})

afterAll(() => database.drop())

test("runs side by side, each settled by itself, under an idempotency key of event and handler", async () => {
  const ids = await queue(10)
  const keys: string[] = []
  const all = Promise.withResolvers<void>()
  await pass(
    external("NotificationHandler", async (_, { idempotencyKey }) => {
      keys.push(idempotencyKey)
      if (keys.length === 10) all.resolve()
      await all.promise
    }),
  )
  expect(keys).toEqual(ids.map((id) => `${id}:NotificationHandler`))
  expect(await statusCounts(db, "NotificationHandler")).toEqual({ success: 10 })
})

test("that fails is retried, its neighbours are done", async () => {
  await queue(3)
  await pass(
    external("NotificationHandler", async (event) => {
      if (event.position === 2) throw new Error("mail server is away")
    }),
  )
  expect(await runsOf(db, "NotificationHandler")).toMatchObject([
    { status: "success" },
    { status: "retrying", attempts: 1, error: "mail server is away" },
    { status: "success" },
  ])
})

test("that is cut off because the process stops uses up no attempt", async () => {
  await queue(1)
  const stopping = new AbortController()
  await actorOf(
    db,
    owner,
    external("NotificationHandler", async (_, { signal }) => {
      stopping.abort(new Error("stopping"))
      signal.throwIfAborted()
    }),
  ).pass(stopping.signal)
  expect(await runsOf(db, "NotificationHandler")).toMatchObject([{ status: "pending", attempts: 0 }])
})

test("that takes longer than a minute has failed, and gets the signal to stop", async () => {
  await queue(1)
  const restoreTimers = endAtOnce(60_000)
  let told: unknown
  await pass(
    external("NotificationHandler", (_, { signal }) => {
      signal.addEventListener("abort", () => {
        told = signal.reason
      })
      return new Promise(() => {})
    }),
  )
  restoreTimers()
  expect(told).toMatchObject({ message: "no end after 60000 ms" })
  expect(await runsOf(db, "NotificationHandler")).toMatchObject([
    { status: "retrying", attempts: 1, error: "no end after 60000 ms" },
  ])
})

test("without retries is not cut off, and its failure is a dead letter at once", async () => {
  await queue(2)
  const stopping = new AbortController()
  await actorOf(
    db,
    owner,
    external("PaymentHandler", async (event, { signal }) => {
      stopping.abort()
      expect(signal.aborted).toBe(false)
      if (event.position === 2) throw new Error("card refused")
    }),
  ).pass(stopping.signal)
  expect(await runsOf(db, "PaymentHandler")).toMatchObject([
    { status: "success" },
    { status: "dead_letter", attempts: 1, error: "card refused" },
  ])
})

test("with a settlement that fails for a moment is settled in the end, and not begun again", async () => {
  await queue(1)
  let calls = 0
  const breaking = connect(database.url, { max: 3, applicationName: "slotbase test external" })
  const actor = runHandler(
    pipelineApp(breaking),
    external("PaymentHandler", async () => {
      calls++
      // The settlement finds its connection gone.
      await database.db`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'slotbase test external'`
    }),
    actorProcess(owner),
  )
  await drain(actor)
  await breaking.end()
  expect(calls).toBe(1)
  expect(await runsOf(db, "PaymentHandler")).toMatchObject([{ status: "success", attempts: 1 }])
})

test("without retries is never begun again when its end could not be recorded", async () => {
  await queue(1)
  let calls = 0
  const handler = external("PaymentHandler", async () => {
    calls++
    // Another process took this one for dead, so the settlement of the run is refused.
    await db`delete from slotbase.handler_claims where handler = 'PaymentHandler'`
    await db`insert into slotbase.handler_claims (handler, lease, owner, positions, claimed_at, fresh)
             values ('PaymentHandler', nextval('slotbase.lease_seq'), ${owner}, '{1}', clock_timestamp(), true)`
  })
  await drain(actorOf(db, owner, handler))
  expect(calls).toBe(1)
  expect(await runsOf(db, "PaymentHandler")).toMatchObject([{ status: "dead_letter", attempts: 1 }])
})

test("without retries never gets an event again after a crash of its process", async () => {
  const [id] = await queue(3)
  await claimFree(db, "PaymentHandler", await processRow(db, false), 20)
  const handled: string[] = []
  await drain(
    actorOf(
      db,
      owner,
      external("PaymentHandler", async (event) => void handled.push(event.id)),
    ),
  )
  expect(handled).toEqual([])
  expect((await runsOf(db, "PaymentHandler")).map(({ status }) => status)).toEqual(Array(3).fill("dead_letter"))
  const [dead] = await db`select errors from slotbase.dead_letters order by position limit 1`
  expect(dead as object).toEqual({
    errors: [
      {
        eventId: id,
        eventType: "booking.confirmed",
        handlerName: "PaymentHandler",
        error: {
          message: "the process ended while it handled this event in quarantine; the outcome is unknown",
          code: "unknown_outcome",
        },
        attemptCount: 1,
        maxRetries: 0,
        status: "dead_letter",
      },
    ],
  })
})

test("handles the runs of expired processes before more fresh ones", async () => {
  await queue(40)
  for (let dead = 0; dead < 3; dead++)
    await claimFreshRuns(db, "NotificationHandler", await processRow(db, false), 0, 10)
  const handled: number[] = []
  await drain(
    actorOf(
      db,
      owner,
      external("NotificationHandler", async (event) => void handled.push(event.position)),
    ),
  )
  expect(handled).toEqual(upTo(40))
})

test("scans for expired processes again after their runs have taken long", async () => {
  await queue(30)
  const [dead, dying] = [await processRow(db, false), await processRow(db, true)]
  for (const process of [dead, dying]) await claimFreshRuns(db, "NotificationHandler", process, 0, 10)
  const real = performance.now.bind(performance)
  let ahead = 0
  const clock = spyOn(performance, "now").mockImplementation(() => real() + ahead)
  const handled: number[] = []
  await drain(
    actorOf(
      db,
      owner,
      external("NotificationHandler", async (event) => {
        if (handled.push(event.position) !== 10) return
        await db`update slotbase.processes set alive_until = clock_timestamp() where id = ${dying}`
        ahead += 3_000
      }),
    ),
  )
  clock.mockRestore()
  expect(handled).toEqual(upTo(30))
})

test("handles its own unsettled runs before more fresh ones", async () => {
  await queue(30)
  const handled: number[] = []
  const fenced = Promise.withResolvers<void>()
  const actor = actorOf(
    db,
    owner,
    external("NotificationHandler", async (event) => {
      // Its claim gets another token, as if another process had taken this one for dead: nothing is settled.
      if (handled.push(event.position) === 10) {
        await db`
          update slotbase.handler_claims set lease = nextval('slotbase.lease_seq') where handler = 'NotificationHandler'`
        fenced.resolve()
      }
      await fenced.promise
    }),
  )
  await drain(actor)
  expect(handled).toEqual([...upTo(10), ...upTo(10), ...upTo(30, 11)])
  expect(await statusCounts(db, "NotificationHandler")).toEqual({ success: 30 })
})

const external = (
  name: string,
  handle: (...args: Parameters<ExternalHandler["handle"]>) => Promise<void>,
): ExternalHandler => ({
  kind: "external",
  name,
  events: ["booking.confirmed"],
  handle: async (event, tools) => {
    await handle(event, tools)
    return undefined
  },
})

const pass = (handler: Handler) => actorOf(db, owner, handler).pass(never)

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, nth) => first + nth)

async function queue(count: number): Promise<readonly string[]> {
  const ids = await recordMany(db, count)
  await dispatchAll(db)
  return ids
}
