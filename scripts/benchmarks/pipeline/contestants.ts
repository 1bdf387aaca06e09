// All contestants, each with its best settings on two cores. The tried settings stand beside them. Where a busy machine
// made times useless, the CPU seconds of program and servers per 1,000 events decided. All run on Bun. On Node 20 the
// same processes of graphile-worker took 1.7 times the CPU, and those of BullMQ 1.6 times.

import { join } from "node:path"
import { bare } from "./bare.ts"
import { bullmq } from "./bullmq.ts"
import type { Contestant, Environment } from "./contestant.ts"
import { graphile } from "./graphile.ts"
import { pgBoss } from "./pg-boss.ts"
import { slotbase } from "./slotbase.ts"

export interface Entrant extends Contestant {
  /** "before" is an earlier checkout of SlotBase. "bare" is the work without any queue; it is no peer. */
  readonly kind: "slotbase" | "before" | "peer" | "bare"
  /** The handlers insert many effects with one statement. */
  readonly setBased: boolean
  /** The earlier checkout; left out: this one. */
  readonly folder?: string
}

/**
 * Tried:
 * - concurrentJobs 24, 50, 100; connections 10, 20, 50; completeJobBatchDelay 0, 10, 20, 50;
 * - localQueue none, 500, 1000, 2000; none costs more than three times as much CPU;
 * - 1 and 2 processes; a second one costs a third more CPU.
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
 * A batch completes in the transaction of its effects, which saves a commit. Tried:
 * - its own driver and postgres.js, which takes a third less CPU;
 * - batchSize 100, 300, 500 row by row (100 is best) and 100, 500, 1000 set-based (1000 is best);
 * - localConcurrency 1, 2;
 * - partitions for the queues, with no difference beyond the noise.
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
 * Tried:
 * - ioredis and Bun's own client, which takes a third less CPU;
 * - concurrency 20, 30, 50, 100, 300 of each queue; connections 20, 50;
 * - 1 and 2 processes; a second one takes an eighth more CPU row by row, and a quarter more set-based.
 */
const bullSettings = { effects: "each", connections: 50, concurrency: 100, webhookConcurrency: 100 } as const

const set = { effects: "set" } as const
/** Set-based inserts are few, so they need few connections. */
const few = { ...set, connections: 4 }

const entrants: readonly Entrant[] = [
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

const earlierCheckout = process.env.SLOTBASE_BENCH_BEFORE
const withPeers = process.env.SLOTBASE_BENCH_PEERS !== "off"

/**
 * With SLOTBASE_BENCH_BEFORE=<folder of an earlier checkout>, that program takes turns with this one and the peers.
 * SLOTBASE_BENCH_PEERS=off leaves the peers and the work alone out.
 */
export const contestants: readonly Entrant[] = [
  ...(earlierCheckout === undefined ? [] : await earlierEntrants(earlierCheckout)),
  ...entrants.filter(({ kind }) => withPeers || kind === "slotbase"),
]

async function earlierEntrants(checkout: string): Promise<readonly Entrant[]> {
  const made = await slotbaseOf(checkout)
  return [
    { kind: "before", setBased: false, folder: checkout, ...made("before", "each") },
    { kind: "before", setBased: true, folder: checkout, ...made("before, set-based", "set") },
  ]
}

/** SlotBase of another checkout, with its own recorder and its own workers. */
export async function slotbaseOf(checkout: string): Promise<typeof slotbase> {
  const folder = join(checkout, "scripts/benchmarks/pipeline")
  const other: { slotbase: typeof slotbase } = await import(join(folder, "slotbase.ts"))
  return (...given) => {
    const contestant = other.slotbase(...given)
    const withPaths = async (environment: Environment) => {
      const entry = await contestant.prepare(environment)
      return { ...entry, workers: entry.workers.map((worker) => ({ ...worker, file: join(folder, worker.file) })) }
    }
    return { ...contestant, prepare: withPaths }
  }
}
