// REST hooks over HTTP: subscribing with an API key, samples in the shape of a live request, and every end.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { facilityWebhookEvents } from "#events/catalogue.ts"
import { samplesEvent } from "#events/describe.ts"
import { maxHookSubscriptions } from "#outbound/hooks/input.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"

let api: TestApi
let deliverer: TestDeliverer
let facilityId: string
let at: string
let key: string
let status = 200
const inbox = startReceiver(() => new Response(null, { status }))

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(api.app)
})
beforeEach(async () => {
  status = 200
  facilityId = await api.facility({ name: "Riverside" })
  at = `/v1/facilities/${facilityId}`
  key = (await api.call("POST", `${at}/api-keys`, { body: { name: "Zapier", role: "facility_admin" } })).body.key
})
afterAll(async () => {
  await deliverer?.drain()
  await inbox.stop()
  await api?.database.drop()
})

const call = (method: string, path: string, body?: object) =>
  api.call(method, `${at}/hooks${path}`, { token: key, ...(body && { body }) })
const anAddress = () => `${inbox.url}/${newId()}`
const subscribe = (given: object = {}) =>
  call("POST", "/subscriptions", { hookUrl: anAddress(), event: "booking.confirmed", ...given })
const received = (url: string) => inbox.received.filter(({ url: to }) => url.endsWith(to)).map(({ body }) => body)
const ended = async () => (await call("GET", "/subscriptions?state=ended")).body.data

describe("subscribing", () => {
  test("answers the subscription, which is a webhook of that id", async () => {
    const hookUrl = anAddress()
    const { status, body } = await subscribe({ hookUrl, name: "Sheet of Mia" })
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        id: body.id,
        event: "booking.confirmed",
        hookUrl,
        name: "Sheet of Mia",
        isActive: true,
        createdAt: body.createdAt,
      },
    })
    expect((await call("GET", "/subscriptions")).body).toEqual({ data: [body], next: null })
    const webhook = await api.call("GET", `${at}/webhooks/${body.id}`)
    expect(webhook.body).toMatchObject({ name: "Sheet of Mia", url: hookUrl, events: ["booking.confirmed"] })
  })

  test.each(["hookUrl", "targetUrl", "target_url"])("takes the address as %s", async (name) => {
    const url = anAddress()
    const { body } = await call("POST", "/subscriptions", { [name]: url, event: "booking.cancelled" })
    expect(body).toMatchObject({ hookUrl: url, name: "Hook of booking.cancelled" })
  })

  test.each([
    ["no address", { hookUrl: undefined }, "body.hookUrl", "Expected exactly one of hookUrl, targetUrl, target_url"],
    ["two addresses", { target_url: inbox.url }, "body.target_url", "Expected exactly one of"],
    ["an unknown event", { event: "booking.eaten" }, "body.event", '"booking.confirmed"'],
    ["an event that webhooks may not have", { event: "facility.created" }, "body.event", '"booking.confirmed"'],
    ["no event", { event: undefined }, "body.event", ""],
    ["an address of two lines", { hookUrl: "https://example.com/\r\nX: y" }, "body.hookUrl", "without space"],
    ["an unknown field", { subscription_url: inbox.url }, "body.subscription_url", ""],
  ])("%s is a 422 that names the place and the rule, and writes nothing", async (_, given, path, message) => {
    const { status, body } = await subscribe(given)
    expect([status, body.errors?.[0]?.path]).toEqual([422, path])
    expect(body.errors[0].message).toContain(message)
    expect((await api.call("GET", `${at}/webhooks`)).body.data).toEqual([])
  })

  test.each([
    ["https://10.0.0.5/hook", "private_address"],
    ["http://93.184.216.34/hook", "https_required"],
  ])("%s is refused like the address of a webhook", async (hookUrl, code) => {
    const { status, body } = await subscribe({ hookUrl })
    expect([status, body.code, body.errors[0].path]).toEqual([422, code, "body.hookUrl"])
    expect((await call("GET", "/subscriptions")).body.data).toEqual([])
  })

  test("the same event at the same address is a 409 that names the subscription", async () => {
    const hookUrl = anAddress()
    const { body } = await subscribe({ hookUrl })
    const again = await subscribe({ hookUrl })
    expect([again.status, again.body.code]).toEqual([409, "already_subscribed"])
    expect(again.body.detail).toContain(body.id)
    expect((await subscribe({ hookUrl, event: "booking.cancelled" })).status).toBe(201)
    await call("DELETE", `/subscriptions/${body.id}`)
    expect((await subscribe({ hookUrl })).status).toBe(201)
  })

  test("of two requests at once one takes the last place", async () => {
    for (let n = 1; n < maxHookSubscriptions; n++) expect((await subscribe()).status).toBe(201)
    const answers = await Promise.all([subscribe(), subscribe()])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422])
    expect(answers.map(({ body }) => body.code)).toContain("too_many_subscriptions")
  })
})

