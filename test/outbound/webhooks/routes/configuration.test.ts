// The configuration of webhooks over HTTP: secrets and their rotation, pausing, versions, previews, and refusals.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Webhook } from "standardwebhooks"
import { newId } from "#base/ids.ts"
import { newSigningSecret, signatureOf } from "#outbound/webhooks/signature.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { aDeliverer, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"

let api: TestApi
let deliverer: TestDeliverer
let facilityId: string
let at: string
const inbox = startReceiver(({ url }) => new Response("", { status: url.endsWith("fails") ? 500 : 200 }))

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(api.app)
  facilityId = await api.facility()
  at = `/v1/facilities/${facilityId}`
})
afterAll(async () => {
  await deliverer?.drain()
  await inbox.stop()
  await api?.database.drop()
})

const create = (given: Record<string, unknown> = {}) =>
  api.call("POST", `${at}/webhooks`, {
    body: { name: "Club system", url: inbox.url, events: ["booking.confirmed"], ...given },
  })
const call = (method: string, path: string, body?: unknown) =>
  api.call(method, `${at}/webhooks/${path}`, body === undefined ? {} : { body: body as object })
const signedWith = (signingSecret: string) => create({ authType: "signature", authConfig: { signingSecret } })

/** Delivers an event to the webhook at this path of the receiver. */
async function arrivedAt(path: string) {
  await confirmed(api.database.db, facilityId)
  await deliverer.run()
  const arrived = inbox.received.findLast(({ url }) => url.endsWith(path))
  if (!arrived) throw new Error(`nothing arrived at ${path}`)
  const header = (name: string) => arrived.headers.get(name) ?? ""
  return { body: arrived.body, headers: Object.fromEntries(arrived.headers), header }
}

describe("a signing secret", () => {
  const key = Buffer.alloc(32, 0xfb)
  const base64 = key.toString("base64")

  test.each([
    ["unpadded", `whsec_${base64.replace("=", "")}`, "standard base64 with its padding"],
    ["URL-safe", `whsec_${key.toString("base64url")}=`, "standard base64 with its padding"],
    ["with a newline", `whsec_${base64}\n`, "without space, tabs or line ends"],
    ["without a key", "whsec_AAAAAAAAAAAA", "24 to 64 bytes"],
    ["with a key that is too long", `whsec_${Buffer.alloc(65).toString("base64")}`, "24 to 64 bytes"],
    ["with an upper-case prefix", `WHSEC_${base64}`, "standard base64 with its padding"],
    ["with bits behind its end", `whsec_${base64.slice(0, -2)}9=`, "standard base64 with its padding"],
    ["empty", "", "at least"],
    ["too short", "short", "at least 16 characters"],
  ])("%s is refused with a sentence", async (_, secret, message) => {
    const { status, body } = await signedWith(secret)
    expect([status, body.errors?.[0]?.path]).toEqual([422, "body.authConfig.signingSecret"])
    expect(JSON.stringify(body.errors)).toContain(message)
  })

  test("in the standard form signs the headers of Standard Webhooks, and another one the specification's", async () => {
    expect((await signedWith(`whsec_${base64}`)).status).toBe(201)
    expect((await signedWith("a plain secret of a club".replaceAll(" ", "-"))).status).toBe(201)
  })

  test("is not rotated by a change that gives none: that is a 422", async () => {
    const { body: made } = await create({ authType: "signature" })
    const { status, body } = await call("PATCH", made.id, { authType: "signature", authConfig: {} })
    expect([status, body.errors[0].path]).toEqual([422, "body.authConfig"])
    expect(body.errors[0].message).toContain("rotate-secret")
    expect((await call("PATCH", made.id, { authType: "signature" })).body.authConfig).toBeUndefined()
  })
})

