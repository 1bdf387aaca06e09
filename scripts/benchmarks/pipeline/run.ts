// One contestant's run on a PostgreSQL of its own: first a backlog that stands before its workers begin, then a steady
// rate. Work counts as done when all of it is committed: every effect, every webhook at the receiver, every outcome.

import { type Cost, meter, startBench } from "#scripts/benchmarks/measure.ts"
import { type Contestant, createTables } from "./contestant.ts"
import { assertComplete, finished, type Waits, waitsSince } from "./finished.ts"
import { startReceiver, startWorkers, stopAll } from "./processes.ts"
import type { Setup } from "./setup.ts"

export interface Load {
  /** Events that are recorded before the workers begin. */
  readonly backlog: number
  /** Events a second, each in a transaction of its own. */
  readonly ratePerSecond: number
  /** How long the steady rate lasts; 0 leaves it out. */
  readonly seconds: number
}

export interface Stretch {
  readonly events: number
  /** When the workers were ready, milliseconds since 1970. */
  readonly startedAt: number
  readonly eventsPerSecond: number
  readonly cost: Cost
  /** CPU seconds of the server besides PostgreSQL, if the contestant has one. */
  readonly serverCpuSeconds: number | undefined
}

export interface RunResult {
  readonly drain: Stretch
  readonly steady: (Stretch & Waits) | undefined
}

/** Events of a backlog that are recorded in one transaction. */
const recordedAtOnce = 100
const tickMs = 5

export const run = (contestant: Contestant, load: Load): Promise<RunResult> =>
  withSetup(contestant, {}, async (setup) => {
    await fillBacklog(setup, load.backlog)
    const drain = await drainBacklog(setup, load.backlog)
    const steady = load.seconds > 0 ? await keepSteady(setup, load) : undefined
    return { drain, steady }
  })

/** @param settings settings of PostgreSQL, besides those that the measuring needs. */
export async function withSetup<T>(
  contestant: Contestant,
  settings: Record<string, string>,
  use: (setup: Setup) => Promise<T>,
): Promise<T> {
  await using open = new AsyncDisposableStack()
  const bench = await startBench({ track_commit_timestamp: "on", ...settings })
  open.defer(bench.stop)
  const receiver = await startReceiver()
  open.defer(receiver.stop)
  await createTables(bench.sql)
  const entry = await contestant.prepare({ url: bench.url, sql: bench.sql, hook: receiver })
  open.defer(entry.stop)
  return await use({ bench, receiver, entry })
}

/** Records a backlog, before the workers begin. */
export async function fillBacklog(setup: Setup, backlog: number): Promise<void> {
  const recorder = await setup.entry.recorder()
  try {
    for (let left = backlog; left > 0; left -= recordedAtOnce) await recorder.record(Math.min(left, recordedAtOnce))
  } finally {
    await recorder.end()
  }
  // Autovacuum would have done this. So no plan rests on the statistics of empty tables.
  await setup.bench.sql`vacuum (analyze)`
}

/** Starts the workers and waits until the backlog is done. */
export const drainBacklog = (setup: Setup, backlog: number): Promise<Stretch> =>
  stretch(setup, backlog, backlog, async () => {})

async function keepSteady(setup: Setup, { backlog, ratePerSecond, seconds }: Load): Promise<Stretch & Waits> {
  const events = ratePerSecond * seconds
  const since = wallClock()
  const recorder = await setup.entry.recorder()
  try {
    const kept = await stretch(setup, backlog + events, events, () => atRate(events, ratePerSecond, recorder.record))
    return { ...kept, ...(await waitsSince(setup, since)) }
  } finally {
    await recorder.end()
  }
}

/** Records events one by one at a steady rate, whether or not the earlier ones are committed. */
async function atRate(events: number, perSecond: number, record: (count: number) => Promise<void>): Promise<void> {
  const startedAt = performance.now()
  const recorded: Promise<void>[] = []
  while (recorded.length < events) {
    const due = Math.min(events, Math.floor(((performance.now() - startedAt) / 1000) * perSecond))
    while (recorded.length < due) recorded.push(record(1))
    await Bun.sleep(tickMs)
  }
  await Promise.all(recorded)
}

/**
 * Measures from the moment when the workers begin until `total` events are done. `events` of them belong to this
 * stretch.
 */
async function stretch(
  { bench, receiver, entry }: Setup,
  total: number,
  events: number,
  work: () => Promise<void>,
): Promise<Stretch> {
  const workers = await startWorkers(entry)
  const complaints = () => workers.map((worker) => worker.complaints()).join("")
  try {
    const startedAt = wallClock()
    const read = await meter(
      bench,
      workers.map((worker) => worker.pid),
    )
    const readServer = entry.serverPid === undefined ? undefined : await meter(bench, [entry.serverPid])
    await work()
    const doneAt = await finished({ bench, receiver, entry }, total)
    const cost = await read()
    const server = await readServer?.()
    await stopAll(workers)
    // The last numbers of a process reach the statistics when it ends.
    const { deadTuples } = await read()
    await assertComplete({ bench, receiver, entry }, total)
    return {
      events,
      startedAt,
      eventsPerSecond: events / ((doneAt - startedAt) / 1000),
      cost: { ...cost, deadTuples },
      serverCpuSeconds: server?.programCpuSeconds,
    }
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${complaints().slice(0, 2_000)}`, { cause: error })
  } finally {
    await stopAll(workers)
  }
}

const wallClock = () => performance.timeOrigin + performance.now()
