// Measures the way from commit to effect. Events go through five handlers, each of which inserts a row, and one signed
// webhook to a receiver in a process of its own. SlotBase does this work, and so do its peers: graphile-worker,
// pg-boss, and BullMQ with Redis. Each contestant has its best settings (pipeline/contestants.ts), a fresh PostgreSQL,
// and the machine to itself; they run in turn. After each run every effect, webhook and outcome is counted: none may be
// missing, none may come twice.
//
// - Handlers come in two kinds. "Row by row" inserts with a statement per event and handler, "set-based" with one for
//   many.
// - The drained backlog stands before the processes begin. SlotBase must still dispatch it; the peers have their jobs
//   already. Events a second, CPU, WAL and dead tuples are measured there.
// - p50 and p99 are measured at a steady rate: from the commit to the webhook's request, or to the effect's commit. The
//   WAL of this stretch includes the recording, one event a transaction.
// - The work alone, without any queue, comes last: it is the most that the machine can do.

import { round } from "#scripts/statistics.ts"
import { type Figure, perEvent } from "./figure.ts"
import type { Part } from "./part.ts"
import { compare, type Line, told } from "./pipeline/comparison.ts"
import { LeftOut } from "./pipeline/contestant.ts"
import { contestants, type Entrant } from "./pipeline/contestants.ts"
import { type Load, type RunResult, run } from "./pipeline/run.ts"

const long: Load & { rounds: number } = { backlog: 20_000, ratePerSecond: 200, seconds: 10, rounds: 3 }
const brief: Load & { rounds: number } = { backlog: 1_000, ratePerSecond: 100, seconds: 1, rounds: 1 }

export const pipeline: Part = {
  name: "pipeline",
  description: "events through 5 handlers and 1 webhook, drained from a backlog and at a steady rate, beside the peers",
  run: async ({ short, progress }) => {
    const { rounds, ...load } = short ? brief : long
    const results = new Map<Entrant, RunResult[]>(contestants.map((entrant) => [entrant, []]))
    const leftOut = new Map<Entrant, string>()
    for (let turn = 0; turn < rounds; turn++) {
      for (const [entrant, outcomes] of results) {
        if (leftOut.has(entrant)) continue
        try {
          // The steady rate runs once, because it takes long. The work alone is left out: without a queue it cannot go
          // on.
          const steady = turn === 0 && entrant.kind !== "bare"
          const outcome = await run(entrant, steady ? load : { ...load, seconds: 0 })
          outcomes.push(outcome)
          progress(`${turn + 1}/${rounds} ${entrant.name}: ${Math.round(outcome.drain.eventsPerSecond)} events/s`)
        } catch (error) {
          const { message } = error as Error
          // A peer that fails must not cost half an hour of figures of the others.
          if (entrant.kind === "slotbase" || entrant.kind === "before")
            throw new Error(`${entrant.name}: ${message}`, { cause: error })
          const why = error instanceof LeftOut ? message : `it failed: ${message}`
          leftOut.set(entrant, why)
          progress(`LEFT OUT: ${entrant.name}. ${why}`)
        }
      }
    }
    const lines = [...results].flatMap(([entrant, outcomes]): Line[] =>
      leftOut.has(entrant) ? [] : [{ ...entrant, figure: figureOf(entrant.name, outcomes) }],
    )
    console.log("\nSlotBase beside the best peer of each column (more events are better, and less of everything else):")
    console.table(compare(lines))
    return [
      ...lines.map((line) => ({ ...line.figure, ...told(lines, line) })),
      ...[...leftOut].map(([{ name }, why]) => ({ name, note: `left out: ${why}` })),
    ]
  },
}

function figureOf(name: string, outcomes: readonly RunResult[]): Figure {
  const { drain } = median(outcomes)
  const steady = outcomes.find((outcome) => outcome.steady)?.steady
  return {
    name,
    eventsPerSecond: Math.round(drain.eventsPerSecond),
    ...perEvent([drain]),
    ...(drain.serverCpuSeconds !== undefined && {
      cpuMsRedis: round((drain.serverCpuSeconds / drain.events) * 1_000),
    }),
    ...(steady && {
      p50Ms: steady.webhookP50Ms,
      p99Ms: steady.webhookP99Ms,
      effectP50Ms: steady.effectP50Ms,
      effectP99Ms: steady.effectP99Ms,
      steadyRate: Math.round(steady.eventsPerSecond),
      steadyWalBytes: Math.round(steady.cost.walBytes / steady.events),
    }),
  }
}

function median(outcomes: readonly RunResult[]): RunResult {
  const ordered = [...outcomes].sort((a, b) => a.drain.eventsPerSecond - b.drain.eventsPerSecond)
  const middle = ordered[Math.floor((ordered.length - 1) / 2)]
  if (!middle) throw new Error("no run of this contestant")
  return middle
}
