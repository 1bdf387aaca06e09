// Formats over HTTP: what is refused when it is saved, the preview, the bodies that arrive, and test events.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { newId } from "#base/ids.ts"
import { signatureOf } from "#outbound/webhooks/signature.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { startRawServer } from "#test/harness/outside/raw-server.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"

let api: TestApi
let deliverer: TestDeliverer
let facilityId: string
let at: string
let status = 200
const inbox = startReceiver(() => new Response("seen", { status, headers: { "X-Answer": "1" } }))
const receivers: Receiver[] = [inbox]

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(api.app)
  facilityId = await api.facility()
  at = `/v1/facilities/${facilityId}`
})
afterAll(async () => {
  await deliverer?.drain()
  for (const receiver of receivers) await receiver.stop()
  await api?.database.drop()
})

const create = (given: Record<string, unknown> = {}) =>
  api.call("POST", `${at}/webhooks`, {
    body: { name: "Club system", url: inbox.url, events: ["booking.confirmed"], ...given },
  })
const change = (id: string, body: object) => api.call("PATCH", `${at}/webhooks/${id}`, { body })
const preview = (body: object) => api.call("POST", `${at}/webhooks/body-preview`, { body })
const sendTest = (id: string, body: object = {}, headers: Record<string, string> = {}) =>
  api.call("POST", `${at}/webhooks/${id}/test`, { body, headers })
const template = '{"booking":"{{ data.bookingId }}","day":"{{ data.startAt | date: "%Y-%m-%d" }}"}'

/** The requests that the receiver got meanwhile. */
async function arrivals(work: () => Promise<unknown>) {
  const before = inbox.received.length
  await work()
  return inbox.received.slice(before)
}

describe("a format in the configuration", () => {
  test("is answered, and slotbase unless given", async () => {
    expect((await create()).body).toMatchObject({ format: "slotbase" })
    const { body } = await create({ format: "template", template, contentType: "application/vnd.club+json" })
    expect(body).toMatchObject({ format: "template", template, contentType: "application/vnd.club+json" })
    const { body: other } = await change(body.id, { format: "zapier" })
    expect(other.format).toBe("zapier")
    expect(Object.keys(other)).not.toContain("template")
    expect(Object.keys(other)).not.toContain("contentType")
  })

  test.each([
    ["an unknown format", { format: "xml" }, "body.format"],
    ["a missing template", { format: "template" }, "body.template"],
    ["a template without its format", { template }, "body.template"],
    ["a content type of another format", { format: "zapier", contentType: "text/plain" }, "body.contentType"],
    ["a body in parts", { format: "template", template, contentType: "multipart/mixed" }, "body.contentType"],
    ["a second header", { format: "template", template, contentType: "text/plain\r\nX: 1" }, "body.contentType"],
    [
      "another charset",
      { format: "template", template, contentType: "text/plain; charset=latin1" },
      "body.contentType",
    ],
    ["an empty template", { format: "template", template: "" }, "body.template"],
    ["a long template", { format: "template", template: "x".repeat(20_001) }, "body.template"],
  ])("%s is refused at its field, and nothing is written", async (_name, given, path) => {
    const [before] = await api.database.db`select count(*) from slotbase.webhooks`
    const { status, body } = await create(given)
    expect([status, body.errors[0].path]).toEqual([422, path])
    const [after] = await api.database.db`select count(*) from slotbase.webhooks`
    expect(after).toEqual(before)
  })

  test("a bad template is refused with line and column, at creation and at each change", async () => {
    const bad = { format: "template", template: '{\n"a": "{{ data.bookingId | nope }}"}' }
    const message = "line 2, column 7: undefined filter: nope. Tried with booking.confirmed."
    const { status, body } = await create(bad)
    expect([status, body.errors]).toEqual([422, [{ path: "body.template", message }]])
    const { id } = (await create()).body
    expect((await change(id, bad)).body.errors).toEqual([{ path: "body.template", message }])
    expect((await api.call("GET", `${at}/webhooks/${id}`)).body.format).toBe("slotbase")
  })

  test("a template is tried with each event that the webhook wants, also when only the events change", async () => {
    const wanted = {
      format: "template",
      template: '{"at": {{ data.cancelledAt | json }}, "n": {{ data.refundAmount }}}',
    }
    const { status, body } = await create({ ...wanted, events: ["booking.cancelled"] })
    expect(status).toBe(201)
    const changed = await change(body.id, { events: ["booking.cancelled", "booking.confirmed"] })
    expect(changed.status).toBe(422)
    expect(changed.body.errors[0].message).toMatch(
      /no valid JSON: line 1, column 19 .*Tried with booking\.confirmed\.$/,
    )
  })
})

