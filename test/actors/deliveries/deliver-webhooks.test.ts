// Deliveries from the queue to a real receiver and back into the tables: arrivals, retries and ends.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { Webhook as StandardWebhook } from "standardwebhooks"
import { rootUserId } from "#base/ids.ts"
import { transact } from "#events/outbox.ts"
import { changeWebhook, deleteWebhook } from "#outbound/webhooks/webhooks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { context, onlyAlive, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed, rootCaller, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>
let deliverer: TestDeliverer
const receivers: Receiver[] = []

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(app)
})
beforeEach(() => onlyAlive(database.db, deliverer.owner))
afterAll(async () => {
  await deliverer?.drain()
  for (const receiver of receivers) await receiver.stop()
  await database?.drop()
})

function receiver(answer?: Parameters<typeof startReceiver>[0]): Receiver {
  const started = startReceiver(answer)
  receivers.push(started)
  return started
}

const deliveries = (webhookId: string) => database.db<Record<string, unknown>[]>`
  select status, attempt_count, next_retry_at, response_status, error_message from slotbase.webhook_deliveries
  where webhook_id = ${webhookId} order by position`

const moveClock = async (by: string) => {
  await database.db`select slotbase.move_clock(${by}::interval)`
}

/** Milliseconds from the end of the last attempt until the delivery is due. */
async function waits(webhookId: string): Promise<number> {
  const [row] = await database.db<[{ ms: number }]>`
    select round(extract(epoch from q.ready_at - a.started_at) * 1000)::integer - round(a.duration_ms)::integer as ms
    from slotbase.delivery_queue q
    join slotbase.webhook_attempts a on a.event_id = q.event_id and a.delivery_id = q.delivery_id and a.attempt = q.attempts
    where q.webhook_id = ${webhookId}`
  return row.ms
}

test("a delivery arrives with exactly the contract's headers, the event as its body, and is recorded as delivered", async () => {
  const inbox = receiver(
    () => new Response("thanks", { status: 202, headers: { "X-Answer": "1", "Set-Cookie": "a=b" } }),
  )
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: inbox.url, authType: "signature" })
  const secret = webhook.authConfig?.signingSecret as string
  const [eventId] = await confirmed(database.db, facility.id)
  await deliverer.run()

  expect(inbox.received).toHaveLength(1)
  const [{ headers, body }] = inbox.received as [(typeof inbox.received)[number]]
  const [row] = await database.db<Record<string, never>[]>`
    select p.position, d.id, d.sequence, d.status, d.attempt_count, d.response_status, d.response_body, d.response_headers,
           d.payload, a.id as attempt_id, a.signature, a.outcome
    from slotbase.webhook_deliveries d
    join slotbase.event_positions p on p.position = d.position
    join slotbase.webhook_attempts a on a.event_id = d.event_id and a.delivery_id = d.id
    where d.webhook_id = ${webhook.id}`
  const timestamp = headers.get("x-slotbase-timestamp") as string
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")
  expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(5)
  expect(Object.fromEntries(headers)).toEqual({
    accept: "*/*",
    "accept-encoding": "identity",
    connection: "keep-alive",
    "content-length": String(Buffer.byteLength(body)),
    "content-type": "application/json",
    host: new URL(inbox.url).host,
    "x-slotbase-epoch": await epoch(),
    "user-agent": "SlotBase-Webhooks/1.0",
    "x-slotbase-event": "booking.confirmed",
    "x-slotbase-event-id": eventId as string,
    "x-slotbase-timestamp": timestamp,
    "x-slotbase-signature": signature,
    "x-slotbase-delivery-id": row?.attempt_id ?? "",
    "x-slotbase-sequence": "1",
    "x-slotbase-position": String(row?.position),
    "webhook-id": eventId as string,
    "webhook-timestamp": timestamp,
    "webhook-signature": headers.get("webhook-signature") as string,
  })
  expect(new StandardWebhook(secret).verify(body, Object.fromEntries(headers))).toEqual(JSON.parse(body))
  expect(JSON.parse(body)).toMatchObject({ id: eventId, type: "booking.confirmed", facilityId: facility.id })
  expect({ ...row }).toMatchObject({
    status: "delivered",
    attempt_count: 1,
    response_status: 202,
    response_body: "thanks",
    response_headers: { "x-answer": "1" },
    payload: body,
    signature,
    outcome: "delivered",
  })
  expect(Object.keys(row?.response_headers ?? {})).not.toContain("set-cookie")
})

