// The body of a delivery is the same on every attempt, whatever changes between two of them.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { transact } from "#events/outbox.ts"
import type { WebhookInput, WebhookPatch } from "#outbound/webhooks/input.ts"
import { changeWebhook } from "#outbound/webhooks/webhooks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { context } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>
let deliverer: TestDeliverer
let status = 200
const inbox = startReceiver(() => new Response("", { status }))

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(app)
})
afterAll(async () => {
  await deliverer?.drain()
  await inbox.stop()
  await database?.drop()
})
let seen = 0
beforeEach(() => {
  seen = inbox.received.length
  status = 200
})

/** The requests of this test. */
const requests = () => inbox.received.slice(seen)
const bodies = () => requests().map(({ body }) => body)

async function given(input: Partial<WebhookInput>, name = "Riverside") {
  const facility = await aFacility(database.db)
  await database.db`update slotbase.facilities set name = ${name} where id = ${facility.id}`
  const webhook = await aWebhook(app, facility.id, { url: inbox.url, ...input })
  const change = (patch: WebhookPatch) =>
    transact(app.db, context, (tx) => changeWebhook(tx, app.secrets, facility.id, webhook.id, patch))
  return { facilityId: facility.id, webhookId: webhook.id, change }
}

/** A first attempt that fails, something in between, and a second one that succeeds. */
async function twoAttempts(facilityId: string, between: () => Promise<unknown>) {
  await confirmed(database.db, facilityId)
  status = 503
  await deliverer.run()
  await between()
  status = 200
  await database.db`select slotbase.move_clock('10 seconds')`
  await deliverer.run()
}

const template = (word: string) => `{"${word}":"{{ data.bookingId }}"}`

test("a template that changes between two attempts changes no body that was sent", async () => {
  const { facilityId, change } = await given({ format: "template", template: template("old") })
  await twoAttempts(facilityId, () => change({ template: template("new") }))
  expect(requests()).toHaveLength(2)
  expect(bodies()[0]).toStartWith('{"old":')
  expect(bodies()[1]).toBe(bodies()[0] ?? "")
  await confirmed(database.db, facilityId)
  await deliverer.run()
  expect(bodies()[2]).toStartWith('{"new":')
})

test("a template with the time of its rendering is rendered once", async () => {
  const now = { format: "template" as const, template: '{"at":"{{ "now" | date: "%H:%M:%S" }}"}' }
  const { facilityId } = await given(now)
  await twoAttempts(facilityId, async () => {})
  expect(bodies()[1]).toBe(bodies()[0] ?? "")
})

test("neither does another name of the facility", async () => {
  const { facilityId } = await given({ format: "zapier" })
  await twoAttempts(
    facilityId,
    () => database.db`update slotbase.facilities set name = 'Lakeside' where id = ${facilityId}`,
  )
  expect(bodies().map((body) => JSON.parse(body).facility.name)).toEqual(["Riverside", "Riverside"])
  expect(bodies()[1]).toBe(bodies()[0] ?? "")
})

test("nor another format, from the default one or to it", async () => {
  const plain = await given({})
  await twoAttempts(plain.facilityId, () => plain.change({ format: "zapier" }))
  expect(JSON.parse(bodies()[0] ?? "").type).toBe("booking.confirmed")
  expect(bodies()[1]).toBe(bodies()[0] ?? "")

  seen = inbox.received.length
  const enveloped = await given({ format: "cloudevents-binary" })
  await twoAttempts(enveloped.facilityId, () => enveloped.change({ format: "slotbase" }))
  expect(bodies()[1]).toBe(bodies()[0] ?? "")
  expect(requests().map(({ headers }) => headers.get("ce-specversion"))).toEqual(["1.0", "1.0"])
  await confirmed(database.db, enveloped.facilityId)
  await deliverer.run()
  expect(JSON.parse(bodies()[2] ?? "").type).toBe("booking.confirmed")
})

