// A club whose work is all done, as handlers and deliverer would leave it, but made without them. Tests then damage it.
// There are two bookings, one of them cancelled, with all messages sent. One delivery was a dead letter before it
// arrived.

import { analyticsHandler } from "#actors/handlers/analytics.ts"
import { cacheInvalidationHandler } from "#actors/handlers/cache-invalidation.ts"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import type { Db } from "#base/database/db.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { intend } from "#outbound/messages/intents.ts"
import { aClub } from "#test/harness/club/club.ts"
import { dispatchAll, subscribe } from "#test/harness/pipeline/pipeline.ts"

const types = ["booking.confirmed", "booking.cancelled"] as const
const handlers = ["AnalyticsHandler", "CacheInvalidationHandler", "NotificationHandler"]

export async function finishedWork(db: Db): Promise<void> {
  const club = await aClub(db)
  for (const handler of handlers) await subscribe(db, handler, ...types)
  const webhook = newId()
  await db`
    insert into slotbase.webhooks (id, facility_id, name, url, events, created_by)
    values (${webhook}, ${club.id}, 'Scoreboard', 'https://example.com/hook', ${[...types]}, ${rootUserId})`
  await db`
    insert into slotbase.webhook_versions (webhook_id, facility_id, version, events)
    values (${webhook}, ${club.id}, 1, ${[...types]})`
  await club.book(club.court, 9, { participants: [{ userId: club.friend.id }] })
  await club.cancel((await club.book(club.court, 10)).id)
  await dispatchAll(db)
  await handle(db)
  await deliver(db)
}

async function handle(db: Db): Promise<void> {
  const events = await db<(HandledEvent & { type: string })[]>`
    select e.*, p.position from slotbase.events e join slotbase.event_positions p on p.event_id = e.id
    where e.type = any (${[...types]}) order by p.position`
  await db.begin(async (tx) => {
    for (const handler of [analyticsHandler(), cacheInvalidationHandler()]) await handler.handleAll(tx, events)
  })
  await intend(db, events, [{ name: "email", unavailable: undefined }])
  await db`delete from slotbase.message_queue`
  await db`update slotbase.notifications set status = 'sent', attempts = 1, sent_at = now() where status = 'pending'`
  for (const handler of handlers) {
    await db`select slotbase.move_cursor(${handler}, null, max(position) + 1) from slotbase.event_positions`
    await db`
      insert into slotbase.handler_history (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at)
      select event_id, ${handler}, facility_id, position, 'success', 1, 1, now() from slotbase.event_positions
      where type = any (${[...types]})`
  }
}

/** Delivers the first one after two failed attempts and a dead letter of them. */
async function deliver(db: Db): Promise<void> {
  const error = (attemptCount: number, status: string) => ({ attemptCount, status, error: { message: "503" } })
  const errors = db.json([error(1, "retrying"), error(2, "dead_letter")] as never)
  await db`
    with gone as (
      delete from slotbase.delivery_queue returning *
    ), ended as (
      select g.*, case when g.sequence = 1 then 3 else 1 end as attempts_made from gone g
    ), attempts as (
      insert into slotbase.attempt_history
        (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at, outcome, response_status)
      select event_id, delivery_id, n, slotbase.derived_id(event_id, delivery_id::text || n), facility_id, webhook_id,
             'https://example.com/hook', 'POST', now(), case when n = attempts_made then 'delivered' else 'failed' end,
             case when n = attempts_made then 200 else 503 end
      from ended cross join generate_series(1, attempts_made) as n
    ), dead as (
      insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors,
        created_at, last_attempt_at, resolved_at, resolution)
      select slotbase.derived_id(delivery_id, 'dead_letter'), facility_id, event_id, position, webhook_id, delivery_id, '{}',
             ${errors}, now(), now(), now(), 'reprocessed'
      from ended where attempts_made = 3
    )
    insert into slotbase.delivery_history
      (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status, attempts, settled_at)
    select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'delivered', attempts_made, now() from ended`
}
