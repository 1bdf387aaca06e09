// Measures whether the system gets slower as the tables fill. The same work is done with an empty log, with a million
// events and with ten. Events are recorded, dispatched, handled by five handlers and sent to one webhook. At the end
// comes an empty log once more, on a server of its own: a machine that became slower is not growth. The plans of all
// statements are taken from the running program. Noise does not reach one figure: the pages that each statement
// touches.

import { statfs } from "node:fs/promises"
import { tmpdir } from "node:os"
import { median, round } from "#scripts/statistics.ts"
import { type Figure, type Paid, perEvent } from "./figure.ts"
import { bytesPerEvent, fill } from "./growth/fill.ts"
import { explaining, faultsOf, logSettings, markLog, type Plan, readPlans } from "./growth/plans.ts"
import { meter } from "./measure.ts"
import type { Part } from "./part.ts"
import { type Entry, handlerNames } from "./pipeline/contestant.ts"
import { waitsSince } from "./pipeline/finished.ts"
import { startWorkers, stopAll } from "./pipeline/processes.ts"
import { withSetup } from "./pipeline/run.ts"
import type { Setup } from "./pipeline/setup.ts"
import { slotbase } from "./pipeline/slotbase.ts"

/** Events recorded in one transaction. */
const recordedAtOnce = 100
/** Events that the program handles while plans are taken. */
const explained = 1_000
const stuckAfterMs = 60_000
const pollMs = 20
/** Statements in the table of pages; the others touch nearly none. */
const shown = 30
const planLines = 40
const planColumns = 150

interface Stage {
  readonly name: string
  readonly events: number
  readonly rounds: readonly Round[]
  readonly plans: readonly Plan[]
}

interface Round extends Paid {
  readonly seconds: number
  /** From the commit to the webhook's request at the receiver, milliseconds, at full load. */
  readonly p50Ms: number
  readonly p99Ms: number
}

export const growth: Part = {
  name: "growth",
  description:
    "the same work with an empty log, with a million events (half of them delivered to a webhook) in the tables and with ten",
  run: async ({ short, progress }) => {
    const [sizes, events, rounds] = short ? [[30_000, 100_000], 2_000, 2] : [[1_000_000, 10_000_000], 15_000, 3]
    const free = await statfs(tmpdir())
    const room = free.bavail * free.bsize
    const fitting = sizes.filter((size) => size * bytesPerEvent < room)
    if (fitting.length < sizes.length)
      progress(`only ${Math.round(room / 1e9)} GB are free: ${fitting.length} sizes fit`)

    const stages = await withSystem(async (system) => {
      const stages = [await measure(system, { name: "empty", events, rounds })]
      progress(told(stages[0]))
      for (const size of fitting) {
        await fill(system.bench, size, progress)
        stages.push(await measure(system, { name: `${size / 1e6} million events`, events, rounds }))
        progress(told(stages.at(-1)))
      }
      return stages
    })
    const again = await withSystem((system) => measure(system, { name: "empty, once more", events, rounds }))
    progress(told(again))
    printPlans(stages)
    const empty = (rateOf(stages[0]) + rateOf(again)) / 2
    return [...stages, again].map((stage) => figureOf(stage, empty))
  },
}

const withSystem = <T>(use: (system: Setup) => Promise<T>): Promise<T> =>
  withSetup(slotbase("slotbase", "set"), logSettings, use)

async function measure(system: Setup, wanted: { name: string; events: number; rounds: number }): Promise<Stage> {
  const { bench, entry } = system
  const { name, events, rounds } = wanted
  const measured: Round[] = []
  await withWorkers(entry, async (pids) => {
    await drain(system, explained) // warms the caches and prepares the statements
    for (let n = 0; n < rounds; n++) {
      const read = await meter(bench, pids)
      const began = performance.now()
      await drain(system, events)
      const seconds = (performance.now() - began) / 1000
      const cost = await read()
      const { webhookP50Ms, webhookP99Ms } = await waitsSince(system, performance.timeOrigin + began)
      measured.push({ events, cost, seconds, p50Ms: webhookP50Ms, p99Ms: webhookP99Ms })
    }
  })
  const mark = await markLog(bench)
  const workers = entry.workers.map((worker) => ({ ...worker, env: { DATABASE_URL: explaining(bench.url) } }))
  await withWorkers({ ...entry, workers }, () => drain(system, explained))
  return { name, events, rounds: measured, plans: await readPlans(bench, mark) }
}

