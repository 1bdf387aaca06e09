/**
 * Puts failed deliveries back into their queue, many in one statement, with all their retries and one after the other
 * at a rate. Their dead letters count as reprocessed.
 * Writes: delivery_history, delivery_queue, dead_letters (resolution).
 */
import type { Tx } from "#base/database/transaction.ts"
import { sendHint } from "#base/hints.ts"

export interface FailedKey {
  readonly webhook_id: string
  readonly event_id: string
  readonly replay: number
  readonly facility_id: string
}

/** When the first one may be sent, and how many a second follow. */
export interface Pace {
  readonly from: Date
  readonly perSecond: number
}

/**
 * Nothing is pruned at run time: PostgreSQL 18.4 crashes when a row was changed concurrently in a statement that prunes
 * inside a sub-select. At most some hundred rows are looked up in each partition.
 */
export const withoutPruning = (tx: Tx) => tx`select set_config('enable_partition_pruning', 'off', true)`

/** The webhooks of the deliveries are locked, so that none is deleted meanwhile. @returns the ids of those put back. */
export async function putBackDeliveries(
  tx: Tx,
  by: string,
  keys: readonly FailedKey[],
  pace: Pace,
): Promise<readonly string[]> {
  if (keys.length === 0) return []
  await withoutPruning(tx)
  const webhookIds = [...new Set(keys.map((key) => key.webhook_id))]
  const facilityIds = [...new Set(keys.map((key) => key.facility_id))]
  const webhooks = await tx<{ id: string }[]>`
    select id from slotbase.webhooks
    where id = any (${webhookIds}::uuid[]) and facility_id = any (${facilityIds}::uuid[]) and deleted_at is null
    order by id for no key update`
  const alive = new Set(webhooks.map(({ id }) => id))
  const wanted = keys.filter((key) => alive.has(key.webhook_id)).map((key, nth) => ({ ...key, nth }))
  if (wanted.length === 0) return []
  const moved = await tx<{ delivery_id: string }[]>`
    with wanted as materialized (
      select * from json_to_recordset(${JSON.stringify(wanted)}::text::json)
        as k (webhook_id uuid, event_id uuid, replay smallint, facility_id uuid, nth integer)
    ), gone as (
      delete from slotbase.delivery_history h using wanted k
      where h.webhook_id = k.webhook_id and h.event_id = k.event_id and h.replay = k.replay
        and h.facility_id = k.facility_id and h.status = 'failed'
        and exists (select from slotbase.events e where e.id = k.event_id and e.facility_id = k.facility_id)
      returning h.*, k.nth
    ), queued as (
      insert into slotbase.delivery_queue (webhook_id, position, replay, facility_id, event_id, delivery_id, sequence,
        attempts, ready_at, errors)
      select webhook_id, position, replay, facility_id, event_id, delivery_id, sequence, attempts,
             ${pace.from}::timestamptz + nth::float8 / ${pace.perSecond} * interval '1 second', errors
      from gone
    ), resolved as (
      update slotbase.dead_letters d
      set resolved_at = slotbase.now(), resolved_by = ${by}, resolution = 'reprocessed'
      from gone g
      where d.id = slotbase.derived_id(g.delivery_id, 'dead_letter') and d.facility_id = g.facility_id
        and d.resolved_at is null
    )
    select delivery_id from gone`
  tx.afterCommit(() => sendHint("subscriptions"))
  return moved.map((row) => row.delivery_id)
}
