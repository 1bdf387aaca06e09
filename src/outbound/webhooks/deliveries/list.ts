/**
 * Lists of deliveries, of one webhook or of a facility, those of the newest events first. A page looks at a bounded
 * number of deliveries per webhook: a filter that matches few of them gives short pages, and `next` goes on.
 */
import type { Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { cursorOf, type Page } from "#base/schema/page.ts"
import { complete, type Delivery, type DeliveryStatus, queued, settled, toDelivery } from "./rows.ts"

export interface DeliveryQuery {
  readonly webhookId?: string | undefined
  readonly status?: DeliveryStatus | undefined
  readonly eventId?: string | undefined
  readonly type?: string | undefined
  /** Of the events: from, and before. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  /** Of the last attempt. */
  readonly responseStatus?: number | undefined
  readonly isResend?: boolean | undefined
  readonly limit: number
  /** The last delivery that the page before looked at. */
  readonly after?: readonly [string, number, string] | undefined
}

/** Deliveries per webhook that a page looks at, when a filter has no index. */
const lookedAt = 2_000

interface Picked {
  readonly event_id: string
  readonly replay: number
  readonly webhook_id: string
  readonly position: number
}

export async function listDeliveries(db: Queryable, facilityId: string, query: DeliveryQuery): Promise<Page<Delivery>> {
  const { webhookId, limit } = query
  if (webhookId !== undefined) {
    const [known] = await db`select from slotbase.webhooks where id = ${webhookId} and facility_id = ${facilityId}`
    if (!known) throw new NotFound("webhook", webhookId)
  }
  const { looked, last, picked } = await pick(db, facilityId, query)
  const page = picked.slice(0, limit)
  const rows = page.length === 0 ? [] : await read(db, facilityId, page)
  const end = picked.length > limit ? page.at(-1) : looked >= lookedAtBy(query) ? last : undefined
  return {
    data: rows.map((row) => toDelivery(row)),
    next: end == null ? null : cursorOf([end.event_id, end.replay, end.webhook_id]),
  }
}

const needsLook = ({ status, type, responseStatus, isResend }: DeliveryQuery) =>
  (status !== undefined && status !== "failed") ||
  type !== undefined ||
  responseStatus !== undefined ||
  isResend !== undefined
const lookedAtBy = (query: DeliveryQuery) => (needsLook(query) ? lookedAt : query.limit + 1)

/** The keys of the page, and the last one that was looked at. */
async function pick(db: Queryable, facilityId: string, query: DeliveryQuery) {
  const { webhookId, status, eventId, type, since, until, responseStatus, isResend, after } = query
  const most = lookedAtBy(query)
  const range = db`
    ${eventId === undefined ? db`` : db`and d.event_id = ${eventId}`}
    ${since === undefined ? db`` : db`and d.event_id >= slotbase.id_at(${since}::timestamptz)`}
    ${until === undefined ? db`` : db`and d.event_id < slotbase.id_at(${until}::timestamptz)`}
    ${
      after === undefined
        ? db``
        : db`and d.event_id <= ${after[0]} and (d.event_id, d.replay, d.webhook_id) < (${after[0]}, ${after[1]}, ${after[2]})`
    }`
  const order = db`order by event_id desc, replay desc, webhook_id desc limit ${most}`
  const inQueue = status === "delivered" || status === "failed" ? db`and false` : db``
  const inHistory = status === "pending" || status === "retrying" ? db`and false` : db``
  const [row] = await db<[{ looked: number; last: Picked | null; picked: readonly Picked[] | null }]>`
    with of as (
      select id from slotbase.webhooks
      where facility_id = ${facilityId} ${webhookId === undefined ? db`` : db`and id = ${webhookId}`}
    ), seen as materialized (
      select d.* from of cross join lateral (
        (select webhook_id, event_id, replay, position, delivery_id, q_status as status from (
           select *, case when attempts > 0 then 'retrying' else 'pending' end as q_status
           from slotbase.delivery_queue d where d.webhook_id = of.id and d.facility_id = ${facilityId} ${range} ${inQueue}) q
         ${order})
        union all
        (select webhook_id, event_id, replay, position, delivery_id, status from slotbase.delivery_history d
         where d.webhook_id = of.id and d.facility_id = ${facilityId} ${range} ${inHistory}
           ${status === "failed" ? db`and d.status = 'failed'` : db``}
         ${order})
      ) d
      ${order}
    ), picked as materialized (
      -- Scalar sub-selects: each stays a look-up by key. An "exists" was planned as a hash of all positions of the type.
      select s.event_id, s.replay, s.webhook_id, s.position from seen s
      where true ${status === undefined ? db`` : db`and s.status = ${status}`}
        ${isResend === undefined ? db`` : isResend ? db`and s.replay > 0` : db`and s.replay = 0`}
        ${type === undefined ? db`` : db`and (select type from slotbase.event_positions where position = s.position) = ${type}`}
        ${
          responseStatus === undefined
            ? db``
            : db`and (select response_status from slotbase.attempt_history
                      where event_id = s.event_id and delivery_id = s.delivery_id and facility_id = ${facilityId}
                      order by attempt desc limit 1) = ${responseStatus}`
        }
      order by event_id desc, replay desc, webhook_id desc limit ${query.limit + 1}
    )
    select (select count(*) from seen) as looked,
           (select json_build_object('event_id', event_id, 'replay', replay, 'webhook_id', webhook_id)
            from seen order by event_id, replay, webhook_id limit 1) as last,
           (select json_agg(picked) from picked) as picked`
  return { looked: row.looked, last: row.last ?? undefined, picked: row.picked ?? [] }
}

/** A delivery that ends between the two statements is found in the other place. */
const read = (db: Queryable, facilityId: string, page: readonly Picked[]) =>
  complete(
    db,
    db`
      select ${queued(db)}
      from json_to_recordset(${JSON.stringify(page)}::text::json)
        as k (event_id uuid, replay smallint, webhook_id uuid, position bigint)
      join slotbase.delivery_queue q
        on q.webhook_id = k.webhook_id and q.position = k.position and q.replay = k.replay and q.facility_id = ${facilityId}
      union all
      select ${settled(db)}
      from json_to_recordset(${JSON.stringify(page)}::text::json)
        as k (event_id uuid, replay smallint, webhook_id uuid, position bigint)
      join slotbase.delivery_history h
        on h.webhook_id = k.webhook_id and h.event_id = k.event_id and h.replay = k.replay and h.facility_id = ${facilityId}`,
  )
