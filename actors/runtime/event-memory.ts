/**
 * The events of runs and deliveries. Handlers and webhooks want the same events at about the same time, so each process reads
 * them once and keeps the newest: an event never changes.
 */

import type { HandledEvent } from "#actors/handlers/handler.ts"
import { plainArray } from "#base/database/array-literal.ts"
import type { Db } from "#base/database/db.ts"
import type { DomainEvent } from "#events/envelope.ts"

/** An event without its place in the log, and the text of it that webhooks get. */
export interface ReadEvent extends Omit<HandledEvent, "position"> {
  readonly body: string
}

/** So many events are kept: several batches of the slowest handler behind the quickest. */
const kept = 5_000

/** The events of these ids; one that is gone is missing. */
export async function readEvents(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, ReadEvent>> {
  const { events, loading } = memoryOf(db)
  const unknown = [...new Set(ids)].filter((id) => !events.has(id) && !loading.has(id))
  if (unknown.length > 0) {
    const load = query(db, unknown)
      .then((rows) => {
        for (const event of rows) events.set(event.id, event)
      })
      .finally(() => {
        for (const id of unknown) loading.delete(id)
      })
    for (const id of unknown) loading.set(id, load)
  }
  await Promise.all(new Set(ids.map((id) => loading.get(id))))
  const found = new Map<string, ReadEvent>()
  for (const id of ids) {
    const event = events.get(id)
    if (event) found.set(id, event)
  }
  // What was forgotten while this waited for the rest, before an event is called gone.
  const missing = ids.filter((id) => !found.has(id))
  if (missing.length > 0) for (const row of await query(db, missing)) found.set(row.id, row)
  forget(events)
  return found
}

interface Memory {
  readonly events: Map<string, ReadEvent>
  readonly loading: Map<string, Promise<void>>
}

const memories = new WeakMap<Db, Memory>()

function memoryOf(db: Db): Memory {
  const memory = memories.get(db) ?? { events: new Map(), loading: new Map() }
  memories.set(db, memory)
  return memory
}

/** The oldest go first. */
function forget(events: Map<string, ReadEvent>): void {
  let surplus = events.size - kept
  for (const id of events.keys()) {
    if (surplus-- <= 0) return
    events.delete(id)
  }
}

interface KnownRow extends Pick<ReadEvent, "id" | "facility_id" | "aggregate_id" | "resource_id" | "type" | "body"> {}

async function query(db: Db, ids: readonly string[]): Promise<readonly ReadEvent[]> {
  const rows = await db<KnownRow[]>`
    select id, facility_id, aggregate_id, resource_id, type, body from slotbase.known_events(${plainArray(ids)}::text::uuid[])`
  return rows.map(eventOf)
}

function eventOf(row: KnownRow): ReadEvent {
  const event = JSON.parse(row.body) as DomainEvent
  return {
    ...row,
    version: event.version,
    timestamp: new Date(event.timestamp),
    occurred_at: new Date(event.occurredAt),
    source: event.source,
    correlation_id: event.correlationId,
    causation_id: event.causationId ?? null,
    user_id: event.userId ?? null,
    organization_id: event.organizationId ?? null,
    // Several handlers get the same objects.
    data: Object.freeze(event.data),
    metadata: Object.freeze(event.metadata),
  }
}
