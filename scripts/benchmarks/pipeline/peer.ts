// The common tools of the peers: a table of events, a table of webhook outcomes, and a recorder of events. No peer
// brings them. Each peer adds its own jobs, in the same transaction where it can.

import postgres from "postgres"
import { newId } from "#base/ids.ts"
import { definitionOf } from "#events/catalogue.ts"
import { example } from "#events/example.ts"
import { type Environment, handlerNames, type Progress, type Recorder, type Worker } from "./contestant.ts"

export const eventType = "booking.confirmed"

/** `body` is the body of the webhook request: the same envelope that SlotBase sends. */
export interface PeerEvent {
  readonly id: string
  readonly body: string
}

/**
 * The payload of a handler's job: no more than the handlers here need, which is the peers' best case. SlotBase's
 * handlers get the whole event. With that payload pg-boss and graphile-worker wrote twice the WAL, and took 27 and 14 %
 * more CPU.
 */
export interface HandlerJob {
  readonly eventId: string
}

/** The six jobs of an event: one per handler, and the webhook's. */
export const jobsOf = (event: PeerEvent): readonly { name: string; data: HandlerJob | PeerEvent }[] => [
  ...handlerNames.map((name) => ({ name, data: { eventId: event.id } })),
  { name: webhookJob, data: event },
]

export const webhookJob = "webhook"

/** SlotBase's recorder has as many. */
export const recorderConnections = 8

export const createPeerTables = (sql: postgres.Sql) =>
  sql.begin(async (tx) => {
    await tx`
      create table slotbase_bench.events (
        id uuid primary key, type text not null, recorded_at timestamptz not null default now(), event jsonb not null)`
    await tx`
      create table slotbase_bench.deliveries (
        event_id uuid primary key, sent_at timestamptz not null default now(), status smallint not null,
        duration_ms real not null)`
  })

/** New events, each of another booking. */
function newEvents(count: number): readonly PeerEvent[] {
  const timestamp = new Date().toISOString()
  return Array.from({ length: count }, () => {
    const id = newId()
    const event = {
      id,
      type: eventType,
      version: "1.0",
      timestamp,
      occurredAt: timestamp,
      source: "booking",
      correlationId: example.correlationId,
      facilityId: example.facilityId,
      data: { ...definitionOf(eventType)?.sample, bookingId: newId() },
      metadata: { environment: "development" },
    }
    return { id, body: JSON.stringify(event) }
  })
}

/** Inserts the domain rows and the events with two statements, however many they are. */
async function insertEvents(tx: postgres.TransactionSql, events: readonly PeerEvent[]): Promise<void> {
  const ids = events.map((event) => event.id)
  await Promise.all([
    tx`insert into slotbase_bench.bookings (event_id, note) select id, 'confirmed' from unnest(${ids}::uuid[]) as id`,
    tx`insert into slotbase_bench.events (id, type, event)
       select e.id, ${eventType}, e.body::jsonb
       from unnest(${ids}::uuid[], ${events.map((event) => event.body)}::text[]) as e (id, body)`,
  ])
}

/** Records events with `addJobs` in their transaction, and runs `afterCommit` when they are committed. */
export function peerRecorder(
  url: string,
  addJobs: (tx: postgres.TransactionSql, events: readonly PeerEvent[]) => Promise<void>,
  afterCommit: (events: readonly PeerEvent[]) => Promise<void> = async () => {},
): Recorder {
  const sql = postgres(url, { max: recorderConnections, onnotice: () => {} })
  return {
    record: async (count) => {
      const events = newEvents(count)
      await sql.begin(async (tx) => {
        await Promise.all([insertEvents(tx, events), addJobs(tx, events)])
      })
      await afterCommit(events)
    },
    end: () => sql.end(),
  }
}

export const peerWorkers = (
  file: string,
  settings: object,
  processes: number,
  { url, hook }: Environment,
  env: Readonly<Record<string, string>> = {},
): readonly Worker[] =>
  Array.from({ length: processes }, () => ({
    file,
    args: [JSON.stringify(settings)],
    env: { DATABASE_URL: url, HOOK_URL: hook.url, HOOK_SECRET: hook.secret, ...env },
  }))

export async function peerOutcomes(sql: postgres.Sql): Promise<Progress> {
  const [row] = await sql<[{ count: number; last_at: number | null }]>`
    select count(*) as count, extract(epoch from max(pg_xact_commit_timestamp(xmin))) * 1000 as last_at
    from slotbase_bench.deliveries where status between 200 and 299`
  return { count: row.count, lastAt: Number(row.last_at) }
}
