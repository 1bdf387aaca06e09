// The common columns of all parts of the benchmark, and the costs per event.

import { expect, test } from "bun:test"
import { asRow, perEvent } from "#scripts/benchmarks/figure.ts"

const cost = (programCpuSeconds: number | undefined, walBytes: number) => ({
  seconds: 1,
  programCpuSeconds,
  postgresCpuSeconds: 0.5,
  walBytes,
  deadTuples: 30,
})

test("the costs of an event are the median of the rounds, column by column", () => {
  const rounds = [cost(0.2, 9_000), cost(0.1, 3_000), cost(0.3, 6_000)].map((each) => ({ events: 10, cost: each }))
  expect(perEvent(rounds)).toEqual({ cpuMsProgram: 20, cpuMsPostgres: 50, walBytes: 600, deadTuples: 3 })
})

test("a value that was not measured has no column", () => {
  const figure = {
    name: "bare",
    framesPerSecond: 7,
    ...perEvent([{ events: 10, cost: cost(undefined, 0) }]),
    p50Ms: Number.NaN,
  }
  expect(asRow(figure)).toEqual({ name: "bare", cpuMsPostgres: 50, walBytes: 0, deadTuples: 3, framesPerSecond: 7 })
})

test("the common columns come first and in one order, then the part's own", () => {
  const row = asRow({ name: "slotbase", ratio: 2, p99Ms: 9, walBytes: 5, p50Ms: 3, eventsPerSecond: 1 })
  expect(Object.keys(row)).toEqual(["name", "eventsPerSecond", "p50Ms", "p99Ms", "walBytes", "ratio"])
})
