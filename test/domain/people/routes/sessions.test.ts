// Signing in beside strangers: over a real server, from many addresses. A trusted proxy on the loopback names them.

import { afterAll, afterEach, beforeAll, beforeEach, expect, spyOn, test } from "bun:test"
import type { AnyElysia } from "elysia"
import { passwordCost, setPasswordCost } from "#access/passwords.ts"
import { beginSignIn } from "#access/sign-in-shares.ts"
import { createServer } from "#api/server.ts"
import { TooMany } from "#base/errors.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"
import { cheapPasswordCost } from "#test/harness/setup/app.ts"

let api: TestApi
let server: AnyElysia

beforeAll(async () => {
  // A hash must take its time here, as it does in the program.
  setPasswordCost(passwordCost)
  api = await testApi({ trustedProxies: ["127.0.0.0/8"] })
  server = createServer(api.app).listen({ hostname: "127.0.0.1", port: 0 })
})
afterAll(async () => {
  setPasswordCost(cheapPasswordCost)
  await server.stop(true)
  await api.database.drop()
})
beforeEach(() => {
  at = Math.max(at, performance.now())
  later(0)
})
afterEach(() => {
  spyOn(performance, "now").mockRestore()
})

const signIn = (address: string, email: string, tried = password, to = server) =>
  fetch(`http://127.0.0.1:${to.server?.port}/v1/sessions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": address },
    body: JSON.stringify({ email, password: tried }),
  })
const statuses = async (answers: readonly Promise<Response>[]) =>
  (await Promise.all(answers)).map(({ status }) => status).reduce(counted, {})
const counted = (counts: Record<number, number>, status: number) => ({ ...counts, [status]: (counts[status] ?? 0) + 1 })
const times = <T>(count: number, make: (n: number) => T) => Array.from({ length: count }, (_, n) => make(n))

/** How many of so many tries, which hash nothing, are allowed. */
function allowedOf(count: number, attempt: (nth: number) => void): number {
  return times(count, (nth) => {
    try {
      attempt(nth)
      return true
    } catch (error) {
      expect(error).toBeInstanceOf(TooMany)
      return false
    }
  }).filter(Boolean).length
}
/** Wrong tries at one account, each from another address. */
const wrongTries = (count: number, addressOf: (nth: number) => string, email: string) =>
  allowedOf(count, (nth) => beginSignIn(addressOf(nth), email).requireStranger())

/** The time that the limits see. It stands still from the first call on. */
let at = 0
function later(ms: number) {
  at += ms
  spyOn(performance, "now").mockImplementation(() => at)
}

test("wrong tries count before they are carried out: of 370 at once ten are answered, and nobody is locked out", async () => {
  const { email } = await api.person()
  const answers = await statuses(times(370, () => signIn("198.51.100.1", email, "a wrong password")))
  expect(answers).toEqual({ 401: 10, 429: 360 })
  // The owner tries at the same address, and waits ten seconds at most.
  const refused = await signIn("198.51.100.1", email.toUpperCase())
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([429, "too_many_requests"])
  expect(refused.headers.get("retry-after")).toBe("10")
  expect(refused.headers.get("ratelimit-policy")).toBe('"sign-in";q=10;w=100')
  expect(refused.headers.get("ratelimit")).toBe('"sign-in";r=0;t=100')
  later(10_000)
  expect((await signIn("198.51.100.1", email)).status).toBe(201)
  // The right password has cleared the wrong tries of this address.
  expect((await signIn("198.51.100.1", email, "a wrong password")).status).toBe(401)
  expect((await signIn("198.51.100.1", email)).status).toBe(201)
})

test("an answer says how many tries are left at the account", async () => {
  const { email } = await api.person()
  const answer = await signIn("198.51.100.2", email, "a wrong password")
  expect(answer.headers.get("ratelimit")).toContain('"sign-in";r=9;t=10')
  expect(answer.headers.get("ratelimit-policy")).toContain('"sign-in";q=10;w=100')
})

test("wrong tries from 300 addresses slow newcomers, and the owner gets in from where she signed in before", async () => {
  const { email } = await api.person()
  const home = "203.0.113.7"
  expect((await signIn(home, email)).status).toBe(201)
  expect(wrongTries(300, (nth) => `10.0.${nth >> 8}.${nth & 255}`, email)).toBe(30)
  expect((await signIn(home, email)).status).toBe(201)
  // Also after wrong tries of her own there.
  for (const _ of times(3, () => 0)) expect((await signIn(home, email, "a wrong password")).status).toBe(401)
  expect((await signIn(home, email)).status).toBe(201)
  // From a new address she waits for a turn of the newcomers.
  const elsewhere = await signIn("203.0.113.8", email)
  expect([elsewhere.status, elsewhere.headers.get("retry-after")]).toEqual([429, "5"])
  later(5_000)
  expect((await signIn("203.0.113.8", email)).status).toBe(201)
})

test("wrong tries of one address at many accounts do not keep a known owner out there", async () => {
  const { email } = await api.person()
  const wifi = "198.51.100.50"
  expect((await signIn(wifi, email)).status).toBe(201)
  expect(allowedOf(80, (nth) => beginSignIn(wifi, `nobody-${nth}@example.com`).requireStranger())).toBe(60)
  expect((await signIn(wifi, (await api.person()).email)).status).toBe(429)
  expect((await signIn(wifi, email)).status).toBe(201)
})

test("many sign-ins of one address do not keep another address waiting", async () => {
  const { email } = await api.person()
  // The strangers' address has used up most of its failures, so that this test hashes little.
  allowedOf(45, (nth) => beginSignIn("198.51.100.60", `gone-${nth}@example.com`).requireStranger())
  let answered = 0
  const flood = times(384, async (n) => {
    const { status } = await signIn("198.51.100.60", `stranger-${n}@example.com`, "a wrong password")
    if (status === 401) answered++
    return status
  })
  await Promise.race(flood)
  const before = answered
  expect((await signIn("203.0.113.30", email)).status).toBe(201)
  // The stranger's hash that was running, and those that ran beside the owner's.
  expect(answered - before).toBeLessThan(8)
  expect(new Set(await Promise.all(flood))).toEqual(new Set([401, 429]))
})

test("IPv6 addresses of one network of 64 bits share their tries", async () => {
  const { email } = await api.person()
  expect(allowedOf(9, () => beginSignIn("2001:db8:1:2::/64", email))).toBe(9)
  const answers = await statuses(times(4, (n) => signIn(`2001:db8:1:2::${n + 1}`, email, "a wrong password")))
  expect(answers).toEqual({ 401: 1, 429: 3 })
  expect((await signIn("2001:db8:1:3::1", email)).status).toBe(201)
})

test("the sign-ins of one address count before the account is looked up", async () => {
  const config = { ...api.app.config, requestsPerSecond: 3 }
  const narrow = createServer({ ...api.app, config }).listen({ hostname: "127.0.0.1", port: 0 })
  const { email } = await api.person()
  const from = (address: string) => signIn(address, email, password, narrow)
  expect(await statuses(times(5, () => from("198.51.100.70")))).toEqual({ 201: 3, 429: 2 })
  const refused = await from("198.51.100.70")
  expect(refused.headers.get("ratelimit-policy")).toBe('"sign-ins";q=3;w=50')
  expect((await from("198.51.100.71")).status).toBe(201)
  await narrow.stop(true)
})
