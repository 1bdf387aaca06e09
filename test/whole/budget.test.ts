// The cost of a booking and of an event, in counts and never in times, against the recorded budget (budget.json). The
// counts are WAL bytes, dead rows, statements, transactions and round trips. A change that costs more fails here. The
// failure tells how to record a new budget. A change that costs less fails too: otherwise ten changes of 9 % each could
// follow unseen.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { dispatchOnce } from "#actors/dispatch/dispatcher.ts"
import type { OneByOneHandler, SetBasedHandler } from "#actors/handlers/handler.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { runHandlers } from "#actors/runs/run-handlers.ts"
import { prepareActor } from "#actors/runtime/actor.ts"
import { createServer } from "#api/server.ts"
import { connect, type Db } from "#base/database/db.ts"
import { record, transact } from "#events/outbox.ts"
import { testApi } from "#test/harness/api/api.ts"
import { makeCourts } from "#test/harness/api/booking-api.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type CountingProxy, startCountingProxy } from "#test/harness/outside/counting-proxy.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { type OwnCost, ownCost } from "#test/harness/pipeline/own-cost.ts"
import { actorProcess, context, processRow, sample, subscribe } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const file = join(import.meta.dir, "budget.json")
const command = "SLOTBASE_RECORD_BUDGET=on ./scripts/test test/whole/budget"
/** Batches, and with them the commits, differ a little from run to run: by 3 % at most. */
const tolerance = 0.1
const events = 500
const warmUp = 20
/** The steady state: so many events at a time are dispatched, handled and delivered before the next ones. */
const steadyStates = [
  { name: "one by one", atOnce: 1 },
  // At 200 events a second a pass finds about so many.
  { name: "four at a time", atOnce: 4 },
]
/** How often each steady state is repeated. */
const repeats = 50
const bookings = 20
const handlers = ["FirstHandler", "SecondHandler", "ThirdHandler"]
/** Handles all events of a claim at once, so that the claim's runs are settled as one row. */
const setBased = "SetBasedHandler"
/** The stage of the set-based handler. */
const together = "handle together"
/** Rows that are written once; the queue's rows too, as long as nothing fails. */
const neverUpdated = [
  "events",
  "event_positions",
  "handler_queue",
  "handler_history",
  "handler_batches",
  "joint_history",
  "delivery_history",
  "attempt_history",
]

let database: TestDatabase
/** Through this proxy the pipeline's connection is counted. */
let proxy: CountingProxy
let db: Db
/** Looks at the queue, and is not counted. */
let watching: Db
const actual: Record<string, number> = {}
const stages: Record<string, OwnCost> = {}
const joint: OwnCost[] = []

beforeAll(async () => {
  database = await testDatabase()
  proxy = await startCountingProxy(database.url)
  db = connect(proxy.url, { max: 1, applicationName: "slotbase test budget" })
  watching = connect(database.url, { max: 1, applicationName: "slotbase test budget" })
  await measurePipeline()
  await measureBooking()
  if (process.env.SLOTBASE_RECORD_BUDGET === "on") await Bun.write(file, `${JSON.stringify(actual, null, 2)}\n`)
}, 60_000)

afterAll(async () => {
  await db.end()
  await watching.end()
  proxy.stop()
  await database.drop()
})

test("a booking and an event cost what the budget records, no more and no less", async () => {
  const budget: Record<string, number> = await Bun.file(file).json()
  expect(Object.keys(actual)).toEqual(Object.keys(budget))
  const apart = Object.entries(actual)
    .filter(([name, cost]) => Math.abs(cost - (budget[name] ?? 0)) > (budget[name] ?? 0) * tolerance)
    .map(([name, cost]) => `${name}: ${cost}, the budget is ${budget[name]}`)
  expect(apart, `If that is meant, record a new budget and commit it with its reason:\n  ${command}\n`).toEqual([])
})

test("no wide row is updated on its way, and every update is in place", () => {
  const updated = Object.values(stages)
    .flatMap(({ tables }) => Object.entries(tables))
    .filter(([, { updated }]) => updated > 0)
  expect(updated.map(([name]) => name).filter((name) => neverUpdated.includes(name))).toEqual([])
  const all = updated.reduce((sum, [, written]) => sum + written.updated, 0)
  const hot = updated.reduce((sum, [, written]) => sum + written.hotUpdated, 0)
  expect(hot / all).toBeGreaterThan(0.8)
})

