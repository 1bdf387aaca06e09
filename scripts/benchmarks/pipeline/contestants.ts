// Who takes part, and each one's best settings on two cores. What was tried is beside them; where a busy machine made the
// times useless, the CPU seconds of program and servers per 1,000 events decided. All run on Bun: on Node 20 the same
// processes of graphile-worker took 1.7 times and of BullMQ 1.6 times the CPU.

import { bare } from "./bare.ts"
import { bullmq } from "./bullmq.ts"
import type { Contestant } from "./contestant.ts"
import { graphile } from "./graphile.ts"
import { pgBoss } from "./pg-boss.ts"
import { slotbase } from "./slotbase.ts"

export interface Entrant extends Contestant {
  /** "bare" is the work without any queue: for comparison, not a peer. */
  readonly kind: "slotbase" | "peer" | "bare"
  /** Its handlers insert many effects with one statement. */
  readonly setBased: boolean
}

/**
 * concurrentJobs 24, 50, 100; connections 10, 20, 50; localQueue none, 500, 1000, 2000; completeJobBatchDelay 0, 10, 20, 50;
 * 1 and 2 processes. No localQueue costs more than three times as much CPU; a second process, a third more.
 */
const graphileSettings = {
  effects: "each",
  connections: 20,
  concurrentJobs: 100,
  localQueue: 1_000,
  completeJobBatchDelay: 20,
  maxPoolSize: 10,
} as const

/**
 * Its own driver and postgres.js (a third less CPU); batchSize 100, 300, 500 row by row (100 is best) and 100, 500, 1000
 * set-based (1000 is best); localConcurrency 1, 2; partitions for the queues (no difference beyond the noise). A batch completes in the transaction of
 * its effects, which saves a commit.
 */
const bossSettings = {
  effects: "each",
  connections: 16,
  driver: "postgres.js",
  partition: false,
  batchSize: 100,
  localConcurrency: 1,
  webhookBatchSize: 50,
  webhookConcurrency: 2,
} as const

/**
 * ioredis and Bun's own client (a third less CPU); concurrency 20, 30, 50, 100, 300 of each queue; connections 20, 50; 1 and 2
 * processes (a second one takes an eighth more CPU row by row, and a quarter more set-based).
 */
const bullSettings = { effects: "each", connections: 50, concurrency: 100, webhookConcurrency: 100 } as const

const set = { effects: "set" } as const
/** Gathered inserts are few. */
const few = { ...set, connections: 4 }

export const contestants: readonly Entrant[] = [
  { kind: "slotbase", setBased: false, ...slotbase("slotbase", "each") },
  { kind: "slotbase", setBased: true, ...slotbase("slotbase, set-based", "set") },
  { kind: "peer", setBased: false, ...graphile("graphile-worker", graphileSettings) },
  {
    kind: "peer",
    setBased: true,
    ...graphile("graphile-worker, set-based", { ...graphileSettings, ...few, concurrentJobs: 400 }),
  },
  { kind: "peer", setBased: false, ...pgBoss("pg-boss", bossSettings) },
  {
    kind: "peer",
    setBased: true,
    ...pgBoss("pg-boss, set-based", { ...bossSettings, ...set, batchSize: 1_000, webhookBatchSize: 200 }),
  },
  { kind: "peer", setBased: false, ...bullmq("bullmq", bullSettings) },
  { kind: "peer", setBased: true, ...bullmq("bullmq, set-based", { ...bullSettings, ...few }) },
  { kind: "bare", setBased: false, ...bare("the work alone, no queue", { effects: "each", connections: 10 }) },
  { kind: "bare", setBased: true, ...bare("the work alone, set-based", { effects: "set", connections: 10 }) },
]