async function withWorkers(entry: Entry, use: (pids: readonly number[]) => Promise<void>): Promise<void> {
  const workers = await startWorkers(entry)
  try {
    await use(workers.map((worker) => worker.pid))
  } finally {
    await stopAll(workers)
  }
}

/** Records events while the workers run, and waits until every effect and every delivery is committed. */
async function drain({ bench: { sql }, entry }: Setup, events: number): Promise<void> {
  await sql`truncate slotbase_bench.effects, slotbase_bench.bookings`
  const recorder = await entry.recorder()
  try {
    for (let left = events; left > 0; left -= recordedAtOnce) await recorder.record(Math.min(left, recordedAtOnce))
  } finally {
    await recorder.end()
  }
  const deadline = performance.now() + stuckAfterMs
  for (;;) {
    const [row] = await sql<[{ left: boolean }]>`
      select exists (select from slotbase.outbox) or exists (select from slotbase.unfinished_runs)
          or exists (select from slotbase.delivery_queue) as left`
    if (!row.left) break
    if (performance.now() > deadline) throw new Error(`${events} events were not done in time`)
    await Bun.sleep(pollMs)
  }
  const [row] = await sql<[{ effects: number }]>`select count(*) as effects from slotbase_bench.effects`
  const wanted = events * handlerNames.length
  if (row.effects !== wanted) throw new Error(`${row.effects} effects instead of ${wanted}`)
}

/** Prints the pages that each statement touches at each size. Then the plans at the last size, except plain inserts. */
function printPlans(stages: readonly Stage[]): void {
  const last = stages.at(-1)
  const pagesAt = (stage: Stage, statement: string) =>
    (stage.plans.find((plan) => plan.statement === statement)?.pages ?? Number.NaN) / explained
  const rows = (last?.plans ?? []).slice(0, shown).map(({ statement, calls }) => ({
    statement: statement.slice(0, 80),
    calls,
    ...Object.fromEntries(stages.map((stage) => [stage.name, round(pagesAt(stage, statement))])),
  }))
  console.log(`\nPages of the buffer cache touched per event, by statement, while ${explained} events went through:`)
  console.table(rows)
  for (const { statement, text } of last?.plans ?? []) {
    if (!/_queue|outbox|max\((p\.)?position\)|_claims/.test(statement) || !text.includes("Scan using")) continue
    const lines = text.split("\n").filter((line) => !line.includes("(never executed)"))
    const some = lines.slice(0, planLines).map((line) => line.slice(0, planColumns))
    console.log(`\n${last?.name}: ${statement.slice(0, planColumns)}\n${some.join("\n")}`)
    if (lines.length > planLines) console.log(`… ${lines.length - planLines} more lines`)
  }
  const faults = stages.flatMap((stage) => faultsOf(stage.plans).map((fault) => `${stage.name}: ${fault}`))
  console.log(
    `\nSequential scans of what grows, or of the table for the head of the log: ${faults.join("\n") || "none"}`,
  )
}

function figureOf(stage: Stage, emptyRate: number): Figure {
  const { name, rounds } = stage
  return {
    name,
    eventsPerSecond: Math.round(rateOf(stage)),
    p50Ms: median(rounds.map((each) => each.p50Ms)),
    p99Ms: median(rounds.map((each) => each.p99Ms)),
    ...perEvent(rounds),
    ratio: round(rateOf(stage) / emptyRate),
  }
}

const rateOf = (stage: Stage | undefined) =>
  median((stage?.rounds ?? []).map(({ events, seconds }) => events / seconds))
const told = (stage: Stage | undefined) => `${stage?.name}: ${Math.round(rateOf(stage))} events/s`