describe("the preview", () => {
  test("shows a sample in a format, or the facility's own event", async () => {
    expect((await preview({ format: "template", template, type: "booking.cancelled" })).body).toMatchObject({
      contentType: "application/json",
      headers: {},
    })
    const [eventId] = await confirmed(api.database.db, facilityId)
    const { status, body } = await preview({ format: "cloudevents", eventId })
    expect([status, body.contentType, JSON.parse(body.body).id]).toEqual([
      200,
      "application/cloudevents+json; charset=utf-8",
      eventId,
    ])
    expect((await preview({ format: "template", template: "{{ x " })).status).toBe(422)
  })

  test("refuses a type beside an event, which has its own", async () => {
    const [eventId] = await confirmed(api.database.db, facilityId)
    const { status, body } = await preview({ eventId, type: "booking.cancelled" })
    expect([status, body.errors]).toEqual([422, [{ path: "body.type", message: "Not used with an eventId" }]])
  })

  test("shows no event of another facility", async () => {
    const [eventId] = await confirmed(api.database.db, await api.facility())
    expect((await preview({ eventId })).status).toBe(404)
  })
})

describe("deliveries", () => {
  test("show no body that their format has not made", async () => {
    const [plain, events, later] = [await create(), await create({ format: "cloudevents" }), await create()]
    const shown = async () =>
      Promise.all(
        [plain, events, later].map(
          async ({ body }) => (await api.call("GET", `${at}/webhooks/${body.id}/deliveries`)).body.data[0].payload,
        ),
      )
    await api.database.db`select slotbase.sequence_subscriptions(
      (select coalesce(max(position), 0) + 1 from slotbase.event_positions))`
    const [eventId] = await confirmed(api.database.db, facilityId)
    const text = (await preview({ eventId })).body.body
    expect(await shown()).toEqual([text, "", text])
    await deliverer.run()
    await change(later.body.id, { format: "template", template })
    expect(await shown()).toEqual([text, (await preview({ format: "cloudevents", eventId })).body.body, text])
    for (const { body } of [plain, events, later]) await api.call("DELETE", `${at}/webhooks/${body.id}`)
  })

  test("carry the body and the headers of their format, and the signature covers the body", async () => {
    for (const format of ["cloudevents", "cloudevents-binary", "zapier", "template"]) {
      const given = { format, ...(format === "template" && { template }), authType: "signature" }
      const webhook = (await create(given)).body
      await api.database.db`select slotbase.sequence_subscriptions(
        (select coalesce(max(position), 0) + 1 from slotbase.event_positions))`
      const [eventId] = await confirmed(api.database.db, facilityId)
      await deliverer.run()
      const [delivery] = (await api.call("GET", `${at}/webhooks/${webhook.id}/deliveries`)).body.data
      const { body: shown } = await preview({ ...given, authType: undefined, eventId })
      const one = inbox.received.find((each) => each.headers.has("x-slotbase-signature") && each.body === shown.body)
      expect(delivery).toMatchObject({ status: "delivered", eventId, payload: shown.body })
      const headers = Object.fromEntries(one?.headers ?? [])
      expect(headers).toMatchObject({ ...shown.headers, "content-type": shown.contentType })
      const signed = `${headers["x-slotbase-timestamp"]}.${shown.body}`
      const hex = createHmac("sha256", webhook.authConfig.signingSecret).update(signed).digest("hex")
      expect(headers["x-slotbase-signature"]).toBe(hex)
      await api.call("DELETE", `${at}/webhooks/${webhook.id}`)
    }
    expect([...(await unbalanced(api.database.db))]).toEqual([])
  })
})

