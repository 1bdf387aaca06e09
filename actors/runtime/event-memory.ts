/**
 * The events of runs and deliveries. Handlers and webhooks need the same events at about the same time, so each process
 * reads them once and keeps the newest. An event never changes.
 */

import type { HandledEvent } from "#actors/handlers/handler.ts"
import { plainArray } from "#base/database/array-literal.ts"
import type { Db } from "#base/database/db.ts"
import type { DomainEvent } from "#events/envelope.ts"

/** An event without its position, and the text of it that webhooks get. */
export interface ReadEvent extends Omit<HandledEvent, "position"> {
  readonly body: string
}

/** Events kept: several batches, by which the slowest handler may be behind the quickest. */
const kept = 5_000

/** The events of these ids. An event that is gone is missing from the answer. */
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
  // An event may have been forgotten while this waited for the others, so it is read again before it counts as gone.
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

/** Forgets the oldest events. */
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
    // Frozen, because several handlers get the same objects.
    data: Object.freeze(event.data),
    metadata: Object.freeze(event.metadata),
  }
}
