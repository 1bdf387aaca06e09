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
}

/** New deliveries with the same replay number. One that exists already is not made again. @returns how many. */
export async function queueAgain(
  tx: Tx,
  facilityId: string,
  webhookId: string,
  { events, number, pace }: { readonly events: readonly AgainRow[]; readonly number: number; readonly pace: Pace },
): Promise<number> {
  if (events.length === 0) return 0
  const rows = events.map(({ position, event_id, sequence }, nth) => ({ position, event_id, sequence, nth }))
  const { count } = await tx`
    insert into slotbase.delivery_queue (webhook_id, position, replay, facility_id, event_id, delivery_id, sequence, ready_at)
    select ${webhookId}::uuid, position, ${number}::smallint, ${facilityId}::uuid, event_id,
           slotbase.derived_id(event_id, ${`${webhookId}/${number}`}), sequence,
           ${pace.from}::timestamptz + nth::float8 / ${pace.perSecond} * interval '1 second'
    from json_to_recordset(${JSON.stringify(rows)}::text::json)
      as k (position bigint, event_id uuid, sequence bigint, nth integer)
    order by position
    on conflict do nothing`
  tx.afterCommit(() => sendHint("subscriptions"))
  return count
}

/** Sends one event again, at once. @returns the new delivery's id. Throws NotFound, WrongState. */
export async function resendEvent(tx: Tx, facilityId: string, webhookId: string, event: AgainRow): Promise<string> {
  // Locked, so that two requests take different numbers, and the webhook is not deleted meanwhile.
  const [webhook] = await tx<{ deleted: boolean }[]>`
    select deleted_at is not null as deleted from slotbase.webhooks
    where id = ${webhookId} and facility_id = ${facilityId} for no key update`
  if (!webhook) throw new NotFound("webhook", webhookId)
  const [row] = await tx<[{ kept: boolean; number: number; now: Date }]>`
    select exists (select from slotbase.events where id = ${event.event_id} and facility_id = ${facilityId}) as kept,
           slotbase.now() as now,
           1 + greatest(0,
             (select max(replay) from slotbase.delivery_queue
              where webhook_id = ${webhookId} and facility_id = ${facilityId} and position = ${event.position}
                and replay < ${firstReplayNumber}),
             (select max(replay) from slotbase.delivery_history
              where webhook_id = ${webhookId} and facility_id = ${facilityId} and event_id = ${event.event_id}
                and replay < ${firstReplayNumber})) as number`
  if (webhook.deleted || !row.kept)
    throw new WrongState("delivery_gone", "The delivery is gone: its webhook or its event is no longer kept.")
  if (row.number >= firstReplayNumber)
    throw new WrongState(
      "sent_too_often",
      `The event was sent again by hand ${row.number - 1} times: replay it instead.`,
    )
  await queueAgain(tx, facilityId, webhookId, {
    events: [event],
    number: row.number,
    pace: { from: row.now, perSecond: 1 },
  })
  const [made] = await tx<[{ id: string }]>`
    select slotbase.derived_id(${event.event_id}, ${`${webhookId}/${row.number}`}) as id`
  return made.id
}