test("without a signature nothing is signed; other ways to authenticate are sent as configured, by PUT", async () => {
  const inbox = receiver()
  const auths = [
    ["none", {}, undefined],
    ["header", { headerName: "X-Api-Key", headerValue: "k-1" }, ["x-api-key", "k-1"]],
    [
      "basic",
      { username: "club", password: "pässword" },
      ["authorization", `Basic ${Buffer.from("club:pässword").toString("base64")}`],
    ],
    ["bearer", { bearerToken: "t-1" }, ["authorization", "Bearer t-1"]],
  ] as const
  for (const [authType, authConfig, header] of auths) {
    const facility = await aFacility(database.db)
    await aWebhook(app, facility.id, { url: inbox.url, method: "PUT", authType, authConfig })
    await confirmed(database.db, facility.id)
    await deliverer.run()
    const headers = Object.fromEntries(inbox.received.at(-1)?.headers ?? new Headers())
    expect(Object.keys(headers).filter((name) => /signature|^webhook-|authorization|api-key/.test(name))).toEqual(
      header ? [header[0]] : [],
    )
    if (header) expect(headers[header[0]]).toBe(header[1])
  }
  expect(inbox.received).toHaveLength(4)
})

test("retries wait 1, 2 and 4 seconds, each attempt is kept, and the last failure ends in a dead letter with every error", async () => {
  const bodies: string[] = []
  const inbox = receiver(({ body }) => {
    bodies.push(body)
    return new Response("no", { status: 500 })
  })
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: inbox.url, retryConfig: { maxRetries: 3 }, retryForHours: 0 })
  const [eventId] = await confirmed(database.db, facility.id)
  for (const [attempt, delay] of [1_000, 2_000, 4_000].entries()) {
    await deliverer.run()
    expect(await deliveries(webhook.id)).toMatchObject([
      { status: "retrying", attempt_count: attempt + 1, response_status: 500 },
    ])
    // Written down a little later than answered.
    expect(await waits(webhook.id)).toBeWithin(delay - 5, delay + 950)
    await deliverer.run()
    expect(inbox.received).toHaveLength(attempt + 1)
    await moveClock(`${delay} ms`)
  }
  await deliverer.run()

  expect(inbox.received).toHaveLength(4)
  expect(new Set(bodies).size).toBe(1)
  expect(new Set(inbox.received.map(({ headers }) => headers.get("x-slotbase-event-id"))).size).toBe(1)
  expect(new Set(inbox.received.map(({ headers }) => headers.get("x-slotbase-delivery-id"))).size).toBe(4)
  expect(await deliveries(webhook.id)).toMatchObject([
    { status: "failed", attempt_count: 4, next_retry_at: null, error_message: "The receiver answered 500." },
  ])
  const [letter] = await database.db<{ event: { id: string }; errors: Record<string, unknown>[]; resolution: null }[]>`
    select event, errors, resolution from slotbase.dead_letters where webhook_id = ${webhook.id}`
  expect(letter?.event.id).toBe(eventId as string)
  expect(letter?.resolution).toBeNull()
  expect(
    letter?.errors.map(({ status, attemptCount, handlerName, error }) => [status, attemptCount, handlerName, error]),
  ).toEqual(
    ["retrying", "retrying", "retrying", "dead_letter"].map((status, index) => [
      status,
      index + 1,
      "WebhookHandler",
      { code: "http_500", message: "The receiver answered 500." },
    ]),
  )
  expect(await unbalanced(database.db)).toHaveLength(0)
})

test("the retry delivers to a receiver that has recovered", async () => {
  let healthy = false
  const inbox = receiver(() => new Response("", { status: healthy ? 200 : 503 }))
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: inbox.url })
  await confirmed(database.db, facility.id)
  await deliverer.run()
  healthy = true
  await moveClock("1 second")
  await deliverer.run()
  expect(await deliveries(webhook.id)).toMatchObject([{ status: "delivered", attempt_count: 2, error_message: null }])
})

test.each([
  ["in seconds", () => "120", 120_000],
  ["as a date", () => new Date(Date.now() + 90_000).toUTCString(), 90_000],
  ["for a day", () => "86400", 86_400_000],
  ["never beyond a day, however long the number", () => "99999999999", 86_400_000],
  ["never below the configured delay", () => "0", 1_000],
  ["never below the configured delay, also when it is negative", () => "-5", 1_000],
  ["not when it is nonsense", () => "soon", 1_000],
])("Retry-After is honoured %s", async (_, retryAfter, expectedMs) => {
  const inbox = receiver(() => new Response("", { status: 429, headers: { "Retry-After": retryAfter() } }))
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: inbox.url })
  await confirmed(database.db, facility.id)
  await deliverer.run()
  expect(Math.abs((await waits(webhook.id)) - expectedMs)).toBeLessThan(1_500)
  await transact(database.db, context, (tx) => deleteWebhook(tx, rootCaller, facility.id, webhook.id))
})

