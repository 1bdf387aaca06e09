// Which results the settler lends to a turn, and that each end is told once. Its own statements get no answer here.

import { beforeEach, expect, test } from "bun:test"
import type { AttemptResult, ClaimedDelivery } from "#actors/deliveries/delivery.ts"
import { Settler } from "#actors/deliveries/settler.ts"
import type { Db } from "#base/database/db.ts"
import { delivered } from "#test/harness/pipeline/webhooks.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let settler: Settler
let asked: number
let told: number[]

beforeEach(() => {
  asked = 0
  told = []
  const silent = (text: TemplateStringsArray) => {
    if (text[0]?.trim() === "with") asked++
    return Promise.withResolvers().promise
  }
  settler = new Settler({
    db: silent as unknown as Db,
    onSettled: (results) => void told.push(...results.map(({ delivery }) => delivery.lease)),
    onFailed: () => {},
  })
})

const anEnd = (lease: number, more: Partial<ClaimedDelivery> = {}): AttemptResult =>
  delivered({
    ...{ lease, webhook_id: "w", position: lease, replay: 0, attempt_id: "a", aggregate_id: null, failures: 0 },
    ...{ quarantined: false, webhook: { max_retries: 3, url: "http://127.0.0.1/", method: "POST", version: 1 } },
    ...more,
  } as ClaimedDelivery)

const lent = () => settler.lend()?.results.map(({ delivery }) => delivery.lease)

test("only deliveries are lent whose settlement sets nothing else free", () => {
  settler.settleSoon(anEnd(1, { aggregate_id: "ordered" }))
  settler.settleSoon(anEnd(2, { quarantined: true }))
  settler.settleSoon(anEnd(3, { failures: 4 }))
  settler.settleSoon({ ...anEnd(4), outcome: "failed" })
  expect(lent()).toBeUndefined()
  settler.settleSoon(anEnd(5, { failures: 3 }))
  expect(lent()).toEqual([5])
})

test("sixteen are lent at most, and none while many wait, which the settler settles at once", () => {
  for (let lease = 1; lease <= 64; lease++) settler.settleSoon(anEnd(lease))
  expect(lent()).toHaveLength(16)
  settler.settleSoon(anEnd(65))
  expect(lent()).toBeUndefined()
})

test("what the settler has sent is not lent", async () => {
  settler.settleSoon(anEnd(1))
  await eventually(async () => expect(asked).toBe(1))
  expect(lent()).toBeUndefined()
  settler.settleSoon(anEnd(2))
  expect(lent()).toEqual([2])
})

test("what a turn has settled is told once, and the rest is sent by the settler", async () => {
  for (const lease of [1, 2, 3]) settler.settleSoon(anEnd(lease))
  const [first, late] = [settler.lend(), settler.lend()]
  first?.end([1, 3])
  late?.end([1, 2])
  expect(told).toEqual([1, 3, 2])
  settler.settleSoon(anEnd(4))
  settler.lend()?.end([])
  await eventually(async () => expect(asked).toBe(1))
})