test("runs that a set-based handler handled at once are a row per claim, and have no rows of their own", async () => {
  const cost = stages[together] as OwnCost
  expect(Object.keys(cost.tables).sort()).toEqual(["handler_batches", "handler_claims", "handler_cursors"])
  expect(claimsOf(cost)).toBeLessThanOrEqual(events / 50)
  expect(cost.tables.handler_batches?.inserted).toBe(claimsOf(cost))
  const [settled] = await db<[{ runs: number }]>`select sum(runs) as runs from slotbase.handler_batches`
  expect(settled.runs).toBe(warmUp + events)
})

test("an event that handlers handled together is a row of the history, whatever their number", () => {
  for (const { tables } of joint) {
    expect(Object.keys(tables).sort()).toEqual(["handler_claims", "handler_cursors", "joint_history"])
    expect(tables.joint_history).toMatchObject({ inserted: 1, updated: 0, deleted: 0 })
  }
})

test("every event went the whole way, and no image of a page is counted", () => {
  const inserted = Object.fromEntries(
    Object.values(stages).flatMap(({ tables }) =>
      Object.entries(tables).map(([name, written]) => [name, written.inserted]),
    ),
  )
  expect(inserted).toMatchObject({
    events,
    event_positions: events,
    handler_history: events * handlers.length,
    delivery_history: events,
    attempt_history: events,
  })
  expect(Object.values(stages).map(({ pageImages }) => pageImages)).toEqual([0, 0, 0, 0, 0])
})

/** Sends events through the real actors on one connection, stage after stage. */
async function measurePipeline(): Promise<void> {
  const app = testApp(db)
  const { id: facilityId } = await aFacility(db)
  const receiver = startReceiver()
  for (const name of [...handlers, setBased]) await subscribe(db, name, "booking.confirmed")
  await aWebhook(app, facilityId, { url: receiver.url, maxConcurrency: 50 })
  const owner = await processRow(db, true)
  const prepared = (name: string, handling: Pick<SetBasedHandler, "handleAll"> | Pick<OneByOneHandler, "handle">) =>
    prepareActor(
      runHandler(app, { kind: "transactional", name, events: ["booking.confirmed"], ...handling }, actorProcess(owner)),
      new AbortController().signal,
    )
  const running = handlers.map((name) => prepared(name, { handle: async () => undefined }))
  const atOnce = prepared(setBased, { handleAll: async () => undefined })
  const deliverer = await aDeliverer(app)
  const parts: [string, (count: number) => Promise<unknown>][] = [
    ["record", (count) => recordEach(facilityId, count)],
    [
      "dispatch",
      async () => {
        while ((await dispatchOnce(db)).more);
      },
    ],
    [
      "handle",
      async () => {
        for (const { passNow } of running) await passNow()
      },
    ],
    [together, () => atOnce.passNow()],
    ["deliver", () => deliverAll(deliverer)],
  ]
  // Plans, partitions and first pages cost only once.
  for (const [, part] of parts) await part(warmUp)
  for (const [name, part] of parts) {
    const cost = await ownCost(db, () => part(events))
    stages[name] = cost
    // Per event the cost would be close to zero, because one claim handles up to 500 events.
    const [unit, count] = name === together ? ["claim", claimsOf(cost)] : ["event", events]
    actual[`${name}: WAL bytes per ${unit}`] = Math.round(cost.walBytes / count)
    actual[`${name}: dead rows per ${unit}`] = Math.round((deadRows(cost) / count) * 100) / 100
  }
  const handleJointly = await measureJoint(facilityId)
  for (const { name, atOnce } of steadyStates) {
    const counts: { statements: number; transactions: number }[] = []
    const cost = await ownCost(db, async () => {
      for (let n = 0; n < repeats; n++) {
        proxy.take()
        await recordEach(facilityId, atOnce)
        await dispatchOnce(db, deliverer.turns.join)
        await handleJointly()
        await deliverAll(deliverer)
        const { statements, transactions } = proxy.take()
        counts.push({ statements: sum(statements.values()) / atOnce, transactions: transactions / atOnce })
      }
    })
    const all = repeats * atOnce
    actual[`${name}, all stages: WAL bytes per event`] = Math.round(cost.walBytes / all)
    actual[`${name}, all stages: dead rows per event`] = Math.round((deadRows(cost) / all) * 100) / 100
    // The least leaves out what an actor does once a second, and a pass that came before an answer was settled.
    actual[`${name}, all stages: statements per event`] = Math.min(...counts.map(({ statements }) => statements))
    actual[`${name}, all stages: transactions per event`] = Math.min(...counts.map(({ transactions }) => transactions))
  }
  await receiver.stop()
}

