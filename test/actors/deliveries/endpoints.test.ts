// The wants of a claim, and their order: no database, only the knowledge of a process about its webhooks.

import { expect, test } from "bun:test"
import { Endpoints } from "#actors/deliveries/endpoints.ts"

const now = 1_000_000

/** Endpoints of facilities with so many webhooks each, named `a1`, `a2`, …; all have answered in a millisecond. */
function endpointsOf(
  counts: Readonly<Record<string, number>>,
  given: { averageMs?: number } = { averageMs: 1 },
): Endpoints {
  const endpoints = new Endpoints()
  for (const [facilityId, count] of Object.entries(counts)) {
    for (let n = 1; n <= count; n++)
      endpoints.markReady({ id: `${facilityId}${n}`, facilityId }, 0).averageMs = given.averageMs
  }
  return endpoints
}

const idsOf = (endpoints: Endpoints) => endpoints.wants(now).map(({ webhookId }) => webhookId)
const claimable = (endpoints: Endpoints) => endpoints.wants(now).reduce((sum, { busy, cap }) => sum + cap - busy, 0)

test("webhooks are served round-robin over the facilities: one webhook of a club is not behind all of another's", () => {
  expect(idsOf(endpointsOf({ a: 3, b: 1, c: 2 }))).toEqual(["a1", "b1", "c1", "a2", "c2", "a3"])
})

test("a webhook that was served comes after the others of its facility", () => {
  const endpoints = endpointsOf({ a: 3, b: 1 })
  const [first] = endpoints.wants(now)
  if (first) endpoints.took([first], [], true)
  expect(idsOf(endpoints)).toEqual(["a2", "b1", "a3", "a1"])
})

test("of one facility no more than half is claimed, however many webhooks it has", () => {
  expect(claimable(endpointsOf({ a: 100 }))).toBe(256)
  expect(claimable(endpointsOf({ a: 100, b: 100 }))).toBe(512)
})

test("slow and untried webhooks share half of the requests, and slow begins at half a second", () => {
  expect(claimable(endpointsOf({ a: 1, b: 1, c: 1 }, { averageMs: 500 }))).toBe(6)
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`club ${n} `, 1]))
  expect(claimable(endpointsOf(many, { averageMs: 499 }))).toBe(400)
  expect(claimable(endpointsOf(many, { averageMs: 500 }))).toBe(64)
  expect(claimable(endpointsOf(many, {}))).toBe(64)
})

test("a request that is under way for half a second makes its webhook slow, and deliveries claimed ahead are returned", () => {
  const endpoints = endpointsOf({ a: 1, b: 1 })
  const endpoint = endpoints.get("a1")
  endpoint?.underWay.set(1, now - 500)
  expect(endpoints.hanging(now)).toEqual([])
  endpoint?.waiting.push({ lease: 2 } as never, { lease: 3 } as never)
  expect(endpoints.hanging(now).map(({ id }) => id)).toEqual(["a1"])
  expect(endpoints.hanging(now - 1)).toEqual([])
})

test("claims that are restarted from the front while a claim is under way start from the front", () => {
  const endpoints = endpointsOf({ a: 1 })
  const after = () => endpoints.wants(now).map((want) => want.after)
  const claimed = (position: number) => [
    { webhook_id: "a1", position, fresh: true, places: 1_000, webhook: {} } as never,
  ]
  endpoints.took(endpoints.wants(now), claimed(10), true)
  expect(after()).toEqual([10])
  const claim = endpoints.wants(now)
  endpoints.restartClaims()
  endpoints.took(claim, claimed(20), true)
  expect(after()).toEqual([0])
})

test("a delivery that becomes due while a claim is under way is claimed next, although that claim brought nothing", () => {
  const endpoints = endpointsOf({ a: 1, b: 1, c: 1 })
  endpoints.took(endpoints.wants(now), [], false)
  expect(idsOf(endpoints)).toEqual([])

  for (const id of ["a", "b", "c"]) endpoints.markReady({ id: `${id}1`, facilityId: id }, 0)
  const claim = endpoints.wants(now)
  endpoints.noteDue("a1", now)
  endpoints.markDue(now + 10)
  endpoints.markReady({ id: "b1", facilityId: "b" }, 0)
  endpoints.took(claim, [], false)
  expect(idsOf(endpoints)).toEqual(["a1", "b1"])
})
