// Retry-After is the endpoint's: no other delivery leaves meanwhile, from any process, and no try is used up.
// Afterwards requests begin slowly.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { AttemptResult } from "#actors/deliveries/delivery.ts"
import { newEndpoint } from "#actors/deliveries/endpoint.ts"
import { notePause } from "#actors/deliveries/pause.ts"
import { transact } from "#events/outbox.ts"
import { changeWebhook, readWebhook } from "#outbound/webhooks/webhooks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { context } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>
let inbox: Receiver
let answer = () => new Response("")

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  inbox = startReceiver(() => answer())
})
afterAll(async () => {
  await inbox?.stop()
  await database?.drop()
})

const busy = (status: number) => () => new Response("", { status, headers: { "Retry-After": "20" } })
const queue = (webhookId: string) => database.db<{ attempts: number; failures: number }[]>`
  select attempts, failures from slotbase.delivery_queue where webhook_id = ${webhookId} order by attempts desc, position`

test.each([429, 503, 307])(
  "after a %d with Retry-After nothing is sent, by no process, and no try is used up",
  async (status) => {
    const facility = await aFacility(database.db)
    const retryConfig = { maxRetries: 0 }
    const webhook = await aWebhook(app, facility.id, { url: inbox.url, retryConfig, retryForHours: 0 })
    const [one, other] = [await aDeliverer(app), await aDeliverer(app)]
    answer = busy(status)
    const before = inbox.received.length
    await confirmed(database.db, facility.id, 30)
    await one.run()
    await other.run()
    await one.run()
    // Two requests at a time are the most that a webhook gets before it has answered.
    const sent = inbox.received.length - before
    expect(sent).toBeWithin(1, 3)
    const rows = await queue(webhook.id)
    expect(rows).toHaveLength(30)
    expect(rows.reduce((sum, row) => sum + row.attempts, 0)).toBe(sent)
    expect(rows.reduce((sum, row) => sum + row.failures, 0)).toBe(0)

    const { pausedUntil = "" } = await readWebhook(database.db, facility.id, webhook.id)
    const [pace] = await database.db<[{ until: Date; status: number; seconds: number }]>`
    select paused_until as until, pause_status as status, extract(epoch from paused_until - paused_at)::integer as seconds
    from slotbase.webhook_pace where webhook_id = ${webhook.id}`
    expect(pace).toMatchObject({ status, seconds: 20 })
    expect(new Date(pausedUntil)).toEqual(pace.until)

    answer = () => new Response("")
    await database.db`select slotbase.move_clock(interval '20 seconds')`
    const third = await aDeliverer(app)
    await third.run()
    await eventually(async () => expect(await queue(webhook.id)).toHaveLength(0))
    for (const each of [one, other, third]) await each.drain()
    expect((await readWebhook(database.db, facility.id, webhook.id)).pausedUntil).toBeUndefined()
  },
)

test("a webhook that is switched on by hand ends its pause", async () => {
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: inbox.url })
  const deliverer = await aDeliverer(app)
  answer = busy(429)
  await confirmed(database.db, facility.id)
  await deliverer.run()
  const { result } = await transact(database.db, context, (tx) =>
    changeWebhook(tx, app.secrets, facility.id, webhook.id, { isActive: true }),
  )
  expect(result.pausedUntil).toBeUndefined()
  expect((await readWebhook(database.db, facility.id, webhook.id)).pausedUntil).toBeUndefined()
  await deliverer.drain()
})

test.each([
  ["switched on by hand", () => ({ isActive: true })],
  ["given another address", () => ({ url: `${inbox.url}moved` })],
])("when it is %s, the delivery that the pause was asked for does not wait for its end either", async (_, patchOf) => {
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: inbox.url, ordered: true })
  const deliverer = await aDeliverer(app)
  answer = () => new Response("", { status: 429, headers: { "Retry-After": "86400" } })
  const [eventId = ""] = await confirmed(database.db, facility.id)
  await deliverer.run()
  await deliverer.drain()
  const change = async (patch: object) =>
    (await transact(database.db, context, (tx) => changeWebhook(tx, app.secrets, facility.id, webhook.id, patch)))
      .result
  expect((await change({ name: "Still paused" })).pausedUntil).toEqual(expect.any(String))

  answer = () => new Response("")
  expect((await change(patchOf())).pausedUntil).toBeUndefined()
  await database.db`select slotbase.move_clock(interval '1 second')` // a resumed webhook catches up at a rate
  const next = await aDeliverer(app)
  await next.run()
  await next.drain()
  const sent = inbox.received.filter(({ headers }) => headers.get("x-slotbase-event-id") === eventId)
  expect(sent).toHaveLength(2)
  expect(await queue(webhook.id)).toHaveLength(0)
})

test("a process begins slowly after a pause, and a receiver that always asks for short ones gets longer ones", () => {
  const endpoint = newEndpoint("webhook", "facility", 0)
  endpoint.breaker.requests = 10
  const paused = (sentAt: number) =>
    notePause(endpoint, { outcome: "failed", pauseMs: 1_000, sentAt: new Date(sentAt) } as AttemptResult, 0).pauseMs
  expect(paused(Date.now())).toBe(1_000)
  expect(endpoint.breaker.requests).toBe(1)
  expect(endpoint.heldUntil).toBe(1_000)
  // Sent before the pause began: the same pause.
  expect(paused(0)).toBe(1_000)
  const later = (n: number) => paused(Date.now() + n)
  expect([1, 2, 3].map(later)).toEqual([2_000, 4_000, 8_000])
  expect(Array.from({ length: 20 }, (_, n) => later(n)).at(-1)).toBe(300_000)
  notePause(endpoint, { outcome: "delivered" } as AttemptResult, 0)
  expect(later(100)).toBe(1_000)
})