test("a replay is a delivery of its own, in the present format", async () => {
  const { facilityId, webhookId, change } = await given({ format: "template", template: template("old") })
  const [eventId = ""] = await confirmed(database.db, facilityId)
  await deliverer.run()
  await change({ template: template("new") })
  await database.db`
    insert into slotbase.delivery_queue (webhook_id, position, replay, facility_id, event_id, delivery_id, sequence, ready_at)
    select webhook_id, position, 1, facility_id, event_id, slotbase.derived_id(event_id, 'replay 1'), 0, slotbase.now()
    from slotbase.delivery_history where webhook_id = ${webhookId} and event_id = ${eventId}`
  await deliverer.run()
  expect(bodies().map((body) => Object.keys(JSON.parse(body)))).toEqual([["old"], ["new"]])
})

test("a template that fails sends nothing; when it is mended, the next attempt sends", async () => {
  const { facilityId, webhookId, change } = await given({ format: "template", template: template("a") })
  // A check refuses such a template when it is saved. An update of the engine may break an old one.
  await database.db`update slotbase.webhooks set template = '{"a": {{ x | gone }}}' where id = ${webhookId}`
  await confirmed(database.db, facilityId)
  await deliverer.run()
  expect(requests()).toEqual([])
  const [waiting] = await database.db`
    select status, attempt_count, error_message from slotbase.webhook_deliveries where webhook_id = ${webhookId}`
  expect({ ...waiting }).toEqual({
    status: "retrying",
    attempt_count: 1,
    error_message: "The body could not be made: line 1, column 7: undefined filter: gone",
  })
  await change({ template: template("b") })
  await database.db`select slotbase.move_clock('10 seconds')`
  await deliverer.run()
  expect(bodies()).toEqual([expect.stringMatching(/^\{"b":/)])
})

test("a delivery in the default format keeps no body", async () => {
  const { facilityId, webhookId } = await given({})
  await confirmed(database.db, facilityId)
  await deliverer.run()
  const kept = await database.db`select from slotbase.delivery_bodies where webhook_id = ${webhookId}`
  expect([requests().length, kept.length]).toEqual([1, 0])
})

test("a body that was kept before a crash is sent after it", async () => {
  const { facilityId, webhookId } = await given({ format: "template", template: template("new") })
  const [eventId = ""] = await confirmed(database.db, facilityId)
  await database.db`
    insert into slotbase.delivery_bodies (webhook_id, event_id, replay, facility_id, event_type, content_type, body)
    values (${webhookId}, ${eventId}, 0, ${facilityId}, 'booking.confirmed', 'text/x-kept', 'kept')`
  await deliverer.run()
  expect(requests().map(({ body, headers }) => [body, headers.get("content-type")])).toEqual([["kept", "text/x-kept"]])
})

test("a template that takes its whole time delays no other facility's deliveries", async () => {
  const hostile = await given({ format: "template", template: template("slow") })
  const loop =
    "{% for i in (1..1000) %}{% for j in (1..1000) %}{% for k in (1..1000) %}{% endfor %}{% endfor %}{% endfor %}"
  await database.db`update slotbase.webhooks set template = ${loop} where id = ${hostile.webhookId}`
  await confirmed(database.db, hostile.facilityId)
  const healthy = await given({})
  await confirmed(database.db, healthy.facilityId, 10)
  await deliverer.run()
  expect(requests()).toHaveLength(10)
  const [attempt] = await database.db<[{ error_message: string; ended: Date; all_sent: Date }]>`
    select a.error_message, a.started_at + a.duration_ms * interval '1 ms' as ended,
           (select max(started_at) from slotbase.webhook_attempts where webhook_id = ${healthy.webhookId}) as all_sent
    from slotbase.webhook_attempts a where a.webhook_id = ${hostile.webhookId} order by a.attempt limit 1`
  expect(attempt.error_message).toMatch(/does too much|takes longer/)
  expect(attempt.all_sent.getTime()).toBeLessThan(attempt.ended.getTime())
}, 30_000)
