/**
 * The events of runs. Several handlers want the same events at about the same time, so each process reads them once and
 * keeps the newest: an event never changes.
 */
import type { Db } from "../../src/database/db.ts"
import type { HandledEvent } from "../handlers/handler.ts"

/** An event without its place in the log. */
export type ReadEvent = Omit<HandledEvent, "position">

/** So many events are kept: several batches of the slowest handler behind the quickest. */
const kept = 5_000

/** The events of these ids; one that is gone is missing. */
export async function readEvents(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, ReadEvent>> {
  const { events, loading } = memoryOf(db)
  const unknown = ids.filter((id) => !events.has(id) && !loading.has(id))
  if (unknown.length > 0) {
    const load = query(db, unknown)
      .then((rows) => {
        // Several handlers get the same objects.
        for (const row of rows)
          events.set(row.id, { ...row, data: Object.freeze(row.data), metadata: Object.freeze(row.metadata) })
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

const query = (db: Db, ids: readonly string[]) => db<ReadEvent[]>`
  select id, facility_id, type, version, timestamp, occurred_at, source, correlation_id, causation_id, user_id,
         organization_id, aggregate_id, resource_id, data, metadata
  from slotbase.events where id = any (${ids as string[]}::uuid[])`
