/**
 * Checks events that were recorded from SQL (by slotbase.record_event). The program has not checked them, so the
 * dispatcher lets them wait, with all events behind them. An event that does not match its Schema becomes a dead
 * letter, where its author finds it. It never gets a position.
 * Writes: outbox, dead_letters (of the dispatcher).
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { checkData, type EventType, InvalidEvent } from "#events/catalogue.ts"

const checkBatch = 100

interface Waiting {
  seq: number
  event_id: string
  facility_id: string
  type: string
  /** Null: the event that the outbox names does not exist. */
  data: unknown
}

export async function checkRecordedBySql(db: Db): Promise<void> {
  const waiting = await db<Waiting[]>`
    select o.seq, o.event_id, o.facility_id, o.type, e.data
    from slotbase.outbox o
    left join slotbase.events e on e.id = o.event_id and e.facility_id = o.facility_id
    where o.seq > (select floor from slotbase.outbox_floor) and o.unchecked
    order by o.seq limit ${checkBatch}`
  const good = waiting.filter((event) => faultOf(event) === undefined)
  await db`
    update slotbase.outbox set unchecked = false
    where seq = any (${good.map((event) => event.seq)}::bigint[]) and unchecked`
  reached("recorded-checked")
  for (const event of waiting) {
    const fault = faultOf(event)
    if (fault === undefined) continue
    await refuse(db, event, fault)
    reached("event-refused")
  }
}

function faultOf(event: Waiting): string | undefined {
  if (event.data === null) return "there is no such event"
  try {
    checkData(event.type as EventType, event.data)
    return undefined
  } catch (error) {
    return error instanceof InvalidEvent ? error.message : `there is no event type ${event.type}`
  }
}

const refuse = (db: Db, event: Waiting, fault: string) => db`
  with gone as (
    delete from slotbase.outbox where seq = ${event.seq} and unchecked returning event_id, facility_id, type
  )
  insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
  select slotbase.derived_id(gone.event_id, 'dispatcher'), gone.facility_id, gone.event_id, 0, 'dispatcher',
         coalesce(slotbase.event_body(e)::jsonb, jsonb_build_object('id', gone.event_id)),
         jsonb_build_array(jsonb_build_object('eventId', gone.event_id, 'eventType', gone.type, 'handlerName', 'dispatcher',
           'error', jsonb_build_object('message', ${fault}::text, 'code', 'schema_mismatch'),
           'attemptCount', 1, 'maxRetries', 0, 'status', 'dead_letter')),
         t.now, t.now
  from gone
  left join slotbase.events e on e.id = gone.event_id and e.facility_id = gone.facility_id
  cross join (select slotbase.now() as now) t
  on conflict do nothing`
