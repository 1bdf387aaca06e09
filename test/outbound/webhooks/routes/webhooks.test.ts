// Webhooks over HTTP: accepted and refused input, secrets in answers, and the rights to see webhooks.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { facilityWebhookEvents } from "#events/catalogue.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { aDeliverer, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"

let api: TestApi
let deliverer: TestDeliverer
let facilityId: string
let at: string
const inbox = startReceiver()

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

const valid = (given: Record<string, unknown> = {}) => ({
  name: "Club system",
  url: inbox.url,
  events: ["booking.confirmed"],
  ...given,
})
const create = (given: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  api.call("POST", `${at}/webhooks`, { body: valid(given), headers })

describe("creating", () => {
  test("answers the whole configuration with its defaults, and each event once", async () => {
    const { status, body } = await create({ events: ["booking.confirmed", "booking.cancelled", "booking.confirmed"] })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: body.id,
      facilityId,
      name: "Club system",
      url: inbox.url,
      method: "POST",
      authType: "none",
      events: ["booking.confirmed", "booking.cancelled"],
      retryConfig: { maxRetries: 5, retryDelayMs: 1000, backoffMultiplier: 2 },
      maxConcurrency: 10,
      retryForHours: 72,
      ordered: false,
      isActive: true,
      version: 1,
      format: "slotbase",
      createdAt: body.createdAt,
      updatedAt: body.updatedAt,
    })
    expect((await api.call("GET", `${at}/webhooks/${body.id}`)).body).toEqual(body)
  })

  test("takes every one of the specification's events", async () => {
    expect((await create({ events: facilityWebhookEvents })).body.events).toEqual([...facilityWebhookEvents])
  })

  test("shows a generated secret once, and never again; the same key gives the same answer", async () => {
    const key = { "Idempotency-Key": newId() }
    const first = await create({ authType: "signature" }, key)
    const { signingSecret } = first.body.authConfig
    expect(signingSecret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect((await create({ authType: "signature" }, key)).body).toEqual(first.body)
    const { authConfig, ...shown } = first.body
    expect((await api.call("GET", `${at}/webhooks/${shown.id}`)).body).toEqual(shown)
    const list = await api.call("GET", `${at}/webhooks`)
    expect(JSON.stringify(list.body)).not.toContain("whsec_")
  })

  test("never returns a given secret, and no table holds the secret in clear", async () => {
    const secrets = ["given-signing-secret-1", "given-header-value-2", "given-password-3", "given-token-4"]
    const answers = [
      await create({ authType: "signature", authConfig: { signingSecret: secrets[0] } }),
      await create({ authType: "header", authConfig: { headerName: "X-Key", headerValue: secrets[1] } }),
      await create(
        { authType: "basic", authConfig: { username: "club", password: secrets[2] } },
        { "Idempotency-Key": newId() },
      ),
      await create({ authType: "bearer", authConfig: { bearerToken: secrets[3] } }),
    ]
    expect(answers.map(({ status, body }) => [status, body.authConfig])).toEqual(answers.map(() => [201, undefined]))
    const [dump] = await api.database.db<[{ text: string }]>`
      select (select string_agg(w::text || encode(coalesce(auth_config, ''), 'escape'), ' ') from slotbase.webhooks w)
          || (select coalesce(string_agg(i::text || encode(answer, 'escape'), ' '), '') from slotbase.idempotency_keys i) as text`
    expect(secrets.filter((secret) => dump.text.includes(secret))).toEqual([])
  })

  test.each([
    ["an unknown event", { events: ["booking.confirmed", "booking.eaten"] }, "body.events.1", '"booking.cancelled"'],
    ["an event that webhooks may not have", { events: ["facility.created"] }, "body.events.0", '"booking.confirmed"'],
    ["no events", { events: [] }, "body.events", "at least 1"],
    ["no name", { name: "" }, "body.name", ""],
    ["a name that is too long", { name: "x".repeat(201) }, "body.name", "200"],
    ["an address of two lines", { url: "https://example.com/\r\nX: y" }, "body.url", "without space"],
    ["an address with space around it", { url: " https://example.com/" }, "body.url", "without space"],
    ["another method", { method: "GET" }, "body.method", '"POST" | "PUT"'],
    ["too many retries", { retryConfig: { maxRetries: 21 } }, "body.retryConfig.maxRetries", "20"],
    ["a retry without delay", { retryConfig: { retryDelayMs: 99 } }, "body.retryConfig.retryDelayMs", "100"],
    ["a shrinking backoff", { retryConfig: { backoffMultiplier: 0.5 } }, "body.retryConfig.backoffMultiplier", "1"],
    ["retries for longer than a week", { retryForHours: 169 }, "body.retryForHours", "168"],
    ["half an hour of retries", { retryForHours: 0.5 }, "body.retryForHours", ""],
    ["a rate of nothing", { ratePerSecond: 0 }, "body.ratePerSecond", "0.01"],
    ["a rate above the limit", { ratePerSecond: 1_001 }, "body.ratePerSecond", "1000"],
    ["an order that is no yes or no", { ordered: "yes" }, "body.ordered", ""],
    ["an unknown field", { secret: "x" }, "body.secret", ""],
    [
      "a header that would be two",
      { authType: "header", authConfig: { headerName: "X-A", headerValue: "1\r\nX-B: 2" } },
      "body.authConfig.headerValue",
      "visible ASCII",
    ],
    [
      "a header of ours",
      { authType: "header", authConfig: { headerName: "X-SlotBase-Event", headerValue: "1" } },
      "body.authConfig.headerName",
      "neither SlotBase nor the connection sets itself",
    ],
    [
      "a secret without a use",
      { authConfig: { signingSecret: "x".repeat(16) } },
      "body.authConfig.signingSecret",
      "Not used by the authType none",
    ],
    [
      "an authType without what it needs",
      { authType: "basic", authConfig: { username: "a" } },
      "body.authConfig.password",
      "Needed by the authType basic",
    ],
    [
      "a user name with a line end",
      { authType: "basic", authConfig: { username: "club\n", password: "word of the club" } },
      "body.authConfig.username",
      "a user name without control characters",
    ],
    [
      "a password with a line end",
      { authType: "basic", authConfig: { username: "club", password: "word of the club\r\n" } },
      "body.authConfig.password",
      "a password without control characters",
    ],
    [
      "a resource of nobody",
      { filters: { resourceIds: [newId()] } },
      "body.filters.resourceIds.0",
      "No resource of the facility",
    ],
    ["an unknown booking type", { filters: { bookingTypes: ["party"] } }, "body.filters.bookingTypes.0", '"open_play"'],
  ])("%s is a 422 that names the place and the rule, and writes nothing", async (_, given, path, message) => {
    const before = await webhookRows()
    const { status, body } = await create(given)
    expect([status, body.errors?.[0]?.path]).toEqual([422, path])
    expect(body.errors[0].message).toContain(message)
    expect(await webhookRows()).toBe(before)
  })

  test.each([
    [{ ratePerSecond: 0.01, retryConfig: { maxRetries: 0, retryDelayMs: 100, backoffMultiplier: 1 } }],
    [
      {
        ratePerSecond: 1 / 3,
        retryConfig: { maxRetries: 20, retryDelayMs: 3_600_000, backoffMultiplier: 1.123456789 },
      },
    ],
    [{ ratePerSecond: 1_000, retryConfig: { maxRetries: 3, retryDelayMs: 250, backoffMultiplier: 10 } }],
  ])("the numbers %p are kept as they were given, by POST and by PATCH", async (given) => {
    const made = await create(given)
    expect({ status: made.status, ...made.body }).toMatchObject({ status: 201, ...given })
    const other = await create()
    const changed = await api.call("PATCH", `/v1/facilities/${facilityId}/webhooks/${other.body.id}`, { body: given })
    expect({ status: changed.status, ...changed.body }).toMatchObject({ status: 200, ...given })
  })

  test.each([
    ["https://10.0.0.5/hook", "private_address"],
    ["https://169.254.169.254/latest/meta-data", "private_address"],
    ["https://[::ffff:10.0.0.1]/", "private_address"],
    ["https://0xa000005/", "private_address"],
    ["http://93.184.216.34/hook", "https_required"],
    ["ftp://example.com/hook", "https_required"],
    ["https://user:password@example.com/", "bad_url"],
    ["/hook", "bad_url"],
    ["https://example.com/hook#part", "bad_url"],
    ["https:example.com/hook", "bad_url"],
    ["https:/\\example.com/hook", "bad_url"],
    ["https://example.com\\hook", "bad_url"],
    ["https://example.com:0/", "bad_url"],
    ["https://example..com/", "bad_url"],
    [`https://${"a".repeat(64)}.example/`, "bad_url"],
  ])("the address %s is refused: %s", async (url, code) => {
    const before = await webhookRows()
    const { status, body } = await create({ url })
    expect([status, body.code, body.errors[0].path]).toEqual([422, code, "body.url"])
    expect(await webhookRows()).toBe(before)
  })

  test("without SLOTBASE_EGRESS_ALLOW the loopback is refused", async () => {
    const closed = await testApi()
    const facility = await closed.facility()
    for (const url of ["http://127.0.0.1:8080/", "https://localhost/", "https://127.0.0.1/"]) {
      const { status } = await closed.call("POST", `/v1/facilities/${facility}/webhooks`, { body: valid({ url }) })
      expect(status).toBe(422)
    }
    await closed.database.drop()
  })

  test("a facility has at most 100", async () => {
    const full = await api.facility()
    const [caller] = await api.database.db<
      [{ id: string }]
    >`select owner_id as id from slotbase.facilities where id = ${full}`
    await api.database.db`
      insert into slotbase.webhooks (id, facility_id, name, url, events, created_by)
      select gen_random_uuid(), ${full}, 'one of many', 'https://example.com', '{booking.confirmed}', ${caller.id}
      from generate_series(1, 99)`
    const hundredth = await api.call("POST", `/v1/facilities/${full}/webhooks`, { body: valid() })
    expect(hundredth.status).toBe(201)
    const { status, body } = await api.call("POST", `/v1/facilities/${full}/webhooks`, { body: valid() })
    expect([status, body.code]).toEqual([422, "too_many_webhooks"])
    expect((await api.call("DELETE", `/v1/facilities/${full}/webhooks/${hundredth.body.id}`)).status).toBe(204)
    expect((await api.call("POST", `/v1/facilities/${full}/webhooks`, { body: valid() })).status).toBe(201)
  })
})