describe("samples", () => {
  test.each(facilityWebhookEvents)("%s has the catalogue's sample, in the facility that asks", async (type) => {
    const { status, body } = await call("GET", `/samples/${type}`)
    const { data, timestamp } = samplesEvent(type)
    const own = "facilityId" in data ? { ...data, facilityId } : data
    expect({ status, body }).toEqual({
      status: 200,
      body: [{ event_type: type, timestamp, facility: { id: facilityId, name: "Riverside" }, data: own }],
    })
  })

  test("are the newest three events of the facility, in the shape of the live request", async () => {
    const hookUrl = anAddress()
    await subscribe({ hookUrl })
    await dispatchAll(api.database.db)
    const ids = await confirmed(api.database.db, facilityId, 4)
    await confirmed(api.database.db, await api.facility())
    await deliverer.run()
    expect(received(hookUrl)).toHaveLength(ids.length)
    const { body } = await call("GET", "/samples/booking.confirmed")
    const live = received(hookUrl).map((text) => JSON.parse(text))
    const byBooking = (payload: { data: { bookingId: string } }) => payload.data.bookingId
    expect(body).toHaveLength(3)
    for (const sample of body) expect(live.find((each) => byBooking(each) === byBooking(sample))).toEqual(sample)
    expect(Object.keys(live[0])).toEqual(["event_type", "timestamp", "facility", "data"])
  })

  test.each(["facility.created", "booking.eaten", "__proto__"])("%s has none: 404", async (type) => {
    expect((await call("GET", `/samples/${type}`)).status).toBe(404)
  })
})

describe("the end of a subscription", () => {
  test("unsubscribing deletes its webhook, once, and nothing is sent any more", async () => {
    const hookUrl = anAddress()
    const { id } = (await subscribe({ hookUrl })).body
    expect((await call("DELETE", `/subscriptions/${id}`)).status).toBe(204)
    expect((await call("DELETE", `/subscriptions/${id}`)).status).toBe(404)
    await dispatchAll(api.database.db)
    await confirmed(api.database.db, facilityId)
    await deliverer.run()
    expect(received(hookUrl)).toEqual([])
    expect(await ended()).toEqual([
      expect.objectContaining({ id, isActive: false, endedAt: expect.any(String), endedBy: "caller" }),
    ])
  })

  test("a webhook that people made is no subscription, and that of another facility is not there", async () => {
    const webhook = await aWebhook(api.app, facilityId, { url: inbox.url })
    expect((await call("DELETE", `/subscriptions/${webhook.id}`)).status).toBe(404)
    const { id } = (await subscribe()).body
    at = `/v1/facilities/${await api.facility()}`
    expect((await api.call("DELETE", `${at}/hooks/subscriptions/${id}`)).status).toBe(404)
  })

  test("a 410 unsubscribes, and says how many deliveries were not sent any more", async () => {
    const hookUrl = anAddress()
    const { id } = (await subscribe({ hookUrl })).body
    await dispatchAll(api.database.db)
    await confirmed(api.database.db, facilityId, 5)
    status = 410
    await deliverer.run()
    expect((await call("GET", "/subscriptions")).body.data).toEqual([])
    const [one] = await ended()
    expect(one).toMatchObject({ id, endedBy: "receiver", discardedDeliveries: 5 })
    await deliverer.run()
    const { db } = api.database
    const [left] = await db<[{ queued: number; failed: number; dead: number; live: number }]>`
      select (select count(*) from slotbase.delivery_queue where webhook_id = ${id}) as queued,
             (select count(*) from slotbase.delivery_history where webhook_id = ${id} and status = 'failed') as failed,
             (select count(*) from slotbase.dead_letters where webhook_id = ${id} and resolution = 'ignored') as dead,
             (select count(*) from slotbase.webhook_versions where webhook_id = ${id} and not ended) as live`
    expect(left).toEqual({ queued: 0, failed: 5, dead: 5, live: 0 })
    const attempts = await db<{ outcome: string; response_status: number }[]>`
      select outcome, response_status from slotbase.attempt_history where webhook_id = ${id} limit 1`
    expect([...attempts]).toEqual([{ outcome: "failed", response_status: 410 }])
    expect((await subscribe({ hookUrl })).status).toBe(201)
  })

  test("a 410 in the middle of a rotation keeps no secret", async () => {
    const { id } = (await subscribe()).body
    const admin = (method: string, path: string, body: object) =>
      api.call(method, `${at}/webhooks/${id}${path}`, { body })
    await admin("PATCH", "", { authType: "signature" })
    expect((await admin("POST", "/rotate-secret", { overlapHours: 1 })).status).toBe(200)
    await dispatchAll(api.database.db)
    await confirmed(api.database.db, facilityId)
    status = 410
    await deliverer.run()
    const secrets = async () => {
      const [row] = await api.database.db`
        select auth_config, next_auth_config, rotation_ends_at from slotbase.webhooks where id = ${id}`
      return { ...row }
    }
    expect(await secrets()).toEqual({ auth_config: null, next_auth_config: null, rotation_ends_at: null })
  })

  test("a 410 to a webhook that people made switches it off, and keeps what waits", async () => {
    const webhook = await aWebhook(api.app, facilityId, { url: anAddress() })
    await confirmed(api.database.db, facilityId, 2)
    status = 410
    await deliverer.run()
    const { body } = await api.call("GET", `${at}/webhooks/${webhook.id}`)
    expect(body).toMatchObject({ isActive: false, disabledReason: "the receiver answered 410 Gone" })
    const [queue] = await api.database.db<[{ count: number }]>`
      select count(*) from slotbase.delivery_queue where webhook_id = ${webhook.id}`
    expect(queue.count).toBe(2)
  })
})
