// Decides when a contestant is done, checks that the work is complete, and measures the waits of a steady rate.
// Instants are the server's own commit timestamps and the receiver's clock, so rare polling costs no accuracy.

import { percentile } from "#scripts/statistics.ts"
import { handlerNames } from "./contestant.ts"
import type { Setup } from "./setup.ts"

/** From the event's commit to the effect's commit, and to the request at the receiver; milliseconds. */
export interface Waits {
  readonly effectP50Ms: number
  readonly effectP99Ms: number
  readonly webhookP50Ms: number
  readonly webhookP99Ms: number
}

const pollMs = 100
/** Without progress for this time, the run has failed. */
const patienceMs = 30_000

/** Resolves when so many events are done, with the instant of the last commit or request. */
export async function finished(setup: Setup, events: number): Promise<number> {
  await reached(events, "webhooks at the receiver", setup.receiver.count)
  await reached(events, "recorded outcomes", async () => (await setup.entry.outcomes()).count)
  await reached(events * handlerNames.length, "effects", async () => (await effects(setup)).count)
  const received = Math.max(...(await setup.receiver.received()).values())
  return Math.max(received, (await setup.entry.outcomes()).lastAt, (await effects(setup)).lastAt)
}

/**
 * Throws unless every event has every effect, its webhook arrived and is recorded as delivered, and nothing else
 * exists.
 */
export async function assertComplete(setup: Setup, events: number): Promise<void> {
  const { sql } = setup.bench
  const [row] = await sql<[{ events: number; wrong: number }]>`
    select count(*) as events, count(*) filter (where e.count is distinct from ${handlerNames.length}) as wrong
    from slotbase_bench.bookings b
    full join (select event_id, count(*) from slotbase_bench.effects group by event_id) e using (event_id)`
  const recorded = await sql<{ event_id: string }[]>`select event_id from slotbase_bench.bookings`
  const received = await setup.receiver.received()
  const missed = recorded.filter(({ event_id }) => !received.has(event_id)).length
  const { count: delivered } = await setup.entry.outcomes()
  const counts = { recorded: row.events, wrongEffects: row.wrong, received: received.size, missed, delivered }
  const wanted = { recorded: events, wrongEffects: 0, received: events, missed: 0, delivered: events }
  if (JSON.stringify(counts) !== JSON.stringify(wanted))
    throw new Error(`not complete: ${JSON.stringify(counts)}, expected ${JSON.stringify(wanted)}`)
}

/** The waits of events that were committed after this instant (milliseconds since 1970). */
export async function waitsSince(setup: Setup, since: number): Promise<Waits> {
  const rows = await eventsSince(setup, since)
  const handled = ascending(rows.flatMap((row) => row.effectWaits))
  const delivered = ascending(rows.map((row) => row.webhookWait))
  return {
    effectP50Ms: percentile(handled, 0.5),
    effectP99Ms: percentile(handled, 0.99),
    webhookP50Ms: percentile(delivered, 0.5),
    webhookP99Ms: percentile(delivered, 0.99),
  }
}

/** One event of a steady rate. Waits are from its commit, in milliseconds. */
export interface EventWaits {
  readonly eventId: string
  /** Milliseconds since 1970. */
  readonly committedAt: number
  /** To the first request at the receiver; NaN when none has arrived. */
  readonly webhookWait: number
  /** To the last request, which is another one if there are several webhooks. */
  readonly lastWebhookWait: number
  readonly effectWaits: readonly number[]
}

/** The events that were committed after this instant (milliseconds since 1970). */
export async function eventsSince({ bench: { sql }, receiver }: Setup, since: number): Promise<readonly EventWaits[]> {
  const rows = await sql<{ event_id: string; committed_at: number; effects: number[] }[]>`
    select b.event_id, b.committed_at,
           array_agg((extract(epoch from pg_xact_commit_timestamp(e.xmin)) * 1000)::float8 - b.committed_at) as effects
    from (select event_id, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float8 as committed_at
          from slotbase_bench.bookings) b
    join slotbase_bench.effects e using (event_id)
    where b.committed_at > ${since}
    group by b.event_id, b.committed_at`
  const [received, last] = await Promise.all([receiver.received(), receiver.last()])
  return rows.map(({ event_id, committed_at, effects }) => ({
    eventId: event_id,
    committedAt: committed_at,
    webhookWait: (received.get(event_id) ?? Number.NaN) - committed_at,
    lastWebhookWait: (last.get(event_id) ?? Number.NaN) - committed_at,
    effectWaits: effects,
  }))
}

const ascending = (waits: number[]) => waits.sort((a, b) => a - b)

const effects = async ({ bench: { sql } }: Setup) => {
  const [row] = await sql<[{ count: number; last_at: number | null }]>`
    select count(*) as count, extract(epoch from max(pg_xact_commit_timestamp(xmin))) * 1000 as last_at
    from slotbase_bench.effects`
  return { count: row.count, lastAt: Number(row.last_at) }
}

async function reached(wanted: number, what: string, count: () => Promise<number>): Promise<void> {
  let seen = -1
  let seenAt = performance.now()
  for (;;) {
    const present = await count()
    if (present >= wanted) return
    if (present > seen) seenAt = performance.now()
    seen = present
    if (performance.now() - seenAt > patienceMs) throw new Error(`stuck at ${present} of ${wanted} ${what}`)
    await Bun.sleep(pollMs)
  }
}