describe("changing", () => {
  test("changes the given fields and leaves the rest", async () => {
    const { body: made } = await create({ description: "ours", filters: { bookingTypes: ["lesson", "lesson"] } })
    expect(made.filters).toEqual({ bookingTypes: ["lesson"] })
    const patch = { name: "Renamed", retryConfig: { maxRetries: 1 }, description: null, filters: null, isActive: false }
    const { status, body } = await api.call("PATCH", `${at}/webhooks/${made.id}`, { body: patch })
    expect(status).toBe(200)
    const { description, filters, ...kept } = made
    expect(body).toEqual({
      ...kept,
      name: "Renamed",
      retryConfig: { maxRetries: 1, retryDelayMs: 1000, backoffMultiplier: 2 },
      isActive: false,
      version: 2,
      updatedAt: body.updatedAt,
    })
    expect(body.updatedAt > made.updatedAt).toBe(true)
  })

  test("sets the time of retries, a rate and an order, and takes the rate away again", async () => {
    const { body: made } = await create({ retryForHours: 0, ratePerSecond: 0.1, ordered: true })
    expect(made).toMatchObject({ retryForHours: 0, ratePerSecond: 0.1, ordered: true })
    const patch = async (body: object) => (await api.call("PATCH", `${at}/webhooks/${made.id}`, { body })).body
    expect(await patch({ name: "Other" })).toMatchObject({ retryForHours: 0, ratePerSecond: 0.1, ordered: true })
    const body = await patch({ retryForHours: 168, ratePerSecond: null, ordered: false })
    expect(body).toMatchObject({ retryForHours: 168, ordered: false })
    expect(body.ratePerSecond).toBeUndefined()
    expect((await api.call("GET", `${at}/webhooks/${made.id}`)).body).toEqual(body)
  })

  test("a change to signatures makes a secret and shows it; a change of anything else keeps it", async () => {
    const { body: made } = await create()
    const signed = await api.call("PATCH", `${at}/webhooks/${made.id}`, { body: { authType: "signature" } })
    expect(signed.body.authConfig.signingSecret).toMatch(/^whsec_/)
    const sealed = () => api.database.db`select auth_config from slotbase.webhooks where id = ${made.id}`
    const [before] = await sealed()
    const again = await api.call("PATCH", `${at}/webhooks/${made.id}`, { body: { name: "Other" } })
    expect(again.body.authConfig).toBeUndefined()
    expect((await sealed())[0]).toEqual(before as never)
  })

  test("an address is checked as in creating", async () => {
    const { body: made } = await create()
    const { status, body } = await api.call("PATCH", `${at}/webhooks/${made.id}`, {
      body: { url: "https://192.168.1.1/" },
    })
    expect([status, body.code]).toEqual([422, "private_address"])
    expect((await api.call("GET", `${at}/webhooks/${made.id}`)).body).toEqual(made)
  })

  test("a deleted webhook is gone", async () => {
    const { body: made } = await create()
    expect((await api.call("DELETE", `${at}/webhooks/${made.id}`)).status).toBe(204)
    for (const [method, body] of [["GET"], ["PATCH", { name: "x" }], ["DELETE"]] as const) {
      expect((await api.call(method, `${at}/webhooks/${made.id}`, body ? { body } : {})).status).toBe(404)
    }
  })
})

