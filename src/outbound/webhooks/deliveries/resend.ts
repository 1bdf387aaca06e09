/**
 * Sends deliveries once more that have ended. Each becomes a new delivery of the same event, with a replay number of
 * its own. It keeps the sequence of the first delivery: the receiver then knows which number it fills.
 * Writes: delivery_queue.
 */
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import { sendHint } from "#base/hints.ts"
import type { Pace } from "./put-back.ts"

/** From here on the numbers belong to replays; below, an event is sent again by hand. */
export const firstReplayNumber = 10_000

export interface AgainRow {
  readonly position: number
  readonly event_id: string
  readonly sequence: number
  readonly number: number
}

/** New deliveries with these replay numbers. One that exists already is not made again. @returns their ids. */
export async function queueAgain(
  tx: Tx,
  facilityId: string,
  webhookId: string,
  { events, pace }: { readonly events: readonly AgainRow[]; readonly pace: Pace },
): Promise<readonly string[]> {
  if (events.length === 0) return []
  const rows = events.map((event, nth) => ({ ...event, nth }))
  const made = await tx<{ delivery_id: string }[]>`
    insert into slotbase.delivery_queue (webhook_id, position, replay, facility_id, event_id, delivery_id, sequence, ready_at)
    select ${webhookId}::uuid, position, number, ${facilityId}::uuid, event_id,
           slotbase.derived_id(event_id, ${webhookId}::text || '/' || number), sequence,
           ${pace.from}::timestamptz + nth::float8 / ${pace.perSecond} * interval '1 second'
    from json_to_recordset(${JSON.stringify(rows)}::text::json)
      as k (position bigint, event_id uuid, sequence bigint, number smallint, nth integer)
    order by position
    on conflict do nothing
    returning delivery_id`
  tx.afterCommit(() => sendHint("subscriptions"))
  return made.map((row) => row.delivery_id)
}

/**
 * Sends events again by hand. Each gets the next number below those of replays. An event that is no longer kept, or
 * that was sent by hand 9,999 times, is left out. @returns the new deliveries' ids. Throws NotFound, WrongState.
 */
export async function resendEvents(
  tx: Tx,
  facilityId: string,
  webhookId: string,
  events: readonly Omit<AgainRow, "number">[],
  { perSecond }: Pick<Pace, "perSecond">,
): Promise<readonly string[]> {
  // Locked, so that two requests take different numbers, and the webhook is not deleted meanwhile.
  const [webhook] = await tx<{ deleted: boolean; now: Date }[]>`
    select deleted_at is not null as deleted, slotbase.now() as now from slotbase.webhooks
    where id = ${webhookId} and facility_id = ${facilityId} for no key update`
  if (!webhook) throw new NotFound("webhook", webhookId)
  if (webhook.deleted) throw new WrongState("delivery_gone", "The delivery is gone: its webhook was deleted.")
  const keys = events.map(({ position, event_id, sequence }) => ({ position, event_id, sequence }))
  const numbered = await tx<AgainRow[]>`
    select * from (
      select k.position, k.event_id, k.sequence,
             1 + greatest(0,
               (select max(replay) from slotbase.delivery_queue
                where webhook_id = ${webhookId} and facility_id = ${facilityId} and position = k.position
                  and replay < ${firstReplayNumber}),
               (select max(replay) from slotbase.delivery_history
                where webhook_id = ${webhookId} and facility_id = ${facilityId} and event_id = k.event_id
                  and replay < ${firstReplayNumber})) as number
      from json_to_recordset(${JSON.stringify(keys)}::text::json) as k (position bigint, event_id uuid, sequence bigint)
      join slotbase.events e on e.id = k.event_id and e.facility_id = ${facilityId}
    ) n
    where number < ${firstReplayNumber} order by position`
  return queueAgain(tx, facilityId, webhookId, { events: numbered, pace: { from: webhook.now, perSecond } })
}
