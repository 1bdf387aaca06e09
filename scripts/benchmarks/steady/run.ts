// One contestant at steady rates, with warm workers. The recorder is this process, so each of SlotBase's hints is a
// NOTIFY. A stretch ends when all of its work is committed. PostgreSQL's sessions report their transactions once a
// second, so between two stretches come a rest and a few events, after which nearly all are reported.

import { type Cost, meter } from "#scripts/benchmarks/measure.ts"
import type { Entrant } from "#scripts/benchmarks/pipeline/contestants.ts"
import { assertComplete, type EventWaits, eventsSince, finished } from "#scripts/benchmarks/pipeline/finished.ts"
import { type Started, startWorkers, stopAll } from "#scripts/benchmarks/pipeline/processes.ts"
import { withSetup } from "#scripts/benchmarks/pipeline/run.ts"
import type { Setup } from "#scripts/benchmarks/pipeline/setup.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type Audience, startAudience } from "./audience.ts"
import { costliestStatements } from "./costliest.ts"
import { countingSettings, statementsSoFar, transactionsSoFar } from "./counts.ts"
import { recordAtRate, type SteadyRate } from "./pace.ts"
import { endOfWal, walRecords } from "./wal-records.ts"

export interface SteadyPlan {
  readonly rates: readonly SteadyRate[]
  /** The rates at which a server with a subscriber takes part. Only SlotBase has one. */
  readonly withSubscriber: readonly SteadyRate[]
  readonly rounds: number
}

export interface SteadyStretch {
  readonly perSecond: number
  readonly withSubscriber: boolean
  readonly events: number
  readonly cost: Cost
  /** CPU seconds of the server besides PostgreSQL, if the contestant has one. */
  readonly serverCpuSeconds: number | undefined
  readonly statements: number
  readonly transactions: number
  readonly waits: readonly EventWaits[]
  /** From the event's commit to its frame, milliseconds. */
  readonly frameWaits: readonly number[]
  /** What each statement and each table costs an event, in words. */
  readonly costliest: readonly string[]
}

/** A contestant whose workers run. */
interface Stage extends Setup {
  readonly workers: readonly Started[]
  readonly audience?: Audience
  /** Commits one event. */
  readonly record: () => Promise<void>
  /** Events so far. */
  total: number
}

const warmUp = { perSecond: 100, seconds: 2 }
/** A session reports its transactions when the last report is older than a second. */
const reportMs = 1_100
/** So many at once that several sessions of the workers get something to do. */
const reportingEvents = 4
const frameWithinMs = 10_000

export const runSteady = (entrant: Entrant, plan: Omit<SteadyPlan, "rounds">): Promise<readonly SteadyStretch[]> =>
  withSetup(entrant, countingSettings, async (setup) => {
    await setup.bench.sql`create extension pg_stat_statements`
    await using open = new AsyncDisposableStack()
    const workers = await startWorkers(setup.entry)
    open.defer(async () => void (await stopAll(workers)))
    try {
      const recorder = await setup.entry.recorder()
      open.defer(recorder.end)
      const stage: Stage = { ...setup, workers, record: () => recorder.record(1), total: 0 }
      await warm(stage)
      const measured: SteadyStretch[] = []
      for (const rate of plan.rates) measured.push(await measure(stage, rate))
      if (plan.withSubscriber.length > 0 && entrant.kind !== "peer") {
        const audience = await startAudience(setup.bench.url, entrant.folder)
        open.defer(audience.stop)
        const heard: Stage = { ...stage, audience }
        await warm(heard)
        for (const rate of plan.withSubscriber) measured.push(await measure(heard, rate))
        stage.total = heard.total
      }
      await stopAll(workers)
      await assertComplete(setup, stage.total)
      return measured
    } catch (error) {
      const complaints = workers.map((worker) => worker.complaints()).join("")
      throw new Error(`${(error as Error).message}\n${complaints.slice(0, 2_000)}`, { cause: error })
    }
  })

async function warm(stage: Stage): Promise<void> {
  await keepRate(stage, warmUp)
  await finished(stage, stage.total)
  await stage.bench.sql`vacuum (analyze)`
  await letSessionsReport(stage)
}

async function measure(stage: Stage, rate: SteadyRate): Promise<SteadyStretch> {
  const { bench, workers, audience, entry } = stage
  const pids = [...workers.map(({ pid }) => pid), ...(audience ? [audience.pid] : [])]
  const transactions = await transactionsSoFar(bench.sql)
  await bench.sql`select pg_stat_statements_reset()`
  const read = await meter(bench, pids)
  const readServer = entry.serverPid === undefined ? undefined : await meter(bench, [entry.serverPid])
  const walSince = await endOfWal(bench.sql)
  const since = performance.timeOrigin + performance.now()
  const events = await keepRate(stage, rate)
  await finished(stage, stage.total)
  const cost = await read()
  const server = await readServer?.()
  const { sent } = await statementsSoFar(bench.sql)
  const costliest = [
    ...(await costliestStatements(bench.sql, events)),
    ...(await walRecords(bench.sql, walSince, events)),
  ]
  const waits = await eventsSince(stage, since)
  const frameWaits = audience ? await framesOf(audience, waits) : []
  await letSessionsReport(stage)
  const { own } = await statementsSoFar(bench.sql)
  return {
    perSecond: rate.perSecond,
    withSubscriber: audience !== undefined,
    events,
    cost,
    serverCpuSeconds: server?.programCpuSeconds,
    statements: sent,
    transactions: (await transactionsSoFar(bench.sql)) - transactions - own,
    waits,
    frameWaits,
    costliest,
  }
}

async function keepRate(stage: Stage, rate: SteadyRate): Promise<number> {
  const events = await recordAtRate(stage.record, rate)
  stage.total += events
  return events
}

async function letSessionsReport(stage: Stage): Promise<void> {
  await Bun.sleep(reportMs)
  await Promise.all(Array.from({ length: reportingEvents }, () => stage.record()))
  stage.total += reportingEvents
  await finished(stage, stage.total)
}

async function framesOf(audience: Audience, waits: readonly EventWaits[]): Promise<readonly number[]> {
  const framedAt = await eventually(
    async () => {
      const frames = await audience.framedAt()
      const missing = waits.filter(({ eventId }) => !frames.has(eventId)).length
      if (missing > 0) throw new Error(`${missing} of ${waits.length} frames have not come`)
      return frames
    },
    { withinMs: frameWithinMs },
  )
  return waits.map(({ eventId, committedAt }) => (framedAt.get(eventId) ?? Number.NaN) - committedAt)
}
