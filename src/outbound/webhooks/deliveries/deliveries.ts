/**
 * Deliveries as people see them, unfinished and ended, with every attempt. Also sends one again by hand.
 * A delivery is found by its own id and by the id of any of its attempts: both carry the event's millisecond.
 * Writes: delivery_queue and delivery_history (a delivery that is put back), dead_letters (resolution).
 */
import type { Caller } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import { sendHint } from "#base/hints.ts"
import { resendEvents } from "./resend.ts"
import { type AttemptRow, attemptUnderWayId, complete, type Delivery, queued, settled, toDelivery } from "./rows.ts"

/** One delivery with all its attempts, by its id or the id of an attempt. */
export async function readDelivery(db: Queryable, facilityId: string, id: string): Promise<Delivery> {
  const row = await find(db, facilityId, id)
  const attempts = await db<{ attempt: AttemptRow }[]>`
    select to_jsonb(a) as attempt from slotbase.attempt_history a
    where a.event_id = ${row.event_id} and a.facility_id = ${facilityId} and a.delivery_id = ${row.id}
    order by a.attempt`
  const ended = attempts.map(({ attempt }) => attempt)
  return toDelivery(row, row.last?.outcome === "started" ? [...ended, row.last] : ended)
}

/**
 * Sends a delivery again now. A failed one restarts its retries; one that waits for a retry stops waiting. A delivered
 * one is sent as a new delivery of the same event, which is the answer.
 */
export async function retryDelivery(tx: Tx, caller: Caller, facilityId: string, id: string): Promise<Delivery> {
  const row = await find(tx, facilityId, id)
  const { id: deliveryId, webhook_id, event_id, position, replay, status, is_test } = row
  if (is_test) throw new WrongState("is_a_test", "A test is sent once. Send another one.")
  if (status === "delivered") {
    const [again] = await resendEvents(tx, facilityId, webhook_id, [row], { perSecond: 1 })
    if (again === undefined)
      throw new WrongState("delivery_gone", "The event is no longer kept, or was sent again too often by hand.")
    return readDelivery(tx, facilityId, again)
  }
  if (status === "failed") {
    const isBack = await requeueDelivery(tx, facilityId, deliveryId, event_id)
    // Another request may have put it back meanwhile: then it is the answer to both.
    if (!isBack && (await find(tx, facilityId, deliveryId)).status === "failed")
      throw new WrongState("delivery_gone", "The delivery is gone: its webhook or its event is no longer kept.")
    await tx`
      update slotbase.dead_letters
      set resolved_at = slotbase.now(), resolved_by = ${caller.userId}, resolution = 'reprocessed'
      where id = slotbase.derived_id(${deliveryId}, 'dead_letter') and facility_id = ${facilityId} and resolved_at is null`
  } else {
    // A first attempt of an ordered webhook is left in its order: it is due as soon as that allows.
    await tx`
      update slotbase.delivery_queue q set ready_at = slotbase.now(), waits_for = nullif(waits_for, 'job')
      where webhook_id = ${webhook_id} and facility_id = ${facilityId} and position = ${position} and replay = ${replay}
        and lease is null
        and (ready_at is not null or not (select ordered from slotbase.webhooks w where w.id = q.webhook_id))`
    tx.afterCommit(() => sendHint("subscriptions"))
  }
  return readDelivery(tx, facilityId, deliveryId)
}

/**
 * Puts a failed delivery back into its queue, due at once, with all its retries. Its earlier attempts stay counted.
 * Returns false when there is no such delivery, or its webhook or event is gone.
 */
export async function requeueDelivery(
  tx: Tx,
  facilityId: string,
  deliveryId: string,
  eventId: string,
): Promise<boolean> {
  const [webhook] = await tx<{ id: string }[]>`
    select w.id from slotbase.webhooks w
    join slotbase.delivery_history h on h.webhook_id = w.id
    where h.event_id = ${eventId} and h.delivery_id = ${deliveryId} and w.facility_id = ${facilityId}
      and w.deleted_at is null
      and exists (select from slotbase.events e where e.id = h.event_id and e.facility_id = h.facility_id)
    for no key update of w`
  if (!webhook) return false
  // The row is below the low-water mark of the claims of fresh rows. Claims find a due retry all the same.
  const moved = await tx`
    with gone as (
      delete from slotbase.delivery_history
      where webhook_id = ${webhook.id} and facility_id = ${facilityId} and event_id = ${eventId}
        and delivery_id = ${deliveryId} and status = 'failed'
      returning *
    )
    insert into slotbase.delivery_queue (webhook_id, position, replay, facility_id, event_id, delivery_id, sequence,
      attempts, ready_at, errors)
    select webhook_id, position, replay, facility_id, event_id, delivery_id, sequence, attempts, slotbase.now(), errors
    from gone`
  tx.afterCommit(() => sendHint("subscriptions"))
  return moved.count === 1
}

/**
 * The ids of deliveries and attempts begin with their event's millisecond, so only the events of that millisecond are
 * read.
 */
async function find(db: Queryable, facilityId: string, id: string) {
  const wanted = (delivery: "q" | "h") => db`
    (${db(delivery)}.delivery_id = ${id} or exists (
       select from slotbase.attempt_history a
       where a.event_id = m.event_id and a.facility_id = m.facility_id
         and a.delivery_id = ${db(delivery)}.delivery_id and a.id = ${id})
     ${delivery === "q" ? db`or q.lease is not null and ${attemptUnderWayId(db)} = ${id}` : db``})`
  const [row] = await complete(
    db,
    db`
      with moment as (
        select e.id as event_id, e.facility_id, p.position, w.id as webhook_id
        from slotbase.events e
        join slotbase.event_positions p on p.event_id = e.id
        join slotbase.webhooks w on w.facility_id = e.facility_id
        where e.facility_id = ${facilityId} and e.id >= slotbase.id_at(slotbase.time_of(${id}))
          and e.id < slotbase.id_at(slotbase.time_of(${id}) + interval '1 ms')
      )
      select ${queued(db)} from moment m
      join slotbase.delivery_queue q on q.webhook_id = m.webhook_id and q.position = m.position
      where ${wanted("q")}
      union all
      select ${settled(db)} from moment m
      join slotbase.delivery_history h on h.webhook_id = m.webhook_id and h.event_id = m.event_id
      where ${wanted("h")}
      union all
      select ${settled(db)} from slotbase.delivery_bodies m
      join slotbase.delivery_history h on h.webhook_id = m.webhook_id and h.event_id = m.event_id and h.replay = m.replay
      where m.is_test and m.facility_id = ${facilityId} and m.event_id >= slotbase.id_at(slotbase.time_of(${id}))
        and m.event_id < slotbase.id_at(slotbase.time_of(${id}) + interval '1 ms') and ${wanted("h")}`,
  )
  if (!row) throw new NotFound("delivery", id)
  return row
}