describe("a rotation", () => {
  test("signs with both secrets until the overlap has ended, then with the new one alone", async () => {
    const { body: made } = await create({ url: `${inbox.url}rotates`, authType: "signature" })
    const old = made.authConfig.signingSecret as string
    const { status, body: rotated } = await call("POST", `${made.id}/rotate-secret`, { overlapHours: 2 })
    expect(status).toBe(200)
    const next = rotated.authConfig.signingSecret as string
    expect(next).not.toBe(old)
    expect(Date.parse(rotated.secretRotation.endsAt) - Date.now()).toBeGreaterThan(7_100_000)
    expect((await call("GET", made.id)).body.authConfig).toBeUndefined()

    const during = await arrivedAt("rotates")
    const timestamp = Number(during.header("x-slotbase-timestamp"))
    expect(during.header("x-slotbase-signature")).toBe(signatureOf(during.body, old, timestamp))
    expect(during.header("x-slotbase-signature-next")).toBe(signatureOf(during.body, next, timestamp))
    for (const secret of [old, next])
      expect(new Webhook(secret).verify(during.body, during.headers)).toEqual(JSON.parse(during.body))

    await api.database.db`
      update slotbase.webhooks set rotation_ends_at = slotbase.now() - interval '1 s' where id = ${made.id}`
    const after = await arrivedAt("rotates")
    expect(after.header("x-slotbase-signature")).toBe(
      signatureOf(after.body, next, Number(after.header("x-slotbase-timestamp"))),
    )
    expect(after.headers["x-slotbase-signature-next"]).toBeUndefined()
    expect(() => new Webhook(old).verify(after.body, after.headers)).toThrow("No matching signature found")

    const [sealed] = await api.database.db`select next_auth_config from slotbase.webhooks where id = ${made.id}`
    await api.database.db`select slotbase.end_secret_rotations()`
    const [row] = await api.database.db`
      select auth_config, next_auth_config, rotation_ends_at from slotbase.webhooks where id = ${made.id}`
    expect({ ...row }).toEqual({
      auth_config: sealed?.next_auth_config,
      next_auth_config: null,
      rotation_ends_at: null,
    })
    const { header, body } = await arrivedAt("rotates")
    expect(header("x-slotbase-signature")).toBe(signatureOf(body, next, Number(header("x-slotbase-timestamp"))))
  })

  test("a second one waits for the first, unless everything older ends at once", async () => {
    const { body: made } = await create({ authType: "signature" })
    const given = newSigningSecret()
    const first = await call("POST", `${made.id}/rotate-secret`, { signingSecret: given })
    expect([first.status, first.body.authConfig]).toEqual([200, undefined])
    const second = await call("POST", `${made.id}/rotate-secret`, {})
    expect([second.status, second.body.code]).toEqual([409, "rotation_under_way"])
    expect(second.body.detail).toBe(
      `Both secrets sign until ${first.body.secretRotation.endsAt}. With overlapHours 0 a third one signs alone, at once.`,
    )
    const at0 = await call("POST", `${made.id}/rotate-secret`, { overlapHours: 0 })
    expect([at0.status, at0.body.secretRotation]).toEqual([200, undefined])
    const same = await call("POST", `${made.id}/rotate-secret`, { signingSecret: at0.body.authConfig.signingSecret })
    expect([same.status, same.body.errors[0].path]).toEqual([422, "body.signingSecret"])
  })

  test("needs a signing secret, an overlap of at most a week, and a webhook of the facility", async () => {
    const { body: plain } = await create()
    expect((await call("POST", `${plain.id}/rotate-secret`, {})).body.code).toBe("no_signing_secret")
    expect((await call("POST", `${plain.id}/rotate-secret`, { overlapHours: 169 })).status).toBe(422)
    expect((await call("POST", `${newId()}/rotate-secret`, {})).status).toBe(404)
  })
})

test("a webhook is paused and resumed, twice without harm, and its deliveries wait meanwhile", async () => {
  const { body: made } = await create({ url: `${inbox.url}paused` })
  for (const _ of [1, 2]) expect((await call("POST", `${made.id}/pause`)).body.isActive).toBe(false)
  await confirmed(api.database.db, facilityId)
  await deliverer.run()
  expect(inbox.received.filter(({ url }) => url.endsWith("paused"))).toHaveLength(0)
  for (const _ of [1, 2]) expect((await call("POST", `${made.id}/resume`)).body.isActive).toBe(true)
  await deliverer.run()
  expect(inbox.received.filter(({ url }) => url.endsWith("paused"))).toHaveLength(1)
  expect((await call("GET", `${made.id}/versions`)).body.data.map((each: { version: number }) => each.version)).toEqual(
    [3, 2, 1],
  )
})

