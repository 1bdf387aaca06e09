// A round records events of the healthy facilities at a steady rate. It measures how long each delivery takes, from the
// server's own commit timestamp to the first byte at the receiver. Rounds that took turns are compared here too.

import type { Db } from "#base/database/db.ts"
import { type Bench, type Cost, meter } from "#scripts/benchmarks/measure.ts"
import { median, percentile } from "#scripts/statistics.ts"
import { recordEvent } from "./club.ts"

const eventsPerSecond = 100
export const webhooksPerFacility = 3
/** Deliveries are awaited so long after a round. A delivery that takes longer counts as one that takes this long. */
const lastMs = 5_000

/** The system that a round works on. */
export interface RoundContext {
  readonly bench: Bench
  readonly db: Db
  /** Facilities whose webhooks are all healthy. */
  readonly healthy: readonly string[]
  /** The deliveries that have arrived since the last call. */
  readonly received: () => Promise<readonly Arrival[]>
  /** Process id of the actors. */
  readonly worker: number
}
export type Arrival = readonly [eventId: string, atMs: number]

export interface Span {
  /** Unmeasured time at the same rate, until webhooks that were switched on or off have their effect. */
  readonly leadMs: number
  /** More unmeasured time, at most; how much is chance. */
  readonly chanceMs: number
  readonly measuredMs: number
}

export interface Round {
  /** The wait of each healthy delivery, from the commit to the first byte, milliseconds; ascending. */
  readonly waits: readonly number[]
  readonly events: number
  /** Counts events whose deliveries have all arrived. */
  readonly eventsPerSecond: number
  /** The costs of the actors' process and of PostgreSQL, for all work of the round. */
  readonly cost: Cost
}

export async function measureRound(context: RoundContext, span: Span): Promise<Round> {
  const { measuredMs } = span
  const leadMs = span.leadMs + Math.random() * span.chanceMs
  const { bench, db, healthy, received, worker } = context
  await received()
  const measured = new Set<string>()
  const recording: Promise<void>[] = []
  let reading: ReturnType<typeof meter> | undefined
  const startedAt = performance.now()
  for (let n = 0; n < ((leadMs + measuredMs) / 1000) * eventsPerSecond; n++) {
    const dueAt = startedAt + (n * 1000) / eventsPerSecond
    if (dueAt > performance.now()) await Bun.sleep(dueAt - performance.now())
    const counts = dueAt - startedAt >= leadMs
    if (counts) reading ??= meter(bench, [worker])
    const facility = healthy[n % healthy.length] ?? ""
    recording.push(recordEvent(db, facility).then((id) => void (counts && measured.add(id))))
  }
  await Promise.all(recording)
  const read = await (reading ?? meter(bench, [worker]))
  const cost = await read()
  const arrived = await arrivals(received, measured)
  const complete = [...measured].filter((id) => arrived.get(id)?.length === webhooksPerFacility).length
  return {
    waits: await waitsOf(bench, measured, arrived),
    events: measured.size,
    eventsPerSecond: complete / (measuredMs / 1000),
    cost,
  }
}

type Arrived = ReadonlyMap<string, readonly number[]>

/** The arrivals of the measured events, as far as they come in time. */
async function arrivals(received: RoundContext["received"], measured: ReadonlySet<string>): Promise<Arrived> {
  const noted: Arrival[] = []
  const until = performance.now() + lastMs
  do {
    await Bun.sleep(50)
    noted.push(...(await received()).filter(([id]) => measured.has(id)))
  } while (noted.length < measured.size * webhooksPerFacility && performance.now() < until)
  return new Map([...Map.groupBy(noted, ([id]) => id)].map(([id, all]) => [id, all.map(([, at]) => at)]))
}

async function waitsOf({ sql }: Bench, measured: ReadonlySet<string>, arrived: Arrived): Promise<readonly number[]> {
  const rows = await sql<{ id: string; committed: number }[]>`
    select id, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float8 as committed from slotbase.events
    where id = any (${[...measured]}::uuid[])`
  // A delivery that has not arrived by now has waited at least so long.
  const late = performance.timeOrigin + performance.now()
  return rows
    .flatMap(({ id, committed }) =>
      Array.from({ length: webhooksPerFacility }, (_, n) => (arrived.get(id)?.[n] ?? late) - committed),
    )
    .sort((a, b) => a - b)
}

/** A quantile of the waits of all rounds together, milliseconds. */
export const quantile = (rounds: readonly Pick<Round, "waits">[], fraction: number): number =>
  percentile(
    rounds.flatMap(({ waits }) => waits).sort((a, b) => a - b),
    fraction,
  )

/** A round beside others, with the rounds alone before and after it. */
export interface Turn<R = Round> {
  readonly before: R
  readonly beside: R
  readonly after: R
}

/** The median of the ratios: each round beside others, to the mean of its two neighbours. */
export const medianRatio = (turns: readonly Turn<Pick<Round, "waits">>[], fraction: number): number =>
  median(
    turns.map(({ before, beside, after }) => {
      const [a, b, c] = [before, beside, after].map((each) => quantile([each], fraction))
      return (2 * (b ?? Number.NaN)) / ((a ?? Number.NaN) + (c ?? Number.NaN))
    }),
  )
