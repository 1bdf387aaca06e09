// What a DBA sees of webhooks: the body that was or will be sent, and tests as tests. A configuration is whole, and
// each attempt has the version that it used. Secrets are in none of the views (reader.test.ts).

import { afterAll, beforeAll, expect, test } from "bun:test"
import { claimDeliveries } from "#actors/deliveries/claim-rows.ts"
import { reclaimAbandoned } from "#actors/deliveries/reclaim.ts"
import { transact } from "#events/outbox.ts"
import { prepareTest, sendTest } from "#outbound/webhooks/deliveries/test-delivery.ts"
import { beginTest } from "#outbound/webhooks/deliveries/test-rows.ts"
import type { WebhookInput, WebhookPatch } from "#outbound/webhooks/input.ts"
import { changeWebhook, deleteWebhook } from "#outbound/webhooks/webhooks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { actorProcess, context, processRow } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed, loopback, rootCaller } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>
let deliverer: Awaited<ReturnType<typeof aDeliverer>>
const inbox = startReceiver(() => new Response("ok"))

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: [...loopback] })
  deliverer = await aDeliverer(app)
})
afterAll(async () => {
  await deliverer.drain()
  await inbox.stop()
  await database.drop()
})

async function given(input: Partial<WebhookInput> = {}) {
  const { id: facilityId } = await aFacility(database.db)
  const { id: webhookId } = await aWebhook(app, facilityId, { url: inbox.url, ...input })
  const change = (patch: WebhookPatch) =>
    transact(app.db, context, (tx) => changeWebhook(tx, app.secrets, facilityId, webhookId, patch))
  return { facilityId, webhookId, change }
}

const seen = async (webhookId: string) => [
  ...(await database.db<Record<string, unknown>[]>`
    select event_type, payload, content_type, is_test, version from slotbase.webhook_deliveries
    where webhook_id = ${webhookId} order by event_id`),
]

test("a delivery shows the body that was sent; before the first request only the default format has one", async () => {
  const plain = await given()
  const { facilityId, webhookId, change } = await given({
    format: "template",
    template: '{"b":"{{ data.bookingId }}"}',
  })
  for (const id of [plain.facilityId, facilityId]) await confirmed(database.db, id)
  const [waits] = await seen(plain.webhookId)
  expect(waits).toMatchObject({ event_type: "booking.confirmed", content_type: "application/json", version: null })
  expect(await seen(webhookId)).toEqual([
    { event_type: "booking.confirmed", payload: null, content_type: null, is_test: false, version: null },
  ])
  await deliverer.run()
  const [, made] = inbox.received.map(({ body }) => body).sort((one, other) => other.length - one.length)
  expect(made).toStartWith('{"b":"')
  expect(inbox.received.map(({ body }) => body)).toContain(waits?.payload as string)
  expect(await seen(webhookId)).toEqual([
    {
      event_type: "booking.confirmed",
      payload: made as string,
      content_type: "application/json",
      is_test: false,
      version: 1,
    },
  ])
  await change({ format: "slotbase" })
  expect((await seen(webhookId))[0]?.payload).toBe(made as string)
  await plain.change({ format: "zapier" })
  expect((await seen(plain.webhookId))[0]?.payload).toBe(waits?.payload as string)
})

test("a test shows its type, its body and that it is one, with the version that it used", async () => {
  const { facilityId, webhookId, change } = await given({ events: ["booking.cancelled"] })
  await change({ name: "Renamed" })
  const tools = { db: app.db, secrets: app.secrets, environment: "development" as const, allow: loopback }
  const prepared = await prepareTest(tools, facilityId, webhookId, undefined)
  const { result } = await transact(app.db, context, (tx) => beginTest(tx, prepared))
  const attempt = () => database.db`
    select outcome, version, is_test from slotbase.webhook_attempts where webhook_id = ${webhookId}`
  expect([...(await attempt())].map((row) => ({ ...row }))).toEqual([{ outcome: "unknown", version: 2, is_test: true }])
  await sendTest(tools, prepared, result.attemptId)
  expect([...(await attempt())].map((row) => ({ ...row }))).toEqual([
    { outcome: "delivered", version: 2, is_test: true },
  ])
  expect(await seen(webhookId)).toEqual([
    {
      event_type: "booking.cancelled",
      payload: inbox.received.at(-1)?.body as string,
      content_type: "application/json",
      is_test: true,
      version: 2,
    },
  ])
})

test("webhook_endpoints has every column of a webhook but its secrets, and the reader every field of its tables", async () => {
  const rows = await database.db<{ relation: string; column: string }[]>`
    select c.relname as relation, a.attname as column
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.oid = any ('{slotbase.webhooks,slotbase.webhook_endpoints,slotbase.attempt_history,slotbase.webhook_attempts}'::regclass[])`
  const of = (relation: string) => new Set(rows.filter((row) => row.relation === relation).map(({ column }) => column))
  expect([...of("webhooks").difference(of("webhook_endpoints"))].sort()).toEqual([
    "auth_config",
    "changed_by",
    "next_auth_config",
  ])
  expect([...of("attempt_history").difference(of("webhook_attempts"))]).toEqual([])
  const hidden = await database.db<{ field: string }[]>`
    select c.relname || '.' || a.attname as field
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'slotbase'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
      and c.relname ~ '^(webhook|delivery|attempt|replays|hook|platform)' and c.relname <> 'webhooks'
      and not has_column_privilege('slotbase_reader', c.oid, a.attnum, 'select')
    order by 1`
  // The views show these four without what may be secret in them.
  expect(hidden.map(({ field }) => field)).toEqual([
    "attempt_history.response_body",
    "attempt_history.response_headers",
    "attempt_history.url",
    "webhook_changes.configuration",
  ])
})

