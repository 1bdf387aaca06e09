/**
 * Ends the deliveries of a deleted webhook; none is dropped in silence.
 * Each ends as failed with the reason. It leaves a dead letter that counts as ignored by the deleter of the webhook.
 * Writes: delivery_queue, delivery_history, attempt_history, dead_letters.
 */
import type { Tx } from "#base/database/transaction.ts"

/** Deliveries per call: under 100 ms. */
const abandonBatch = 1_000
const reason = "webhook deleted"

/** Settles up to `abandonBatch` deliveries of a deleted webhook; returns how many. */
export async function abandonDeliveries(tx: Tx, webhookId: string): Promise<number> {
  const [done] = await tx<[{ count: number }]>`
    with t as materialized (select slotbase.now() as now), gone as (
      delete from slotbase.delivery_queue
      where (webhook_id, position, replay) in (
        select webhook_id, position, replay from slotbase.delivery_queue
        where webhook_id = ${webhookId} order by position, replay limit ${abandonBatch} for update)
      returning *
    ), under_way as (
      -- its request may have left: nobody will settle it any more
      insert into slotbase.attempt_history (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at,
        outcome, error_message, error_class, error_code, version)
      select g.event_id, g.delivery_id, g.attempts + 1, slotbase.derived_id(g.event_id, g.delivery_id::text || (g.attempts + 1)::text),
             g.facility_id, g.webhook_id, w.url, w.method, g.started_at, 'unknown', ${reason}, 'other', 'webhook_deleted', g.claimed_version
      from gone g join slotbase.webhooks w on w.id = g.webhook_id and w.facility_id = g.facility_id
      where g.lease is not null
    ), ended as (
      select g.*, g.attempts + (g.lease is not null)::integer as made, e.type, slotbase.event_body(e) as body,
             w.max_retries, w.deleted_by, w.deleted_at, t.now
      from gone g
      join slotbase.webhooks w on w.id = g.webhook_id and w.facility_id = g.facility_id
      left join slotbase.events e on e.id = g.event_id and e.facility_id = g.facility_id
      cross join t
    ), failed as (
      select *, coalesce(errors, '[]') || jsonb_build_object('eventId', event_id, 'eventType', type,
                  'handlerName', 'WebhookHandler', 'error', jsonb_build_object('message', ${reason}::text, 'code', 'webhook_deleted'),
                  'attemptCount', made, 'maxRetries', max_retries, 'status', 'dead_letter') as all_errors
      from ended
    ), history as (
      insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence,
        status, attempts, settled_at, error_message, errors)
      select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'failed', made, now, ${reason}, all_errors
      from failed
    ), dead as (
      insert into slotbase.dead_letters as d (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors,
        created_at, last_attempt_at, resolved_at, resolved_by, resolution)
      select slotbase.derived_id(delivery_id, 'dead_letter'), facility_id, event_id, position, webhook_id, delivery_id,
             coalesce(body::jsonb, '{}'), all_errors, now, now, now, deleted_by, 'ignored'
      from failed
      on conflict (id, facility_id) do update
      set errors = excluded.errors, last_attempt_at = excluded.last_attempt_at, resolved_at = excluded.resolved_at,
          resolved_by = excluded.resolved_by, resolution = excluded.resolution
    )
    select count(*) from gone`
  return done.count
}
