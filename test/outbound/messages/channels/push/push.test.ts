// Push messages to a push service of the test, which its browser decrypts: subscribing over HTTP, sending, and what
// each answer means.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import type { Outgoing } from "#outbound/messages/channels/channel.ts"
import { createPushChannel, failureOf } from "#outbound/messages/channels/push/push.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { recordedBy, verdict } from "#test/harness/club/people.ts"
import { aBrowser, type PushService, startPushService, type TakenPush } from "#test/harness/outside/push-service.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"

let api: TestApi
const services: PushService[] = []

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
})
afterAll(() => api.database.drop())
afterEach(() => Promise.all(services.splice(0).map((service) => service.stop())))

const path = "/v1/me/push-subscriptions"

function aService(answer?: (taken: TakenPush) => Response | Promise<Response>): PushService {
  const service = startPushService(answer)
  services.push(service)
  return service
}

/** A person with a browser that is subscribed at the service. */
async function subscribed(service: PushService) {
  const [person, browser] = [await api.person(), aBrowser()]
  const endpoint = `${service.url}/send/${newId()}`
  const answer = await api.call("POST", path, { token: person.token, body: browser.subscription(endpoint) })
  expect(answer.status).toBe(201)
  return { person, browser, endpoint, id: answer.body.id as string, answer }
}

