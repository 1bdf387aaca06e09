// A round: events of the healthy at a steady rate, and how long each delivery took from the server's own commit timestamp to
// its first byte at the receiver. And how rounds that took turns are compared.

import type { Db } from "#base/database/db.ts"
import { type Bench, type Cost, meter } from "#scripts/benchmarks/measure.ts"
import { median, percentile } from "#scripts/statistics.ts"
import { recordEvent } from "./club.ts"

export const eventsPerSecond = 100
export const webhooksPerFacility = 3
/** What is still on its way at the end of a round; a delivery that takes longer is told as one that takes so long. */
const lastMs = 5_000

/** What a round works with. */
export interface RoundContext {
  readonly bench: Bench
  readonly db: Db
  /** Facilities whose webhooks are all healthy. */
  readonly healthy: readonly string[]
  /** What has arrived since the last call. */
  readonly received: () => Promise<readonly Arrival[]>
  /** Process id of the actors. */
  readonly worker: number
}
export type Arrival = readonly [eventId: string, atMs: number]

export interface Span {
  /** At the same rate, and not measured: until what was switched on or off has its effect. */
  readonly leadMs: number
  readonly measuredMs: number
}

export interface Round {
  /** Of each delivery to a healthy webhook, from its commit to its first byte, milliseconds; ascending. */
  readonly waits: readonly number[]
  readonly events: number
  /** Events whose deliveries have all arrived. */
  readonly eventsPerSecond: number
  /** Of the actors' process and of PostgreSQL, for everything that was done meanwhile. */
  readonly cost: Cost
}

export async function measureRound(context: RoundContext, { leadMs, measuredMs }: Span): Promise<Round> {
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

/** Of the measured events, as far as they come in time. */
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
  // What has not come by now has taken at least so long.
  const late = performance.timeOrigin + performance.now()
  return rows
    .flatMap(({ id, committed }) =>
      Array.from({ length: webhooksPerFacility }, (_, n) => (arrived.get(id)?.[n] ?? late) - committed),
    )
    .sort((a, b) => a - b)
}

/** Of all deliveries of the rounds, milliseconds. */
export const quantile = (rounds: readonly Pick<Round, "waits">[], fraction: number): number =>
  percentile(
    rounds.flatMap(({ waits }) => waits).sort((a, b) => a - b),
    fraction,
  )

/** A round beside the sick, and the ones alone that went before it and came after it. */
export interface Turn<R = Round> {
  readonly before: R
  readonly beside: R
  readonly after: R
}

/** The middle one of what each round beside the sick took, to the mean of its two neighbours. */
export const medianRatio = (turns: readonly Turn<Pick<Round, "waits">>[], fraction: number): number =>
  median(
    turns.map(({ before, beside, after }) => {
      const [a, b, c] = [before, beside, after].map((each) => quantile([each], fraction))
      return (2 * (b ?? Number.NaN)) / ((a ?? Number.NaN) + (c ?? Number.NaN))
    }),
  )