test("a 410 switches the webhook off, its deliveries wait, and go on when it is switched on again", async () => {
  let gone = true
  const inbox = receiver(() => new Response("", { status: gone ? 410 : 200 }))
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: inbox.url, maxConcurrency: 1 })
  await confirmed(database.db, facility.id)
  await deliverer.run()
  await confirmed(database.db, facility.id, 2)
  await deliverer.run()
  expect(inbox.received).toHaveLength(1)
  const [row] = await database.db`select is_active, disabled_reason from slotbase.webhooks where id = ${webhook.id}`
  expect({ ...row }).toEqual({ is_active: false, disabled_reason: "the receiver answered 410 Gone" })
  expect(await deliveries(webhook.id)).toMatchObject([
    { status: "retrying", attempt_count: 1, response_status: 410 },
    { status: "pending", attempt_count: 0 },
    { status: "pending", attempt_count: 0 },
  ])

  gone = false
  const { result } = await transact(database.db, context, (tx) =>
    changeWebhook(tx, app.secrets, facility.id, webhook.id, { isActive: true }),
  )
  expect([result.isActive, result.disabledReason]).toEqual([true, undefined])
  await deliverer.run()
  expect((await deliveries(webhook.id)).map(({ status }) => status)).toEqual(["delivered", "delivered", "delivered"])
})

test("a redirect, a private address and a refused connection are failed attempts with that reason", async () => {
  const redirecting = receiver(() => Response.redirect("http://127.0.0.1:1/", 307))
  const cases = [
    [redirecting.url, "The receiver answered 307: redirects are not followed."],
    ["https://10.0.0.5/hook", "10.0.0.5 is not a public address. SLOTBASE_EGRESS_ALLOW=10.0.0.5 would allow it."],
    ["http://127.0.0.1:2/hook", "No connection could be made (ECONNREFUSED)."],
  ] as const
  for (const [url, message] of cases) {
    const facility = await aFacility(database.db)
    const webhook = await aWebhook(app, facility.id, { url, retryConfig: { maxRetries: 0 }, retryForHours: 0 })
    await confirmed(database.db, facility.id)
    await deliverer.run()
    expect(await deliveries(webhook.id)).toMatchObject([{ status: "failed", attempt_count: 1, error_message: message }])
  }
})

test("a receiver that never answers delays no other", async () => {
  const patient = await aDeliverer(app, { timeoutMs: 500 })
  await onlyAlive(database.db, patient.owner)
  const hanging = receiver(() => new Promise(() => {}))
  const healthy = receiver()
  const [slow, fast] = [await aFacility(database.db), await aFacility(database.db)]
  const black = await aWebhook(app, slow.id, { url: hanging.url, maxConcurrency: 10 })
  await aWebhook(app, fast.id, { url: healthy.url })
  await confirmed(database.db, slow.id, 50)
  await confirmed(database.db, fast.id, 20)
  patient.requestScan()
  await patient.pass()
  await eventually(() => expect(healthy.received).toHaveLength(20), { withinMs: 400 })
  await transact(database.db, context, (tx) => deleteWebhook(tx, rootCaller, slow.id, black.id))
  await patient.idle()
  await patient.drain()
})

test("while the log grows, a pass finds the new deliveries without a scan of the queue", async () => {
  const inbox = receiver()
  const facility = await aFacility(database.db)
  await aWebhook(app, facility.id, { url: inbox.url })
  const hinted = await aDeliverer(app)
  await hinted.run()
  for (let n = 1; n <= 3; n++) {
    await confirmed(database.db, facility.id)
    await hinted.pass()
    await hinted.idle()
    expect(inbox.received).toHaveLength(n)
  }
  await hinted.drain()
})