test("webhook_endpoints shows a configuration, a rotation and a pause", async () => {
  const { webhookId } = await given({
    authType: "signature",
    ordered: true,
    ratePerSecond: 5,
    retryForHours: 9,
    filters: {
      conditions: [{ path: "data.priceAmount", operator: "greater", value: 100 }],
      bookingTypes: ["lesson"],
      whenAbsent: "skip",
    },
  } as Partial<WebhookInput>)
  await database.db`
    update slotbase.webhooks set next_auth_config = auth_config, rotation_ends_at = '2030-01-01' where id = ${webhookId}`
  await database.db`
    update slotbase.webhook_pace set paused_at = slotbase.now(), paused_until = '2030-01-02', pause_status = 429
    where webhook_id = ${webhookId}`
  const [row] = await database.db`
    select ordered, rate_per_second, retry_for_hours, format, version, when_absent, jsonb_array_length(conditions) as conditions,
           rotation_ends_at, paused_until, pause_status, subscribed_to, breaker_failures
    from slotbase.webhook_endpoints where id = ${webhookId}`
  expect({ ...row }).toEqual({
    ordered: true,
    rate_per_second: 5,
    retry_for_hours: 9,
    format: "slotbase",
    version: 2,
    when_absent: "skip",
    conditions: 1,
    rotation_ends_at: new Date("2030-01-01"),
    paused_until: new Date("2030-01-02"),
    pause_status: 429,
    subscribed_to: null,
    breaker_failures: null,
  })
})

test("an attempt of a dead process names the version and the address that it used, whatever was changed since", async () => {
  const { facilityId, webhookId, change } = await given()
  await change({ name: "Second" })
  await confirmed(database.db, facilityId)
  const [dying, heir] = [await processRow(database.db, true), await processRow(database.db, true)]
  const want = { webhookId, after: 0, busy: 0, ahead: 1, cap: 5 }
  const [claimed] = await claimDeliveries(database.db, { process: actorProcess(dying), wants: [want], total: 5 })
  expect(claimed?.webhook.version).toBe(2)
  const attempts = async () =>
    (
      await database.db`
        select a.outcome, a.version, a.url = slotbase.shown_url(${inbox.url}) as as_then, c.configuration ->> 'name' as name
        from slotbase.webhook_attempts a
        join slotbase.webhook_configurations c on c.webhook_id = a.webhook_id and c.version = a.version
        where a.webhook_id = ${webhookId}`
    ).map((row) => ({ ...row }))
  expect(await attempts()).toEqual([{ outcome: "started", version: 2, as_then: true, name: "Second" }])
  await change({ name: "Third", url: `${inbox.url}/moved` })
  await database.db`update slotbase.processes set alive_until = '-infinity' where id = ${dying}`
  await reclaimAbandoned(database.db, heir)
  expect(await attempts()).toEqual([{ outcome: "unknown", version: 2, as_then: true, name: "Second" }])
})

test("an attempt whose webhook changed between its claim and the look at it names the version that it sends", async () => {
  const { facilityId, webhookId, change } = await given()
  await confirmed(database.db, facilityId)
  const owner = await processRow(database.db, true)
  const changing = new Proxy(database.db, {
    apply: (db, self, [text, ...values]: [TemplateStringsArray, ...unknown[]]) => {
      const send = () => Reflect.apply(db, self, [text, ...values]) as Promise<unknown>
      return text.raw.join().includes("facility_name") ? change({ name: "Meanwhile" }).then(send) : send()
    },
  })
  const want = { webhookId, after: 0, busy: 0, ahead: 1, cap: 5 }
  const [claimed] = await claimDeliveries(changing, { process: actorProcess(owner), wants: [want], total: 5 })
  expect([claimed?.claimed_version, claimed?.webhook.version]).toEqual([1, 2])
  const [attempt] = await database.db`
    select outcome, version from slotbase.webhook_attempts where webhook_id = ${webhookId}`
  expect({ ...attempt }).toEqual({ outcome: "started", version: 2 })
})

test("an attempt that was under way when its webhook was deleted names its version too", async () => {
  const { facilityId, webhookId } = await given()
  await confirmed(database.db, facilityId)
  const owner = await processRow(database.db, true)
  const want = { webhookId, after: 0, busy: 0, ahead: 1, cap: 5 }
  await claimDeliveries(database.db, { process: actorProcess(owner), wants: [want], total: 5 })
  await transact(app.db, context, (tx) => deleteWebhook(tx, rootCaller, facilityId, webhookId))
  const rows = await database.db`
    select outcome, version, error_code from slotbase.webhook_attempts where webhook_id = ${webhookId}`
  expect(rows.map((row) => ({ ...row }))).toEqual([{ outcome: "unknown", version: 1, error_code: "webhook_deleted" }])
})