describe("a test", () => {
  test("sends the sample once, marked, also to a paused webhook, and answers with what the receiver said", async () => {
    const webhook = (await create({ authType: "signature", isActive: false, events: ["booking.cancelled"] })).body
    let answer: Awaited<ReturnType<typeof sendTest>> | undefined
    const [one, ...more] = await arrivals(async () => {
      answer = await sendTest(webhook.id)
    })
    expect(more).toEqual([])
    const headers = Object.fromEntries(one?.headers ?? [])
    const sent = JSON.parse(one?.body ?? "")
    expect(sent).toMatchObject({
      id: headers["x-slotbase-event-id"],
      type: "booking.cancelled",
      facilityId,
      metadata: { environment: "development", test: true },
    })
    expect(headers).toMatchObject({
      "x-slotbase-test": "true",
      "x-slotbase-event": "booking.cancelled",
      "x-slotbase-sequence": "0",
      "x-slotbase-position": "0",
    })
    const signed = `${headers["x-slotbase-timestamp"]}.${one?.body}`
    const hex = createHmac("sha256", webhook.authConfig.signingSecret).update(signed).digest("hex")
    expect(headers["x-slotbase-signature"]).toBe(hex)

    const { status, body } = answer as NonNullable<typeof answer>
    expect(status).toBe(200)
    expect(body).toMatchObject({
      webhookId: webhook.id,
      eventId: sent.id,
      eventType: "booking.cancelled",
      status: "delivered",
      responseStatus: 200,
      responseBody: "seen",
      responseHeaders: { "x-answer": "1" },
      payload: one?.body,
      sequence: 0,
      position: 0,
      isTest: true,
      attemptCount: 1,
    })
    expect(body.attempts[0].id).toBe(headers["x-slotbase-delivery-id"])
    for (const id of [body.id, headers["x-slotbase-delivery-id"]])
      expect((await api.call("GET", `${at}/deliveries/${id}`)).body).toEqual(body)
    const { attempts: _, ...listed } = body
    expect((await api.call("GET", `${at}/webhooks/${webhook.id}/deliveries`)).body.data).toEqual([listed])
  })

  test("is in no log, and reaches no other webhook", async () => {
    const [webhook, other] = [(await create()).body, (await create()).body]
    const arrived = await arrivals(async () => {
      const { body } = await sendTest(webhook.id)
      expect((await api.call("GET", `${at}/events/${body.eventId}`)).status).toBe(404)
      await deliverer.run()
    })
    expect(arrived.filter(({ headers }) => headers.get("x-slotbase-test"))).toHaveLength(1)
    expect((await api.call("GET", `${at}/webhooks/${other.id}/deliveries`)).body.data).toEqual([])
  })

  test("of a receiver that refuses, or is not there, says so, and is not tried again", async () => {
    const webhook = (await create()).body
    status = 503
    const refused = (await sendTest(webhook.id)).body
    status = 200
    expect(refused).toMatchObject({ status: "failed", responseStatus: 503, errorMessage: "The receiver answered 503." })
    const closed = startReceiver()
    await closed.stop()
    await change(webhook.id, { url: closed.url })
    const failed = (await sendTest(webhook.id)).body
    expect([failed.status, failed.responseStatus]).toEqual(["failed", undefined])
    expect(failed.errorMessage).toEqual(expect.any(String))
    const again = await api.call("POST", `${at}/deliveries/${failed.id}/retry`)
    expect([again.status, again.body.code]).toEqual([409, "is_a_test"])
    const [dead] = await api.database.db`select from slotbase.dead_letters where webhook_id = ${webhook.id}`
    expect(dead).toBeUndefined()
  })

  test("is signed like a delivery during a rotation: by both secrets, and by the new one alone afterwards", async () => {
    const webhook = (await create({ authType: "signature" })).body
    const rotated = (await api.call("POST", `${at}/webhooks/${webhook.id}/rotate-secret`, { body: {} })).body
    const [old, next] = [webhook, rotated].map(({ authConfig }) => authConfig.signingSecret as string) as [
      string,
      string,
    ]
    const signatures = async () => {
      const [one] = await arrivals(() => sendTest(webhook.id))
      const signedBy = (secret: string) =>
        signatureOf(one?.body ?? "", secret, Number(one?.headers.get("x-slotbase-timestamp")))
      const sent = ["x-slotbase-signature", "x-slotbase-signature-next"].map((name) => one?.headers.get(name) ?? null)
      return { sent, signedBy, standard: one?.headers.get("webhook-signature")?.split(" ").length }
    }
    const during = await signatures()
    expect(during.sent).toEqual([during.signedBy(old), during.signedBy(next)])
    expect(during.standard).toBe(2)
    await api.database.db`
      update slotbase.webhooks set rotation_ends_at = slotbase.now() - interval '1 s' where id = ${webhook.id}`
    const after = await signatures()
    expect(after.sent).toEqual([after.signedBy(next), null])
    expect(after.standard).toBe(1)
  })

  test("keeps what every attempt keeps: version, headers without credentials, address, phases, class and code", async () => {
    const authConfig = { headerName: "X-Key", headerValue: "of-the-club" }
    const webhook = (await create({ authType: "header", authConfig })).body
    await change(webhook.id, { name: "Second version" })
    const { attempts, headers } = (await sendTest(webhook.id)).body
    expect(headers).toMatchObject({
      "X-SlotBase-Test": "true",
      "X-Key": "(hidden)",
      "X-SlotBase-Epoch": expect.any(String),
    })
    expect(attempts).toEqual([
      expect.objectContaining({
        webhookVersion: 2,
        headers,
        address: "127.0.0.1",
        connectionReused: expect.any(Boolean),
        timings: expect.objectContaining({ firstByte: expect.any(Number), body: expect.any(Number) }),
      }),
    ])
    status = 302
    const redirected = (await sendTest(webhook.id)).body
    status = 200
    expect(redirected).toMatchObject({
      responseStatus: 302,
      errorClass: "status",
      errorCode: "http_302",
      errorMessage: "The receiver answered 302: redirects are not followed.",
    })
    const closed = startReceiver()
    await closed.stop()
    await change(webhook.id, { url: closed.url })
    const failed = (await sendTest(webhook.id)).body
    expect([failed.errorClass, failed.errorCode, failed.headers]).toEqual(["connection", "connection_failed", {}])
  })

  test("changes nothing by its answer: a 410 leaves the webhook on, and Retry-After pauses nothing", async () => {
    const gone = startReceiver(() => new Response("", { status: 410, headers: { "Retry-After": "60" } }))
    const webhook = (await create({ url: gone.url })).body
    expect((await sendTest(webhook.id)).body).toMatchObject({ status: "failed", responseStatus: 410 })
    await gone.stop()
    const { body } = await api.call("GET", `${at}/webhooks/${webhook.id}`)
    expect(body).toEqual({ ...webhook, version: 1 })
  })

  test("shows the headers as they arrived, and no other", async () => {
    const webhook = (await create({ authType: "signature" })).body
    let shown: Record<string, string> = {}
    const [one] = await arrivals(async () => {
      shown = (await sendTest(webhook.id)).body.headers
    })
    const lower = Object.entries(shown).map(([name, value]) => [name.toLowerCase(), value])
    expect(Object.fromEntries(lower)).toEqual(Object.fromEntries(one?.headers ?? []))
  })

  test("is decided by the head of the answer, however long the body takes", async () => {
    const server = await startRawServer((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsee"))
    const webhook = (await create({ url: `http://127.0.0.1:${server.port}/` })).body
    const { body } = await sendTest(webhook.id)
    server.stop()
    expect([body.status, body.responseStatus, body.responseBody, body.responseBodyEnd]).toEqual([
      "delivered",
      200,
      "see",
      "late",
    ])
  })

  test("with the same Idempotency-Key is sent once, and answered alike", async () => {
    const webhook = (await create()).body
    const key = { "Idempotency-Key": newId() }
    const answers: unknown[] = []
    const arrived = await arrivals(async () => {
      for (let n = 0; n < 2; n++) answers.push((await sendTest(webhook.id, {}, key)).body)
    })
    expect(arrived).toHaveLength(1)
    expect(answers[1]).toEqual(answers[0])
  })

  test("has a type of the webhook, and the format of the webhook", async () => {
    const webhook = (await create({ format: "zapier" })).body
    expect((await sendTest(webhook.id, { type: "booking.cancelled" })).body.errors).toEqual([
      { path: "body.type", message: "None of the webhook's events" },
    ])
    const [one] = await arrivals(() => sendTest(webhook.id, { type: "booking.confirmed" }))
    expect(Object.keys(JSON.parse(one?.body ?? ""))).toEqual(["event_type", "timestamp", "facility", "data"])
  })

  test("of a webhook of another facility is not there", async () => {
    const webhook = (await create()).body
    const elsewhere = await api.facility()
    const answer = await api.call("POST", `/v1/facilities/${elsewhere}/webhooks/${webhook.id}/test`, { body: {} })
    expect(answer.status).toBe(404)
  })
})
