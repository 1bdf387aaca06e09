// The histogram of what ends thousands of times a second, beside the one that it stands in for.

import { expect, test } from "bun:test"
import { Histogram, type Metric, Registry } from "prom-client"
import { Timings } from "../../src/metrics/timings.ts"

const shape = { name: "waits_seconds", help: "How long it took", buckets: [0.005, 0.1, 1] }
const values = [0, 0.004, 0.005, 0.0051, 0.1, 0.7, 1, 1.5, 30]

test("prints byte for byte what prom-client's own histogram prints", async () => {
  const [theirs, ours] = [new Registry(), new Registry()]
  const histogram = new Histogram({ ...shape, labelNames: ["handler", "outcome"], registers: [theirs] })
  const timings = new Timings({ ...shape, labelNames: ["handler", "outcome"] })
  ours.registerMetric(timings as unknown as Metric)
  for (const [nth, value] of values.entries()) {
    const labels = { handler: `H"${nth % 2}`, outcome: nth % 3 === 0 ? "skipped" : "success" }
    histogram.observe(labels, value)
    timings.observe(value, labels.handler, labels.outcome)
  }
  expect(await ours.metrics()).toBe(await theirs.metrics())
})

test("counts per combination of labels", () => {
  const timings = new Timings({ ...shape, labelNames: ["outcome"] })
  for (const outcome of ["delivered", "failed", "delivered"]) timings.observe(0.01, outcome)
  expect(timings.counts().map(({ labels, count }) => [labels.outcome, count])).toEqual([
    ["delivered", 2],
    ["failed", 1],
  ])
})