test("every change is a version without secrets, by whom, and each attempt names the one that it used", async () => {
  const { body: made } = await create({ url: `${inbox.url}versions`, authType: "signature" })
  const first = await arrivedAt("versions")
  await call("PATCH", made.id, { name: "Renamed", filters: { bookingTypes: ["open_play"] } })
  await call("PATCH", made.id, { name: "Renamed" })
  await call("POST", `${made.id}/rotate-secret`, {})
  const second = await arrivedAt("versions")
  await api.database.db`update slotbase.webhooks set is_active = false where id = ${made.id}`

  const { status, body } = await call("GET", `${made.id}/versions`)
  expect(status).toBe(200)
  const [{ id: caller }] = await api.database.db<[{ id: string }]>`
    select created_by as id from slotbase.webhooks where id = ${made.id}`
  expect(body.data).toMatchObject([
    { version: 4, changed: ["isActive"], configuration: { isActive: false } },
    { version: 3, changed: ["secretRotation"], changedBy: caller },
    { version: 2, changed: ["filters.bookingTypes", "name"], changedBy: caller, configuration: { name: "Renamed" } },
    { version: 1, changed: [], changedBy: caller, configuration: { name: "Club system", url: `${inbox.url}versions` } },
  ])
  expect(body.data[0].changedBy).toBeUndefined()
  expect(JSON.stringify(body)).not.toContain("whsec_")
  const versionOf = async ({ header }: typeof first) => {
    const answer = await api.call("GET", `${at}/deliveries/${header("x-slotbase-delivery-id")}`)
    return answer.body.attempts.map((attempt: { webhookVersion: number }) => attempt.webhookVersion)
  }
  expect([await versionOf(first), await versionOf(second)]).toEqual([[1], [3]])
  const page = await api.call("GET", `${at}/webhooks/${made.id}/versions?limit=2`)
  const rest = await api.call("GET", `${at}/webhooks/${made.id}/versions?limit=2&after=${page.body.next}`)
  expect(rest.body.data.map((each: { version: number }) => each.version)).toEqual([2, 1])
})

test("a failed attempt names its version too", async () => {
  const { body: made } = await create({ url: `${inbox.url}fails`, retryConfig: { maxRetries: 0 } })
  await confirmed(api.database.db, facilityId)
  await deliverer.run()
  const [row] = await api.database.db`
    select outcome, version from slotbase.attempt_history where webhook_id = ${made.id}`
  expect({ ...row }).toEqual({ outcome: "failed", version: 1 })
})

describe("a preview", () => {
  test("counts by type what would have matched, shows examples, and saves nothing", async () => {
    const mine = await api.facility()
    const events = await confirmed(api.database.db, mine, 3)
    const before = await api.database.db`select count(*) from slotbase.webhooks`
    const preview = (body: object) => api.call("POST", `/v1/facilities/${mine}/webhooks/preview`, { body })
    const { status, body } = await preview({
      events: ["booking.confirmed", "user.created"],
      filters: { conditions: [{ path: "data.priceAmount", operator: "greater", value: 1 }] },
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      isWhole: true,
      matched: 3,
      byType: [
        { type: "booking.confirmed", recorded: 3, matched: 3 },
        { type: "user.created", recorded: 0, matched: 0, neverMatches: true },
      ],
    })
    expect(body.examples.map(({ id }: { id: string }) => id)).toEqual([...events].reverse())
    const none = await preview({
      events: ["booking.*"],
      filters: { conditions: [{ path: "data.priceAmount", operator: "less", value: 1 }] },
    })
    expect([none.body.matched, none.body.examples]).toEqual([0, []])
    expect(await api.database.db`select count(*) from slotbase.webhooks`).toEqual(before)
  })

  test("refuses what saving refuses", async () => {
    const { status, body } = await call("POST", "preview", {
      events: ["booking.confirmed"],
      filters: { conditions: [{ path: "data.price", operator: "greater", value: 1 }] },
    })
    expect([status, body.errors[0].path]).toEqual([422, "body.filters.conditions.0.path"])
  })
})

describe("a selection is refused", () => {
  test.each([
    [{ events: ["bookings.*"] }, "body.events.0"],
    [{ events: ["booking.reminder.*"] }, "body.events.0"],
    [{ events: ["booking.reminder.sent"] }, "body.events.0"],
    [{ filters: { whenAbsent: "skip" } }, "body.filters.whenAbsent"],
    [{ filters: { conditions: [{ path: "data.none", operator: "exists" }] } }, "body.filters.conditions.0.path"],
  ])("%p", async (given, path) => {
    const { status, body } = await create(given)
    expect([status, body.errors[0].path]).toEqual([422, path])
  })

  test("when other types leave a kept condition without its field", async () => {
    const { body: made } = await create({
      filters: { conditions: [{ path: "data.bookerName", operator: "prefix", value: "M" }] },
    })
    const { status, body } = await call("PATCH", made.id, { events: ["user.created"] })
    expect([status, body.errors[0].path]).toEqual([422, "body.filters.conditions.0.path"])
    expect((await call("GET", made.id)).body).toEqual(made)
  })
})
