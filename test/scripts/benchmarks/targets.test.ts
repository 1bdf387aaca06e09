// The targets of the way from commit to effect: each is kept, missed, or named as not measured.

import { expect, test } from "bun:test"
import type { Figure } from "#scripts/benchmarks/figure.ts"
import { targetsOf } from "#scripts/benchmarks/targets.ts"

const steady: readonly Figure[] = [
  { name: "before, set-based: idle", p50Ms: 6, cpuMsProgram: 8, cpuMsPostgres: 12 },
  { name: "slotbase, set-based: idle", p50Ms: 3, cpuMsProgram: 4, cpuMsPostgres: 6 },
  { name: "slotbase, set-based and a subscriber: idle", frameP50Ms: 2.6 },
  { name: "slotbase, set-based: 100/s", p50Ms: 3, p99Ms: 20, cpuMsProgram: 2, cpuMsPostgres: 3 },
  { name: "slotbase, set-based: 200/s", p50Ms: 4, p99Ms: 30, transactions: 2, walBytes: 4_001 },
  { name: "graphile-worker, set-based: 100/s", p50Ms: 2.5, p99Ms: 10 },
  { name: "bullmq, set-based: 100/s", p50Ms: 2.4, p99Ms: 14 },
  { name: "bullmq, set-based: 200/s", p50Ms: 2, p99Ms: 20 },
]
const pipeline: readonly Figure[] = [
  { name: "slotbase", timesBestPeer: 1.8, bestPeer: "pg-boss" },
  { name: "slotbase, set-based", timesBestPeer: 2.1, bestPeer: "graphile-worker, set-based" },
]
const verdicts = (rows: ReturnType<typeof targetsOf>) =>
  rows.map(({ what, measured, target, verdict }) => `${verdict}: ${what}: ${measured} (${target})`)

test("each target says what was measured, and whether it is kept", () => {
  const latency = [
    { name: "slotbase, idle: WebSocket frame", p50Ms: 2.5 },
    { name: "slotbase: bookings with all actors at work", eventsPerSecond: 249 },
  ]
  const memory = [
    { name: "before, set-based: actors", endMib: 100 },
    { name: "slotbase, set-based: actors", middleMib: 110, endMib: 121 },
  ]
  expect(verdicts(targetsOf({ steady, pipeline, latency, memory }))).toEqual([
    "missed: webhook's first byte, p50, 100/s: 3 ms, 1.25 × bullmq (at most 1.2 × bullmq)",
    "kept: webhook's first byte, p99, 100/s: 20 ms, 1.43 × bullmq (at most 1.5 × bullmq)",
    "missed: webhook's first byte, p50, 200/s: 4 ms, 2 × bullmq (at most 1.2 × bullmq)",
    "kept: webhook's first byte, p99, 200/s: 30 ms, 1.5 × bullmq (at most 1.5 × bullmq)",
    "kept: webhook's first byte, p50, idle: 3 ms (at most 3 ms)",
    "missed: frame, p50, idle, the server in a process of its own: 2.6 ms (at most 2.5 ms)",
    "kept: frame, p50, idle, the whole program in one process: 2.5 ms (at most 2.5 ms)",
    "kept: CPU per event, idle: 10 ms, 0.5 × before (at most 0.5 × before)",
    "not measured: CPU per event, 100/s: 5 ms (at most 0.5 × before)",
    "kept: transactions per event, 200/s: 2 (at most 2)",
    "missed: WAL per event, 200/s: 4001 bytes (at most 4000 bytes)",
    "missed: drained, a statement per batch: 2.1 × graphile-worker, set-based (at least 2.2 × graphile-worker, set-based)",
    "kept: drained, a statement per event: 1.8 × pg-boss (at least 1.8 × pg-boss)",
    "missed: bookings with all actors at work: 249 bookings/s (at least 250 bookings/s)",
    "missed: memory of the actors at the end: 121 MiB, 1.1 × the middle (at most 1.05 × the middle)",
    "missed: memory of the actors at the end: 121 MiB, 1.21 × before (at most 1.2 × before)",
    "not measured: memory of the server at the end:  (at most 1.05 × the middle)",
    "not measured: memory of the server at the end:  (at most 1.2 × before)",
  ])
})

test("no target is left out of a run that measured nothing", () => {
  const rows = targetsOf({})
  expect(rows.length).toBe(18)
  expect(new Set(rows.map(({ verdict }) => verdict))).toEqual(new Set(["not measured"]))
})
