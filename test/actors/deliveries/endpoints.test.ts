// What may be claimed, and for whom first: no database, only what the process knows of its webhooks.

import { expect, test } from "bun:test"
import { limits } from "#actors/deliveries/endpoint.ts"
import { Lanes } from "#actors/deliveries/endpoints.ts"

const now = 1_000_000

/** Lanes of facilities that have so many webhooks each, named `a1`, `a2`, …; all have answered in a millisecond. */
function lanesOf(counts: Readonly<Record<string, number>>, given: { averageMs?: number } = { averageMs: 1 }): Lanes {
  const lanes = new Lanes()
  for (const [facilityId, count] of Object.entries(counts)) {
    for (let n = 1; n <= count; n++)
      lanes.markReady({ id: `${facilityId}${n}`, facilityId }, 0).averageMs = given.averageMs
  }
  return lanes
}

const idsOf = (lanes: Lanes) => lanes.wants(now).map(({ webhookId }) => webhookId)
const claimable = (lanes: Lanes) => lanes.wants(now).reduce((sum, { busy, cap }) => sum + cap - busy, 0)

test("turns go round the facilities first: one webhook of a club is not behind all of another's", () => {
  expect(idsOf(lanesOf({ a: 3, b: 1, c: 2 }))).toEqual(["a1", "b1", "c1", "a2", "c2", "a3"])
})

test("whose turn is over stands behind the others of its facility", () => {
  const lanes = lanesOf({ a: 3, b: 1 })
  const [first] = lanes.wants(now)
  if (first) lanes.took([first], [], true)
  expect(idsOf(lanes)).toEqual(["a2", "b1", "a3", "a1"])
})

test("of one facility no more than half is claimed, however many webhooks it has", () => {
  expect(claimable(lanesOf({ a: 100 }))).toBe(limits.claimedOfFacility)
  expect(claimable(lanesOf({ a: 100, b: 100 }))).toBe(2 * limits.claimedOfFacility)
})

test("what is slow and what has not answered yet share as much as they may send", () => {
  expect(claimable(lanesOf({ a: 1, b: 1, c: 1 }, { averageMs: limits.slowMs }))).toBe(6)
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`club ${n} `, 1]))
  expect(claimable(lanesOf(many, { averageMs: limits.slowMs }))).toBe(limits.requestsOfSlow)
  expect(claimable(lanesOf(many, {}))).toBe(limits.requestsOfSlow)
})

test("a request that is under way for too long makes its webhook slow: what was claimed ahead is given back", () => {
  const lanes = lanesOf({ a: 1, b: 1 })
  const lane = lanes.get("a1")
  lane?.underWay.set(1, now - limits.slowMs)
  expect(lanes.hanging(now)).toEqual([])
  lane?.waiting.push({ lease: 2 } as never, { lease: 3 } as never)
  expect(lanes.hanging(now).map(({ id }) => id)).toEqual(["a1"])
  expect(lanes.hanging(now - 1)).toEqual([])
})

test("a scan that was told to start from the front again while a claim is under way does so", () => {
  const lanes = lanesOf({ a: 1 })
  const after = () => lanes.wants(now).map((want) => want.after)
  const claimed = (position: number) => [
    { webhook_id: "a1", position, fresh: true, webhook: { max_concurrency: 1_000 } } as never,
  ]
  lanes.took(lanes.wants(now), claimed(10), true)
  expect(after()).toEqual([10])
  const claim = lanes.wants(now)
  lanes.forget()
  lanes.took(claim, claimed(20), true)
  expect(after()).toEqual([0])
})

test("what becomes due while a claim is under way is claimed next, although that claim brought nothing", () => {
  const lanes = lanesOf({ a: 1, b: 1, c: 1 })
  lanes.took(lanes.wants(now), [], false)
  expect(idsOf(lanes)).toEqual([])

  for (const id of ["a", "b", "c"]) lanes.markReady({ id: `${id}1`, facilityId: id }, 0)
  const claim = lanes.wants(now)
  lanes.noteDue("a1", now)
  lanes.markDue(now + limits.dueStepMs)
  lanes.markReady({ id: "b1", facilityId: "b" }, 0)
  lanes.took(claim, [], false)
  expect(idsOf(lanes)).toEqual(["a1", "b1"])
})