test("a deleted webhook's deliveries end as failed, each with a dead letter that its deleter has ignored", async () => {
  const inbox = receiver()
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: inbox.url, isActive: false })
  await confirmed(database.db, facility.id, 3)
  await transact(database.db, context, (tx) => deleteWebhook(tx, rootCaller, facility.id, webhook.id))
  // Dispatched before the end of the subscription took effect: the actor settles it.
  await database.db`
    insert into slotbase.delivery_queue (webhook_id, position, facility_id, event_id, delivery_id, sequence)
    select webhook_id, position, facility_id, event_id, delivery_id, sequence from slotbase.delivery_history
    where webhook_id = ${webhook.id} order by position limit 1`
  await database.db`
    delete from slotbase.delivery_history h using slotbase.delivery_queue q
    where h.webhook_id = ${webhook.id} and q.webhook_id = h.webhook_id and q.position = h.position`
  await deliverer.run()

  expect(inbox.received).toHaveLength(0)
  const failed = { status: "failed", attempt_count: 0, error_message: "webhook deleted" }
  expect(await deliveries(webhook.id)).toMatchObject([failed, failed, failed])
  const letters = await database.db`
    select resolution, resolved_by, errors -> -1 -> 'error' ->> 'code' as code from slotbase.dead_letters
    where webhook_id = ${webhook.id}`
  const ignored = { resolution: "ignored", resolved_by: rootUserId, code: "webhook_deleted" }
  expect(letters.map((row) => ({ ...row }))).toEqual([ignored, ignored, ignored])
  expect(await unbalanced(database.db)).toHaveLength(0)
})

test("another choice of events holds from the next dispatch on, and the ledger stays balanced", async () => {
  const inbox = receiver()
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: inbox.url })
  const change = (patch: Parameters<typeof changeWebhook>[4]) =>
    transact(database.db, context, (tx) => changeWebhook(tx, app.secrets, facility.id, webhook.id, patch))
  await confirmed(database.db, facility.id)
  await change({ name: "Another name", url: `${inbox.url}?v=2` })
  await change({ events: ["booking.cancelled"] })
  await confirmed(database.db, facility.id)
  await change({ events: ["booking.cancelled", "booking.confirmed"] })
  await confirmed(database.db, facility.id)
  await deliverer.run()
  expect(inbox.received.map(({ headers }) => headers.get("x-slotbase-sequence")).sort()).toEqual(["1", "2"])
  const versions = await database.db`
    select version, events, until_position is null as live from slotbase.webhook_versions
    where webhook_id = ${webhook.id} order by version`
  expect(versions.map((row) => ({ ...row }))).toEqual([
    { version: 1, events: ["booking.confirmed"], live: false },
    // The second version of the configuration changed no subscription.
    { version: 3, events: ["booking.cancelled"], live: false },
    { version: 4, events: ["booking.confirmed", "booking.cancelled"], live: true },
  ])
  expect(await unbalanced(database.db)).toHaveLength(0)
})

test("a stop returns unsent deliveries, lets requests under way end, and gives slow ones up", async () => {
  const answers: (() => void)[] = []
  const inbox = receiver(
    () =>
      new Promise((resolve) => {
        answers.push(() => resolve(new Response("ok")))
      }),
  )
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: inbox.url, maxConcurrency: 2 })
  await confirmed(database.db, facility.id, 5)
  const stopping = await aDeliverer(app, { graceMs: 300 })
  await onlyAlive(database.db, stopping.owner)
  stopping.requestScan()
  await stopping.pass()
  await eventually(() => expect(inbox.received).toHaveLength(2))
  answers[0]?.()
  await stopping.drain()

  const rows = await database.db`
    select status, attempts, failures, unknowns, lease from (
      select position, 'queued' as status, attempts, failures, unknowns, lease from slotbase.delivery_queue where webhook_id = ${webhook.id}
      union all
      select position, status, attempts, null, null, null from slotbase.delivery_history where webhook_id = ${webhook.id}) d
    order by status, attempts desc`
  const untouched = { status: "queued", attempts: 0, failures: 0, unknowns: 0, lease: null }
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { status: "delivered", attempts: 1, failures: null, unknowns: null, lease: null },
    { ...untouched, attempts: 1 },
    untouched,
    untouched,
    untouched,
  ] as never)
  const outcomes = await database.db`
    select outcome, error_message from slotbase.webhook_attempts where webhook_id = ${webhook.id} order by outcome`
  expect(outcomes.map((row) => ({ ...row }))).toEqual([
    { outcome: "delivered", error_message: null },
    { outcome: "unknown", error_message: "The request was given up because the process stops." },
  ])
})

async function epoch(): Promise<string> {
  const [row] = await database.db<[{ epoch: string }]>`select slotbase.log_epoch() as epoch`
  expect(row.epoch).toMatch(/^[0-9a-f]{16}$/)
  return row.epoch
}