const aMessage = (to: { person: { id: string }; id: string }, given: Partial<Outgoing> = {}): Outgoing => ({
  id: newId(),
  facilityId: newId(),
  userId: to.person.id,
  to: { name: "Mia", address: to.id },
  title: "Reminder",
  body: "Court 1 at 18:00",
  html: null,
  type: "booking.reminder.due",
  priority: "high",
  data: { bookingId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10" },
  links: {},
  ...given,
})
const calm = new AbortController().signal
const send = (message: Outgoing) => createPushChannel(api.app).send(message, calm)

test("a browser gets a message that only it can read, with the headers of RFC 8030 and 8292", async () => {
  const service = aService()
  const to = await subscribed(service)
  const message = aMessage(to)
  await send(message)
  const [taken] = service.taken
  expect(`${service.url}${taken?.path}`).toBe(to.endpoint)
  expect(JSON.parse(to.browser.decrypt(taken?.body ?? new Uint8Array()).toString())).toEqual({
    notificationId: message.id,
    type: "booking.reminder.due",
    title: "Reminder",
    body: "Court 1 at 18:00",
    priority: "high",
    tag: expect.stringMatching(/^[\w-]{32}$/),
    data: message.data,
  })
  const { publicKey } = (await api.call("GET", "/v1/push-key", { token: null })).body
  expect(
    Object.fromEntries(
      ["ttl", "urgency", "topic", "content-encoding", "content-type"].map((name) => [name, taken?.headers.get(name)]),
    ),
  ).toEqual({
    ttl: "86400",
    urgency: "high",
    topic: JSON.parse(to.browser.decrypt(taken?.body ?? new Uint8Array()).toString()).tag,
    "content-encoding": "aes128gcm",
    "content-type": "application/octet-stream",
  })
  expect(taken?.headers.get("authorization")).toEndWith(`, k=${publicKey}`)
})

test("a subscription is listed without its address, ended by its owner alone, and recorded", async () => {
  const service = aService()
  const { person, browser, endpoint, id, answer } = await subscribed(service)
  const shown = { id, service: new URL(service.url).host, userAgent: null, createdAt: expect.any(String) }
  expect(answer.body).toEqual(shown)
  expect(await recordedBy(api, answer.headers)).toMatchObject([
    { type: "user.updated", data: { userId: person.id, changed: ["pushSubscriptions"], updatedBy: person.id } },
  ])
  const again = await api.call("POST", path, { token: person.token, body: browser.subscription(endpoint) })
  expect([again.status, again.body.id]).toEqual([200, id])
  expect(await recordedBy(api, again.headers)).toEqual([])
  expect((await api.call("GET", path, { token: person.token })).body).toEqual({ data: [shown], next: null })
  const other = await api.person()
  expect(verdict(await api.call("DELETE", `${path}/${id}`, { token: other.token }))).toBe("404 not_found")
  expect((await api.call("DELETE", `${path}/${id}`, { token: person.token })).status).toBe(204)
  expect(await failure(send(aMessage({ person, id })))).toMatchObject({
    _tag: "RecipientRefused",
    message: "the browser is not subscribed any more",
  })
  expect(service.taken).toEqual([])
})

test("whoever signs in at the same browser gets it for themself, and nothing of the person before", async () => {
  const service = aService()
  const { person, browser, endpoint, id } = await subscribed(service)
  const next = await api.person()
  const taken = await api.call("POST", path, { token: next.token, body: browser.subscription(endpoint) })
  expect(taken.status).toBe(201)
  expect(taken.body.id).not.toBe(id)
  expect((await api.call("GET", path, { token: person.token })).body.data).toEqual([])
  for (const userId of [person.id, next.id])
    expect(await failure(send(aMessage({ person: { id: userId }, id })))).toMatchObject({ _tag: "RecipientRefused" })
  await send(aMessage({ person: next, id: taken.body.id }))
  expect(service.taken).toHaveLength(1)
})

const good = aBrowser()
const withChange = (change: { endpoint?: unknown; p256dh?: unknown; auth?: unknown }) => {
  const { p256dh, auth } = good.keys
  const { endpoint = "https://push.example.com/1", ...keys } = change
  return { endpoint, keys: { p256dh: p256dh.toString("base64url"), auth: auth.toString("base64url"), ...keys } }
}

test.each([
  ["no https", { endpoint: "http://push.example.com/1" }, "https_required", "body.endpoint"],
  ["no address", { endpoint: "push" }, "bad_url", "body.endpoint"],
  ["a private address", { endpoint: "https://10.0.0.1/1" }, "private_address", "body.endpoint"],
  ["credentials in it", { endpoint: "https://a:b@push.example.com/1" }, "bad_url", "body.endpoint"],
  ["no base64", { p256dh: "a b" }, "invalid_input", "body.keys.p256dh"],
  ["a point that is too short", { p256dh: "BAAA" }, "invalid_input", "body.keys.p256dh"],
  ["a point beside the curve", { p256dh: `B${"A".repeat(86)}` }, "invalid_input", "body.keys.p256dh"],
  ["a secret of 15 bytes", { auth: "A".repeat(20) }, "invalid_input", "body.keys.auth"],
])("a subscription with %s is refused where it was given", async (_, change, code, at) => {
  const { token } = await api.person()
  const refused = await api.call("POST", path, { token, body: withChange(change) })
  expect([refused.status, refused.body.code, refused.body.errors[0]?.path]).toEqual([422, code, at])
})

test("no other field is taken, and a key is no person", async () => {
  const { token } = await api.person()
  const more = await api.call("POST", path, { token, body: { ...withChange({}), name: "phone" } })
  expect([more.status, more.body.errors[0]?.path]).toEqual([422, "body.name"])
  expect(verdict(await api.call("POST", path, { body: withChange({}) }))).toBe("403 not_allowed")
})

test.each([404, 410])("after %i the subscription is gone", async (status) => {
  const service = aService(() => new Response("gone", { status }))
  const to = await subscribed(service)
  expect(await failure(send(aMessage(to)))).toMatchObject({
    _tag: "RecipientRefused",
    message: `the subscription has ended (${status}: gone)`,
  })
  expect((await api.call("GET", path, { token: to.person.token })).body.data).toEqual([])
})

test.each([
  [429, { "retry-after": "30" }, { outcome: "not_sent", permanent: false, retryAfterMs: 30_000 }],
  [429, {}, { outcome: "not_sent", permanent: false, retryAfterMs: undefined }],
  [503, { "retry-after": "5" }, { outcome: "not_sent", permanent: false, retryAfterMs: 5_000 }],
  [500, {}, { outcome: "unknown", permanent: false, retryAfterMs: undefined }],
  [413, {}, { outcome: "not_sent", permanent: true, retryAfterMs: undefined }],
  [403, {}, { outcome: "not_sent", permanent: true, retryAfterMs: undefined }],
  [302, {}, { outcome: "not_sent", permanent: true, retryAfterMs: undefined }],
])("%i %p concerns this message alone", (status, headers, expected) => {
  expect(failureOf({ status, headers, body: "" })).toMatchObject({
    _tag: "SendFailed",
    concern: "message",
    ...expected,
  })
})

test("a browser that subscribed under another key of the server is taken off the list", async () => {
  const to = await subscribed(aService())
  await api.database.db`update slotbase.push_subscriptions set server_key = 'another' where id = ${to.id}`
  expect(await failure(send(aMessage(to)))).toMatchObject({
    message: "the browser subscribed under an earlier key of this server",
  })
  expect((await api.call("GET", path, { token: to.person.token })).body.data).toEqual([])
})

test("a service that never answers has two messages under way, and then rests, while another is served at once", async () => {
  const [trap, healthy] = [aService(() => new Promise<Response>(() => {})), aService()]
  const [slow, quick] = [await subscribed(trap), await subscribed(healthy)]
  const channel = createPushChannel(api.app)
  const stopping = new AbortController()
  const hanging = [1, 2].map(() => failure(channel.send(aMessage(slow), stopping.signal)))
  await until(() => trap.taken.length === 2)
  expect(await failure(channel.send(aMessage(slow), calm))).toMatchObject({
    _tag: "SendFailed",
    outcome: "not_sent",
    retryAfterMs: 1_000,
  })
  await channel.send(aMessage(quick), calm)
  expect(healthy.taken).toHaveLength(1)
  stopping.abort()
  expect(await Promise.all(hanging)).toMatchObject([{ outcome: "unknown" }, { outcome: "unknown" }])
  expect(trap.taken).toHaveLength(2)
})

test("without an address of the operator no browser can subscribe, and there is no key", async () => {
  const { token } = await api.person()
  const push = { subject: undefined, privateKey: undefined }
  const closed = { ...api.app, config: { ...api.app.config, push } }
  expect(createPushChannel(closed).unavailable).toContain("SLOTBASE_PUSH_SUBJECT")
  const { config } = api.app
  const before = config.push
  Object.assign(config, { push })
  try {
    expect((await api.call("GET", "/v1/push-key", { token: null })).body).toEqual({ publicKey: null })
    expect(verdict(await api.call("POST", path, { token, body: withChange({}) }))).toBe("409 push_unavailable")
  } finally {
    Object.assign(config, { push: before })
  }
})

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate)
}
