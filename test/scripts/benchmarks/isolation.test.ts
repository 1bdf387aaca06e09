// The comparison of rounds beside sick receivers with rounds alone.

import { expect, test } from "bun:test"
import { medianRatio, quantile } from "#scripts/benchmarks/isolation/rounds.ts"

const round = (...waits: number[]) => ({ waits })

test("a round beside sick receivers is compared with the mean of its two neighbours, and the ratio is the median", () => {
  const turns = [
    { before: round(10), beside: round(30), after: round(20) },
    { before: round(20), beside: round(20), after: round(20) },
    { before: round(100), beside: round(50), after: round(300) },
  ]
  expect(medianRatio(turns, 0.99)).toBe(1)
  expect(medianRatio(turns.slice(0, 1), 0.99)).toBe(2)
})

test("a quantile of several rounds is the quantile of all their deliveries", () => {
  expect(quantile([round(1, 5), round(2, 3, 4)], 0.5)).toBe(3)
})
