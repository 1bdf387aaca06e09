// The rate of requests, over a real server: of a user, of a stranger's address, and of tokens nobody has seen valid.

import { afterAll, afterEach, beforeAll, beforeEach, expect, spyOn, test } from "bun:test"
import type { AnyElysia } from "elysia"
import { openSession } from "#access/sessions.ts"
import { createServer } from "#api/server.ts"
import { maxAddressLength, maxParameters } from "#http/addresses.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { aClub, type Club } from "#test/harness/club/club.ts"
import { rootKey } from "#test/harness/setup/system.ts"

let api: TestApi
let club: Club
const servers: AnyElysia[] = []

beforeAll(async () => {
  api = await testApi({ trustedProxies: ["127.0.0.1"] })
  club = await aClub(api.database.db)
})
afterAll(async () => {
  for (const server of servers) await server.stop(true)
  await api.database.drop()
})

/** The time that the limits see stands still in a test. */
beforeEach(() => {
  const at = performance.now()
  spyOn(performance, "now").mockImplementation(() => at)
})
afterEach(() => {
  spyOn(performance, "now").mockRestore()
})

/** A new server whose callers have 10 requests at once, and strangers and new tokens 4 and 5. */
function serve() {
  const config = { ...api.app.config, requestsPerSecond: 1 }
  const server = createServer({ ...api.app, config }).listen({ hostname: "127.0.0.1", port: 0 })
  servers.push(server)
  return (path: string, token?: string, address = "198.51.100.1", init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${server.server?.port}${path}`, {
      ...init,
      headers: {
        ...init.headers,
        "x-forwarded-for": address,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    })
}
type Ask = ReturnType<typeof serve>

async function statuses(count: number, ask: () => ReturnType<Ask>): Promise<number[]> {
  const seen: number[] = []
  for (let n = 0; n < count; n++) seen.push((await ask()).status)
  return seen
}

test("a caller has a rate over all routes and tokens, and every answer says what is left", async () => {
  const ask = serve()
  const { db } = api.database
  const other = await db.begin((tx) => openSession(tx, { id: club.player.id, email: "", firstName: "", lastName: "" }))
  expect((await ask("/v1/me", club.player.token)).status).toBe(200)
  const second = await ask("/v1/me", club.player.token)
  expect(second.headers.get("ratelimit-policy")).toBe('"caller";q=10;w=10')
  expect(second.headers.get("ratelimit")).toBe('"caller";r=8;t=2')
  const notFound = await ask("/v1/facilities/nothing", club.player.token)
  expect([notFound.status, notFound.headers.get("ratelimit")]).toEqual([404, '"caller";r=7;t=3'])
  expect(await statuses(1, () => ask("/v1/me", other.token))).toEqual([200])
  expect(await statuses(7, () => ask("/v1/me", other.token))).toEqual([200, 200, 200, 200, 200, 200, 429])
  const refused = await ask("/v1/bookings/elsewhere", club.player.token)
  expect(refused.status).toBe(429)
  expect(refused.headers.get("retry-after")).toBe("1")
  expect(refused.headers.get("ratelimit")).toBe('"caller";r=0;t=10')
  expect(await refused.json()).toMatchObject({ code: "too_many_requests", status: 429 })
  // Nobody else is slowed, at the same address.
  expect((await ask("/v1/me", club.friend.token)).status).toBe(200)
  expect((await ask("/v1/me", rootKey)).status).toBe(200)
})

test("strangers have a share of their address, on every page, and unknown tokens another one", async () => {
  const ask = serve()
  expect(await statuses(6, () => ask("/openapi"))).toEqual([200, 200, 200, 200, 429, 429])
  expect((await ask("/openapi/json")).status).toBe(429)
  expect((await ask("/nothing/here")).status).toBe(429)
  expect((await ask("/openapi", undefined, "198.51.100.2")).status).toBe(200)
  const wrong = await statuses(7, () => ask("/v1/me", "sbs_wrong", "198.51.100.3"))
  expect(wrong).toEqual([401, 401, 401, 401, 401, 429, 429])
  // Another token that this process has not seen valid waits, at this address alone.
  expect((await ask("/v1/me", club.player.token, "198.51.100.3")).status).toBe(429)
  expect((await ask("/v1/me", club.player.token, "198.51.100.1")).status).toBe(200)
  // Now it is known, and no stranger of the address is in its way.
  expect((await ask("/v1/me", club.player.token, "198.51.100.3")).status).toBe(200)
})

test("integrations have a share of their own, which strangers do not use up", async () => {
  const ask = serve()
  await statuses(5, () => ask("/openapi"))
  const event = () => ask("/v1/integrations/stripe/webhook", undefined, "198.51.100.1", { method: "POST", body: "{}" })
  const answer = await event()
  expect(answer.status).not.toBe(429)
  expect(answer.headers.get("ratelimit-policy")).toBe('"integration";q=20;w=10')
})

test("a refused request is not read: its body is not parsed, and nothing is looked up", async () => {
  const ask = serve()
  await statuses(4, () => ask("/openapi"))
  const answer = await ask("/v1/sessions", undefined, "198.51.100.1", { method: "POST", body: "{ not json" })
  expect(answer.status).toBe(429)
})

test("a token that is no longer valid uses up nothing of its user's rate", async () => {
  const ask = serve()
  const { db } = api.database
  const ended = await db.begin((tx) => openSession(tx, { id: club.friend.id, email: "", firstName: "", lastName: "" }))
  expect((await ask("/v1/me", ended.token)).status).toBe(200)
  expect((await ask("/v1/sessions", ended.token, "198.51.100.1", { method: "DELETE" })).status).toBe(204)
  const refused = await statuses(12, () => ask("/v1/me", ended.token, "198.51.100.9"))
  expect(refused).toEqual([401, 401, 401, 401, 401, 401, 429, 429, 429, 429, 429, 429])
  expect((await ask("/v1/me", club.friend.token)).status).toBe(200)
})

test("load balancers' questions are not limited, and no other address passes for one", async () => {
  const ask = serve()
  expect(new Set(await statuses(20, () => ask("/healthz")))).toEqual(new Set([200]))
  expect((await ask("/readyz")).status).not.toBe(429)
  expect(await statuses(6, () => ask("/openapi?/healthz"))).toEqual([200, 200, 200, 200, 429, 429])
})

test("a request that is refused for its address counts as any other, the question of a load balancer too", async () => {
  const ask = serve()
  const refused = [
    ["/healthz", 400, { host: "a b" }],
    ["/", 400, { host: "a/b" }],
    [`/?${"a&".repeat(maxParameters)}`, 400, {}],
    [`/${"x".repeat(maxAddressLength)}`, 414, {}],
  ] as const
  for (const [nth, [path, status, headers]] of refused.entries()) {
    const answer = await ask(path, undefined, "198.51.100.1", { headers })
    expect([answer.status, answer.headers.get("ratelimit")]).toEqual([
      status,
      `"stranger";r=${3 - nth};t=${5 * (nth + 1)}`,
    ])
  }
  const more = await ask("/healthz", undefined, "198.51.100.1", { headers: { host: "a b" } })
  expect(await more.json()).toMatchObject({ status: 429, code: "too_many_requests" })
  expect((await ask("/healthz")).status).toBe(200)
})

test("events carry the address that a trusted proxy names", async () => {
  const ask = serve()
  const body = JSON.stringify({
    email: "proxied@example.com",
    password: "correct horse battery",
    firstName: "A",
    lastName: "B",
  })
  const answer = await ask("/v1/users", undefined, "192.0.2.1, 203.0.113.77", { method: "POST", body })
  expect(answer.status).toBe(201)
  const [event] = await api.database.db<{ metadata: { clientIp: string } }[]>`
    select metadata from slotbase.events where id = any (${(answer.headers.get("x-slotbase-event-ids") ?? "").split(",")})`
  expect(event?.metadata.clientIp).toBe("203.0.113.77")
})