/** The handlers of a process, together: one claim, one transaction and one settlement per event. Answers their pass. */
async function measureJoint(facilityId: string): Promise<() => Promise<unknown>> {
  const members = [...handlers, setBased].map(
    (name): OneByOneHandler => ({
      kind: "transactional",
      name,
      events: ["booking.confirmed"],
      handle: async () => undefined,
    }),
  )
  const actors = runHandlers(testApp(db), members, actorProcess(await processRow(db, true)))
  const never = new AbortController().signal
  // The first pass of each handler by itself finds that it has caught up; the first event together makes the plans.
  for (const actor of actors) await actor.pass(never)
  const pass = async () => actors[0]?.pass(never)
  for (let n = -1; n < repeats; n++) {
    await recordEach(facilityId, 1)
    await dispatchOnce(db)
    const cost = await ownCost(db, pass)
    if (n >= 0) joint.push(cost)
  }
  const sum = (of: (cost: OwnCost) => number) => joint.reduce((total, cost) => total + of(cost), 0)
  actual["one by one, handle jointly: WAL bytes per event"] = Math.round(sum(({ walBytes }) => walBytes) / repeats)
  actual["one by one, handle jointly: dead rows per event"] = Math.round((sum(deadRows) / repeats) * 100) / 100
  return pass
}

const sum = (values: Iterable<number>) => [...values].reduce((total, each) => total + each, 0)
const deadRows = ({ tables }: OwnCost) =>
  Object.values(tables).reduce((sum, { updated, deleted }) => sum + updated + deleted, 0)
const claimsOf = ({ tables }: OwnCost) => tables.handler_claims?.inserted ?? 0

/** Records each event in its own transaction, as a request does. */
async function recordEach(facilityId: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++)
    await transact(db, context, async (tx) =>
      record(tx, sample("booking.confirmed", { bookingId: crypto.randomUUID() }, facilityId)),
    )
}

/** A pass may end before its answers are settled. Another pass, which would be counted, comes only after many looks. */
async function deliverAll({ run }: Awaited<ReturnType<typeof aDeliverer>>): Promise<void> {
  for (;;) {
    await run()
    for (let looks = 0; looks < 200; looks++) if (!(await isWaiting())) return
  }
}

async function isWaiting(): Promise<boolean> {
  const [left] = await watching<[{ waiting: boolean }]>`select exists (select from slotbase.delivery_queue) as waiting`
  return left.waiting
}

/** Makes bookings over the HTTP API, and counts between the program and PostgreSQL. */
async function measureBooking(): Promise<void> {
  const api = await testApi()
  const proxy = await startCountingProxy(api.database.url)
  const proxied = connect(proxy.url, { max: 1, applicationName: "slotbase test budget" })
  const server = createServer(testApp(proxied))
  const { facilityId, court, player, staff } = await makeCourts(api)
  const book = async (hour: number) => {
    const body = JSON.stringify({ resourceId: court, ...atHour(hour), bookerId: player.id, paymentMethod: "offline" })
    const headers = { authorization: `Bearer ${staff.token}`, "content-type": "application/json" }
    const url = `http://slotbase.test/v1/facilities/${facilityId}/bookings`
    const answer = await server.handle(new Request(url, { method: "POST", headers, body }))
    expect(answer.status).toBe(201)
  }
  // The first use of each statement takes a round trip more, to prepare it.
  for (let hour = 0; hour < 5; hour++) await book(hour)
  proxy.take()
  const { walBytes } = await ownCost(proxied, async () => {
    proxy.take()
    for (let hour = 5; hour < 5 + bookings; hour++) await book(hour)
    const { roundTrips, statements } = proxy.take()
    actual["booking: statements"] = sum(statements.values()) / bookings
    actual["booking: round trips"] = roundTrips / bookings
  })
  actual["booking: WAL bytes"] = Math.round(walBytes / bookings)
  await proxied.end()
  proxy.stop()
  await api.database.drop()
}
