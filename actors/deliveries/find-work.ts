/**
 * The statements that find something to send. In the hot path the log is read: it names the webhooks of the facilities
 * whose events were dispatched since the last pass. That takes the same time however long the queue is. Now and then,
 * and when webhooks changed, the whole queue is scanned, by a skip scan over its webhooks. The scan finds retries,
 * returned deliveries and missed hints.
 */
import type { Db } from "#base/database/db.ts"

/** Positions read from the log at once; later ones are read by the next pass. */
const tail = 5_000
/** Webhooks per step of a scan: the same number of index probes. */
const maxWebhooks = 10_000

export interface LoggedWork {
  readonly webhooks: readonly { readonly id: string; readonly facilityId: string }[]
  /** The log has been read up to here. */
  readonly seen: number
  readonly more: boolean
}

/**
 * Positions are dense, so a range of them is as good as a limit. With a limit, the planner chose to sort the whole log.
 */
export async function workSince(db: Db, seen: number): Promise<LoggedWork> {
  const [row] = await db<[{ seen: number | null; scanned: number; webhooks: LoggedWork["webhooks"] | null }]>`
    with tail as materialized (
      select position, facility_id, webhooks from slotbase.event_positions
      where position > ${seen} and position <= ${seen}::bigint + ${tail}
    )
    select max(position) as seen, count(*) as scanned,
           (select json_agg(json_build_object('id', id, 'facilityId', facility_id)) from slotbase.webhooks
            where facility_id = any (array(select distinct facility_id from tail where webhooks > 0))
              and deleted_at is null and is_active) as webhooks
    from tail`
  return { webhooks: row.webhooks ?? [], seen: row.seen ?? seen, more: row.scanned === tail }
}

export interface QueuedWebhook {
  readonly webhook_id: string
  readonly facility_id: string
  readonly deleted: boolean
  /** When the first of its retries and returned deliveries is due. */
  readonly due: Date | null
}

export interface QueuedWork {
  readonly webhooks: readonly QueuedWebhook[]
  /** The end of the log: everything that was dispatched up to here was in the queue. */
  readonly head: number
  /** Where the next step of the scan starts; undefined: this was the last one. */
  readonly after?: string
}

/** The webhooks for which something is queued, behind `after` in the order of their ids, at most `most`. */
export async function queuedWork(db: Db, after = firstId, most = maxWebhooks): Promise<QueuedWork> {
  const rows = await db<(QueuedWebhook & { head: number; last: string | null })[]>`
    with recursive waiting (webhook_id, nth) as (
      (select webhook_id, 1 from slotbase.delivery_queue where webhook_id > ${after} order by webhook_id limit 1)
      union all
      select n.webhook_id, w.nth + 1
      from waiting w
      cross join lateral (select q.webhook_id from slotbase.delivery_queue q
                          where q.webhook_id > w.webhook_id order by q.webhook_id limit 1) n
      where w.nth < ${most}
    )
    select p.head, p.last, w.webhook_id, h.facility_id, h.deleted_at is not null as deleted,
           (select q.ready_at from slotbase.delivery_queue q
            where q.webhook_id = w.webhook_id and q.ready_at is not null and q.waits_for is null and q.lease is null
            order by q.ready_at limit 1) as due
    from (select (select coalesce(max(position), 0) from slotbase.event_positions) as head,
                 (select webhook_id from waiting where nth = ${most}) as last) p
    left join (waiting w join slotbase.webhooks h on h.id = w.webhook_id and (h.is_active or h.deleted_at is not null)) on true`
  const [first] = rows
  return {
    webhooks: rows.filter((row) => row.webhook_id !== null),
    head: first?.head ?? 0,
    ...(first?.last && { after: first.last }),
  }
}

/** Before every other id. */
const firstId = "00000000-0000-0000-0000-000000000000"
