// Shared by the tests of the pipeline: an event to record, a dispatch until no event is left, and reads of runs.

import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import { Quarantine } from "#actors/runtime/quarantine.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { definitionOf, type EventType } from "#events/catalogue.ts"
import { example } from "#events/example.ts"
import { type EventContext, type NewEvent, record, transact } from "#events/outbox.ts"
import { testApp } from "#test/harness/setup/app.ts"

/** The tools of routes and actors, on this database. */
export const pipelineApp = (db: Db) => testApp(db)

export const context: EventContext = { environment: "development", correlationId: example.correlationId }

/** An event of a type with its sample's data, changed as given. */
export const sample = <T extends EventType>(
  type: T,
  data: object = {},
  facilityId: string = example.facilityId,
): NewEvent<T> => ({ type, facilityId, data: { ...definitionOf(type)?.sample, ...data } as NewEvent<T>["data"] })

/** Records an event of a new booking in a transaction of its own; returns the event's id. */
export async function recordOne(db: Db, type: EventType = "booking.confirmed", data: object = {}): Promise<string> {
  const { eventIds } = await transact(db, context, async (tx) =>
    record(tx, sample(type, { ...ofItsOwn(type), ...data })),
  )
  return eventIds[0] as string
}

/** Records this many events in one transaction, each of a new booking; returns their ids in order. */
export async function recordMany(
  db: Db,
  count: number,
  type: EventType = "booking.confirmed",
): Promise<readonly string[]> {
  const { eventIds } = await transact(db, context, async (tx) => {
    for (let each = 0; each < count; each++) record(tx, sample(type, ofItsOwn(type)))
  })
  return eventIds
}

const ofItsOwn = (type: EventType) => ("bookingId" in sample(type).data ? { bookingId: newId() } : {})

/** The two ways of a pass: one event after the other in a turn, while few wait, or all of a batch at once. */
export const waysToDispatch = ["turn", "dispatch"] as const
export type WayToDispatch = (typeof waysToDispatch)[number]

/** One pass in that way. A turn with more than a few events falls back to the other way. */
export async function dispatchBy(
  way: WayToDispatch,
  db: Queryable,
  batch: number,
): Promise<{ dispatched: number; waits_for_check: boolean }> {
  const [pass] = await (way === "dispatch"
    ? db<[{ dispatched: number; waits_for_check: boolean }]>`
        select dispatched, waits_for_check from slotbase.dispatch(${batch})`
    : db<[{ dispatched: number; waits_for_check: boolean }]>`
        select dispatched, waits_for_check
        from slotbase.turn(${batch}, 0, '{}', '{}', '{}', '{}', '{}', '{}', 0, 'test')`)
  return { ...pass }
}

/** Dispatches until no event is left; returns the number of dispatched events. */
export async function dispatchAll(db: Queryable, batch = 500, way: WayToDispatch = "turn"): Promise<number> {
  let sum = 0
  for (;;) {
    const { dispatched } = await dispatchBy(way, db, batch)
    sum += dispatched
    if (dispatched === 0) return sum
  }
}

/** Subscribes a handler by name; no program needs to have it. */
export async function subscribe(db: Db, handler: string, ...types: EventType[]): Promise<void> {
  await db`insert into slotbase.handlers (handler, event_type) select ${handler}, unnest(${types}::text[])`
}

/** A webhook of the facility of the samples, in its first version. */
export async function aWebhook(db: Db, ...types: EventType[]): Promise<string> {
  const id = newId()
  await db`
    insert into slotbase.webhooks (id, facility_id, name, url, events, created_by)
    values (${id}, ${example.facilityId}, 'Scoreboard', 'https://example.com/hook', ${types}, ${rootUserId})`
  await addVersion(db, id, 1, types)
  return id
}

/** Sets the subscription of a webhook from the next dispatch on. */
export async function addVersion(
  db: Queryable,
  webhook: string,
  version: number,
  types: EventType[],
  { resourceIds = null, bookingTypes = null }: { resourceIds?: string[] | null; bookingTypes?: string[] | null } = {},
): Promise<void> {
  await db`
    insert into slotbase.webhook_versions (webhook_id, facility_id, version, events, resource_ids, booking_types)
    values (${webhook}, ${example.facilityId}, ${version}, ${types}, ${resourceIds}, ${bookingTypes})`
}

/** A process that is alive for an hour, or already expired; returns the owner of its leases. */
export async function processRow(db: Db, alive: boolean): Promise<number> {
  const [row] = await db<[{ id: number }]>`
    insert into slotbase.processes (host, pid, role, version, alive_until)
    values ('test', 0, 'actors', 'test', clock_timestamp() + ${alive ? "1 hour" : "-1 hour"}::interval)
    returning id`
  return row.id
}

/** The process has ended, as after its good-bye. */
export async function endProcess(db: Db, owner: number): Promise<void> {
  await db`update slotbase.processes set alive_until = clock_timestamp() where id = ${owner}`
}

/** Of all processes only these are alive, for an hour. The places of a webhook are shared among the live ones. */
export async function onlyAlive(db: Db, ...owners: number[]): Promise<void> {
  await db`
    update slotbase.processes set alive_until = clock_timestamp() + case when id = any (${owners}) then interval '1 hour' else interval '0' end`
}

/** That process as its actors know it, with a quarantine of its own. */
export const actorProcess = (owner: number): ActorProcess => ({ owner: () => owner, quarantine: new Quarantine() })

/** Every event of the log, in order. */
export const logOf = (db: Db) => db<{ position: number; event_id: string; type: string }[]>`
  select position, event_id, type from slotbase.event_positions order by position`

/** The rows of the ledger with missing or doubled work. */
export const unbalanced = (db: Db) => db<{ position: number }[]>`
  select position from slotbase.event_ledger_whole where not balanced order by position`

/** The error of a rejected promise. */
export const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "it did not fail",
    (error: unknown) => error,
  )

/** The runs of a handler as the view shows them, in the order of their positions. */
export const runsOf = async (db: Db, handler: string) => [
  ...(await db<{ position: number; status: string; attempts: number; error: string | null; reason: string | null }[]>`
    select position, status, attempts, error, reason from slotbase.handler_runs where handler = ${handler} order by position`),
]
