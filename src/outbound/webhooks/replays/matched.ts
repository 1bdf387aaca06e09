/** Which events a replay sends, and which failed deliveries it tries again. The same conditions count for a preview. */
import type { Queryable } from "#base/database/db.ts"

export interface Range {
  readonly facilityId: string
  readonly webhookId: string
  readonly types: readonly string[] | null
  readonly since: Date | null
  readonly until: Date | null
  readonly includeUnsubscribed: boolean
}

export interface MatchedEvent {
  readonly position: number
  readonly event_id: string
  readonly type: string
  /** Of the first delivery; 0: there was none. */
  readonly sequence: number
}

/** Positions of the facility's log, read by its index and no more than `most`. */
export const walked = (
  db: Queryable,
  facilityId: string,
  { after, end, most }: { readonly after: number; readonly end: number; readonly most: number },
) => db`
  select p.position, p.event_id, p.type from slotbase.event_positions p
  where p.facility_id = ${facilityId} and p.position > ${after}::bigint and p.position <= ${end}::bigint
  order by p.position limit ${most}`

/**
 * Of the positions in `walked`: those in the range whose event is kept. A first delivery that has not ended is not sent
 * again; it is on its way.
 */
export const matchedEvents = (db: Queryable, range: Range) => db`
  select k.position, k.event_id, k.type, coalesce(h.sequence, 0) as sequence
  from walked k
  left join lateral (select sequence from slotbase.delivery_history
                     where webhook_id = ${range.webhookId} and event_id = k.event_id and replay = 0
                       and facility_id = ${range.facilityId}) h on true
  where ${inRange(db, range)}
    and not exists (select from slotbase.delivery_queue
                    where webhook_id = ${range.webhookId} and facility_id = ${range.facilityId} and position = k.position
                      and replay = 0)
    and exists (select from slotbase.events e
                where e.id = k.event_id and e.facility_id = ${range.facilityId}
                  and (h.sequence is not null
                       or ${range.includeUnsubscribed}::boolean and ${isWanted(db, range)}))`

/** Whether the webhook's present subscription takes the event `e`, by the filters of the dispatcher. */
const isWanted = (db: Queryable, { webhookId, facilityId }: Range) => db`
  exists (select from slotbase.webhook_versions v
          where v.webhook_id = ${webhookId} and v.facility_id = ${facilityId} and not v.ended
            and e.type = any (v.events) and slotbase.fits(v, e))`

/** The failed deliveries of the range behind a cursor, in the order of their events. */
export const matchedFailures = (
  db: Queryable,
  range: Range,
  { event, replay, diedBefore }: { readonly event: string; readonly replay: number; readonly diedBefore: Date | null },
) => db`
  select k.webhook_id, k.event_id, k.replay, k.facility_id, p.type
  from slotbase.delivery_history k
  join slotbase.event_positions p on p.position = k.position
  where k.webhook_id = ${range.webhookId} and k.facility_id = ${range.facilityId} and k.status = 'failed'
    and (k.event_id, k.replay) > (${event}::uuid, ${replay}::smallint)
    and (${diedBefore}::timestamptz is null or k.settled_at <= ${diedBefore})
    and ${inRange(db, range)}
    and exists (select from slotbase.events e where e.id = k.event_id and e.facility_id = k.facility_id)`

const inRange = (db: Queryable, { since, until, types }: Range) => db`
  (${since}::timestamptz is null or k.event_id >= slotbase.id_at(${since}))
  and (${until}::timestamptz is null or k.event_id < slotbase.id_at(${until}))
  and (${types as string[] | null}::text[] is null or type = any (${types as string[] | null}::text[]))`
