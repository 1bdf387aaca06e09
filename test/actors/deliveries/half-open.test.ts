// Deliveries on a kept connection whose other end is gone without a word: what has reached nobody uses up no try.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { aFacility } from "#test/harness/club/factories.ts"
import { startHalfOpenReceiver } from "#test/harness/outside/half-open-receiver.ts"
import { aDeliverer, aWebhook, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>
let deliverer: TestDeliverer
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(app, { timeoutMs: 3_000 })
})
afterAll(async () => {
  await deliverer?.drain()
  for (const end of ends) await end()
  await database?.drop()
})

/** A webhook that has had one delivery, and a second one on the same connection; without any retry. */
async function secondDelivery(mode: "half-open" | "silent") {
  const receiver = await startHalfOpenReceiver(mode)
  ends.push(receiver.end)
  const facility = await aFacility(database.db)
  const url = `http://127.0.0.1:${receiver.port}/hook`
  const webhook = await aWebhook(app, facility.id, { url, retryConfig: { maxRetries: 0 } })
  await confirmed(database.db, facility.id)
  await deliverer.run()
  await confirmed(database.db, facility.id)
  await deliverer.run()
  return {
    webhookId: webhook.id,
    arrived: () => receiver.heard().flatMap(({ connection, request }) => (request ? [connection] : [])),
  }
}

const attemptsOf = (webhookId: string) => database.db<Record<string, unknown>[]>`
  select attempt, outcome, error_class, error_code, connection_reused as reused from slotbase.webhook_attempts
  where webhook_id = ${webhookId} order by event_id, attempt`
const historyOf = (webhookId: string) => database.db<Record<string, unknown>[]>`
  select status, attempts from slotbase.delivery_history where webhook_id = ${webhookId} order by position`
const queueOf = (webhookId: string) => database.db<Record<string, unknown>[]>`
  select attempts, failures from slotbase.delivery_queue where webhook_id = ${webhookId}`

const first = { attempt: 1, outcome: "delivered", error_class: null, error_code: null, reused: false }

test("a request that nobody has received is a recorded attempt without a try, and is sent anew at once", async () => {
  const { webhookId, arrived } = await secondDelivery("half-open")
  const history = await eventually(async () => {
    const rows = await historyOf(webhookId)
    expect(rows).toHaveLength(2)
    return rows
  })
  expect(history.map((row) => ({ ...row }))).toEqual([
    { status: "delivered", attempts: 1 },
    { status: "delivered", attempts: 2 },
  ])
  expect((await attemptsOf(webhookId)).map((row) => ({ ...row }))).toEqual([
    first,
    { attempt: 1, outcome: "failed", error_class: "connection", error_code: "not_received", reused: true },
    { attempt: 2, outcome: "delivered", error_class: null, error_code: null, reused: false },
  ])
  expect(arrived()).toEqual([1, 2])
}, 20_000)

test("a request that was acknowledged and is not answered is a failed attempt that uses up a try", async () => {
  const { webhookId, arrived } = await secondDelivery("silent")
  expect((await attemptsOf(webhookId)).map((row) => ({ ...row }))).toEqual([
    first,
    { attempt: 1, outcome: "failed", error_class: "timeout", error_code: "timed_out", reused: true },
  ])
  expect((await queueOf(webhookId)).map((row) => ({ ...row }))).toEqual([{ attempts: 1, failures: 1 }])
  expect(arrived()).toEqual([1, 1])
}, 20_000)
