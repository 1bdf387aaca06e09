/**
 * The events of runs and deliveries. Handlers and webhooks need the same events at about the same time, so each process
 * reads them once and keeps the newest as texts. A text is parsed when a handler first needs what it says. An event
 * never changes.
 */

import type { HandledEvent } from "#actors/handlers/handler.ts"
import { plainArray } from "#base/database/array-literal.ts"
import type { Db } from "#base/database/db.ts"
import type { DomainEvent } from "#events/envelope.ts"

/** An event as the database tells it: the text that webhooks get, and what that does not say. */
export interface EventText extends Pick<HandledEvent, "id" | "facility_id" | "aggregate_id" | "resource_id" | "type"> {
  readonly body: string
}

/** What the text of an event says beside its id and its subjects. */
type Told = Omit<HandledEvent, keyof EventText | "position">

/**
 * An event as handlers get it, without its position. Its text is parsed when a handler first asks for what only the
 * text says. A spread copy lacks that.
 */
export class ReadEvent implements Omit<HandledEvent, "position"> {
  readonly id: string
  readonly facility_id: string
  readonly aggregate_id: string
  readonly resource_id: string | null
  readonly type: string
  readonly #text: EventText

  constructor(text: EventText) {
    this.id = text.id
    this.facility_id = text.facility_id
    this.aggregate_id = text.aggregate_id
    this.resource_id = text.resource_id
    this.type = text.type
    this.#text = text
  }

  get version() {
    return toldBy(this.#text).version
  }
  get timestamp() {
    return toldBy(this.#text).timestamp
  }
  get occurred_at() {
    return toldBy(this.#text).occurred_at
  }
  get source() {
    return toldBy(this.#text).source
  }
  get correlation_id() {
    return toldBy(this.#text).correlation_id
  }
  get causation_id() {
    return toldBy(this.#text).causation_id
  }
  get user_id() {
    return toldBy(this.#text).user_id
  }
  get organization_id() {
    return toldBy(this.#text).organization_id
  }
  get data() {
    return toldBy(this.#text).data
  }
  get metadata() {
    return toldBy(this.#text).metadata
  }
}

/**
 * What is kept: a backlog by which the slowest reader may be behind the quickest. Each event that is read again costs
 * some 80 µs.
 */
export const memoryLimits = { events: 20_000, characters: 16 * 1024 ** 2 }

/** The events of these ids, as handlers get them. */
export async function readEvents(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, ReadEvent>> {
  return new Map([...(await readTexts(db, ids))].map(([id, text]) => [id, new ReadEvent(text)]))
}

/** The texts of these ids. An event that is gone is missing from the answer. */
export async function readTexts(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, EventText>> {
  const memory = memoryOf(db)
  const { events, loading } = memory
  const unknown = [...new Set(ids)].filter((id) => !events.has(id) && !loading.has(id))
  if (unknown.length > 0) {
    const load = query(db, unknown)
      .then((rows) => {
        for (const event of rows) remember(memory, event)
      })
      .finally(() => {
        for (const id of unknown) loading.delete(id)
      })
    for (const id of unknown) loading.set(id, load)
  }
  await Promise.all(new Set(ids.map((id) => loading.get(id))))
  const found = new Map<string, EventText>()
  for (const id of ids) {
    const event = events.get(id)
    if (event) found.set(id, event)
  }
  // An event may have been forgotten while this waited for the others, so it is read again before it counts as gone.
  const missing = ids.filter((id) => !found.has(id))
  if (missing.length > 0) for (const row of await query(db, missing)) found.set(row.id, row)
  forget(memory)
  return found
}

/** Keeps texts that were read with something else. */
export function rememberTexts(db: Db, texts: readonly EventText[]): void {
  const memory = memoryOf(db)
  for (const text of texts) remember(memory, text)
  forget(memory)
}

interface Memory {
  readonly events: Map<string, EventText>
  readonly loading: Map<string, Promise<void>>
  /** Of all texts. */
  characters: number
}

const memories = new WeakMap<Db, Memory>()

function memoryOf(db: Db): Memory {
  const memory = memories.get(db) ?? { events: new Map(), loading: new Map(), characters: 0 }
  memories.set(db, memory)
  return memory
}

function remember(memory: Memory, event: EventText): void {
  memory.characters += event.body.length - (memory.events.get(event.id)?.body.length ?? 0)
  memory.events.set(event.id, event)
}

/** Forgets the oldest events. */
function forget(memory: Memory): void {
  const { events } = memory
  for (const [id, { body }] of events) {
    if (events.size <= memoryLimits.events && memory.characters <= memoryLimits.characters) return
    events.delete(id)
    memory.characters -= body.length
  }
}

const query = (db: Db, ids: readonly string[]): Promise<readonly EventText[]> => db<EventText[]>`
  select id, facility_id, aggregate_id, resource_id, type, body from slotbase.known_events(${plainArray(ids)}::text::uuid[])`

const told = new WeakMap<EventText, Told>()

/** Parsed once, whoever asks. */
function toldBy(text: EventText): Told {
  const known = told.get(text)
  if (known) return known
  const event = JSON.parse(text.body) as DomainEvent
  const fresh: Told = {
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
  told.set(text, fresh)
  return fresh
}