describe("access", () => {
  test("another facility's ids and malformed ids are 404s", async () => {
    const stranger = await api.facility()
    const { body: webhook } = await create()
    await confirmed(api.database.db, facilityId)
    await deliverer.run()
    const { body: list } = await api.call("GET", `${at}/webhooks/${webhook.id}/deliveries`)
    const deliveryId = list.data[0].id
    for (const id of [webhook.id, newId(), "not-an-id"]) {
      for (const [method, path, body] of [
        ["GET", `webhooks/${id}`],
        ["PATCH", `webhooks/${id}`, { name: "x" }],
        ["DELETE", `webhooks/${id}`],
        ["GET", `webhooks/${id}/deliveries`],
      ] as const) {
        expect((await api.call(method, `/v1/facilities/${stranger}/${path}`, body ? { body } : {})).status).toBe(404)
      }
    }
    for (const id of [deliveryId, newId(), "not-an-id"]) {
      expect((await api.call("GET", `/v1/facilities/${stranger}/deliveries/${id}`)).status).toBe(404)
      expect((await api.call("POST", `/v1/facilities/${stranger}/deliveries/${id}/retry`)).status).toBe(404)
    }
    expect((await api.call("GET", `${at}/webhooks/${webhook.id}`)).body).toEqual(webhook)
  })

  test("administrators have access, other members get a 403, strangers a 404, and callers without a token a 401", async () => {
    const status = async (role?: string) => {
      const { token } = await api.person(role, role && facilityId)
      return (await api.call("GET", `${at}/webhooks`, { token })).status
    }
    expect(await status("facility_admin")).toBe(200)
    expect(await status("staff")).toBe(403)
    expect(await status("player")).toBe(403)
    expect(await status()).toBe(404)
    expect((await api.call("GET", `${at}/webhooks`, { token: null })).status).toBe(401)
  })

  test("an API key with an administrator's role has access", async () => {
    const key = await api.call("POST", `${at}/api-keys`, { body: { name: "CI", role: "facility_admin" } })
    expect(key.status).toBe(201)
    expect((await api.call("POST", `${at}/webhooks`, { token: key.body.key, body: valid() })).status).toBe(201)
  })
})

async function webhookRows(): Promise<number> {
  const [row] = await api.database.db<[{ count: number }]>`
    select (select count(*) from slotbase.webhooks) + (select count(*) from slotbase.webhook_versions)
         + (select count(*) from slotbase.webhook_sequences) as count`
  return row.count
}
