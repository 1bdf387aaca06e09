/**
 * Mirrors the catalogue into the table slotbase.event_types. With the table, SQL can record an event and refuse an
 * obviously wrong one. Types of an older or newer program stay in the table: both programs may run on one database.
 * Writes: event_types.
 */
import type { Db } from "#base/database/db.ts"
import { catalogue, type EventType, eventJsonSchemaOf } from "./catalogue.ts"
import type { EventDefinition } from "./definition.ts"

export async function mirrorEventTypes(db: Db, environment: string): Promise<void> {
  const types = catalogue.map((definition) => ({
    type: definition.type,
    version: definition.version,
    source: definition.source,
    aggregate: definition.aggregate,
    aggregate_keys: aggregateKeysOf(definition),
    required: eventJsonSchemaOf(definition.type as EventType).required ?? [],
    environment,
  }))
  await db`
    insert into slotbase.event_types (type, version, source, aggregate, aggregate_keys, required, environment)
    select type, version, source, aggregate, array(select jsonb_array_elements_text(aggregate_keys)),
           array(select jsonb_array_elements_text(required)), environment
    from jsonb_to_recordset(${db.json(types as never)}) as t (
      type text, version text, source text, aggregate text, aggregate_keys jsonb, required jsonb, environment text)
    on conflict (type) do update
    set version = excluded.version, source = excluded.source, aggregate = excluded.aggregate,
        aggregate_keys = excluded.aggregate_keys, required = excluded.required, environment = excluded.environment`
}

/** The keys of the data in which the definition looks for its aggregate's id, in order. */
export function aggregateKeysOf({ aggregateId }: EventDefinition): string[] {
  const keys: string[] = []
  const remember = (_: object, key: string | symbol) => void keys.push(String(key))
  aggregateId(new Proxy({}, { get: remember }))
  return keys
}
