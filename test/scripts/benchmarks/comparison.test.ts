// SlotBase beside its peers: the best peer of each column, and the ratios.

import { expect, test } from "bun:test"
import { compare, type Line, told } from "#scripts/benchmarks/pipeline/comparison.ts"

const line = (kind: Line["kind"], setBased: boolean, name: string, figures: object): Line => ({
  kind,
  setBased,
  figure: { name, ...figures },
})
const lines = [
  line("slotbase", false, "slotbase", { eventsPerSecond: 300, p99Ms: 50, cpuMsProgram: 1, cpuMsPostgres: 1 }),
  line("slotbase", true, "slotbase, set-based", { eventsPerSecond: 900 }),
  line("peer", false, "pg-boss", { eventsPerSecond: 150, p99Ms: 100, cpuMsProgram: 1, cpuMsPostgres: 3 }),
  line("peer", false, "bullmq", { eventsPerSecond: 100, p99Ms: 40, cpuMsProgram: 1, cpuMsPostgres: 1, cpuMsRedis: 3 }),
  line("peer", true, "pg-boss, set-based", { eventsPerSecond: 450 }),
  line("bare", true, "the work alone, set-based", { eventsPerSecond: 1_000 }),
]

test("each column has its own best peer: the most events a second, and the least of everything else", () => {
  expect(compare(lines)).toEqual([
    { name: "slotbase", column: "eventsPerSecond", slotbase: 300, bestPeer: "pg-boss", itsFigure: 150, ratio: 2 },
    { name: "slotbase", column: "p99Ms", slotbase: 50, bestPeer: "bullmq", itsFigure: 40, ratio: 1.25 },
    { name: "slotbase", column: "cpuMs", slotbase: 2, bestPeer: "pg-boss", itsFigure: 4, ratio: 0.5 },
    {
      name: "slotbase, set-based",
      column: "eventsPerSecond",
      slotbase: 900,
      bestPeer: "pg-boss, set-based",
      itsFigure: 450,
      ratio: 2,
    },
  ])
})

test("the lines of SlotBase and of the work alone name the best peer, and SlotBase's line its share of the work alone", () => {
  const [rowByRow, setBased, , , peer, bare] = lines.map((each) => told(lines, each))
  expect(rowByRow).toEqual({ bestPeer: "pg-boss", timesBestPeer: 2 })
  expect(setBased).toEqual({ bestPeer: "pg-boss, set-based", timesBestPeer: 2, ofTheWorkAlone: 0.9 })
  expect(peer).toEqual({})
  expect(bare).toEqual({ bestPeer: "pg-boss, set-based", timesBestPeer: 2.22 })
})
