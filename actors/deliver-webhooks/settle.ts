/**
 * Settles what has been sent, many at a time and each under its fencing token: what another holder has taken meanwhile is
 * his, and is left alone. Settling again what was settled already changes nothing, so a settlement whose answer was lost is
 * simply repeated.
 * Writes: delivery_queue, delivery_history, webhook_attempts, dead_letters, webhooks (switched off by a 410).
 */
import type { Db } from "../../src/database/db.ts"
import { maxUnknowns, planForBatches, type Result } from "./delivery.ts"

/** When the delivery will be tried again, for those that will. */
export type Settled = readonly { readonly webhook_id: string; readonly ready_at: Date }[]

export async function settle(db: Db, results: readonly Result[]): Promise<Settled> {
  await switchOff(db, results)
  return db.begin(async (tx) => {
    const [, rows] = await Promise.all([
      planForBatches(tx),
      tx<{ webhook_id: string; ready_at: Date }[]>`
        with t as materialized (select slotbase.now() as now), result as (
          select * from jsonb_to_recordset(${tx.json(results.map(toRow))}) as r (
            webhook_id uuid, position bigint, replay smallint, lease bigint, outcome text, final boolean, failed integer,
            unknown integer, delay_ms double precision, duration_ms real, sent_at timestamptz, signature text,
            status smallint, headers jsonb, body text, message text, code text, max_retries integer)
        ), held as materialized (
          -- in the order in which a deletion of the webhook takes them
          select q.*, r.outcome, r.final, r.failed, r.unknown, r.duration_ms, r.sent_at, r.signature, r.status,
                 r.headers, r.body, r.message, r.code, r.max_retries, t.now, t.now + r.delay_ms * interval '1 ms' as next_at
          from (select * from result order by webhook_id, position, replay) r
          cross join t
          cross join lateral (
            select *, ctid as at from slotbase.delivery_queue
            where webhook_id = r.webhook_id and position = r.position and replay = r.replay and lease = r.lease
            offset 0 for update
          ) q
        ), ended as (
          update slotbase.webhook_attempts a
          set outcome = case h.outcome when 'gone' then 'failed' else h.outcome end, duration_ms = h.duration_ms,
              sent_at = h.sent_at, signature = h.signature, response_status = h.status, response_headers = h.headers,
              response_body = h.body, error_message = h.message
          from held h
          where a.event_id = h.event_id and a.delivery_id = h.delivery_id and a.attempt = h.attempts + 1
        ), judged as (
          select h.*, case when h.message is null then h.errors
                      else coalesce(h.errors, '[]') || jsonb_strip_nulls(jsonb_build_object('eventId', h.event_id,
                        'eventType', p.type, 'handlerName', 'WebhookHandler',
                        'error', jsonb_build_object('message', h.message, 'code', h.code),
                        'attemptCount', h.attempts + 1, 'maxRetries', h.max_retries,
                        'nextRetryAt', case when not h.final then slotbase.utc(h.next_at) end,
                        'status', case when h.final then 'dead_letter' else 'retrying' end)) end as all_errors
          from held h join slotbase.event_positions p on p.position = h.position
        ), again as (
          update slotbase.delivery_queue q
          set lease = null, owner = null, attempts = q.attempts + 1, failures = q.failures + j.failed,
              unknowns = q.unknowns + j.unknown, ready_at = j.next_at, errors = j.all_errors
          from judged j where q.ctid = j.at and not j.final
          returning q.webhook_id, q.ready_at
        ), gone as (
          delete from slotbase.delivery_queue q using judged j where q.ctid = j.at and j.final
        ), history as (
          insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence,
            status, attempts, settled_at, error_message, errors)
          select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence,
                 case outcome when 'delivered' then 'delivered' else 'failed' end, attempts + 1, now, message, all_errors
          from judged where final
        ), dead as (
          insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors,
            created_at, last_attempt_at)
          select slotbase.derived_id(j.delivery_id, 'dead_letter'), j.facility_id, j.event_id, j.position, j.webhook_id,
                 j.delivery_id,
                 coalesce((select slotbase.event_body(e)::jsonb from slotbase.events e
                           where e.id = j.event_id and e.facility_id = j.facility_id), '{}'),
                 j.all_errors, j.now, j.now
          from judged j where j.final and j.outcome <> 'delivered'
          on conflict (id, facility_id) do update
          set errors = excluded.errors, last_attempt_at = excluded.last_attempt_at,
              resolved_at = null, resolved_by = null, resolution = null
        )
        select webhook_id, ready_at from again`,
    ])
    return rows
  })
}

/** In a statement of its own, before the queue's rows are locked: every writer locks the webhook's row first. */
async function switchOff(db: Db, results: readonly Result[]): Promise<void> {
  const ids = results.filter((result) => result.outcome === "gone").map((result) => result.delivery.webhook_id)
  if (ids.length === 0) return
  await db`
    update slotbase.webhooks
    set is_active = false, disabled_reason = 'the receiver answered 410 Gone', updated_at = slotbase.now()
    where id = any (${ids}) and is_active and deleted_at is null`
}

function toRow({ delivery, outcome, sentAt, error, ...result }: Result) {
  const failed = outcome === "failed" ? 1 : 0
  const unknown = outcome === "unknown" ? 1 : 0
  const final =
    outcome === "delivered" ||
    (outcome === "failed" && result.retryAfterMs === undefined) ||
    delivery.unknowns + unknown >= maxUnknowns
  return {
    webhook_id: delivery.webhook_id,
    position: delivery.position,
    replay: delivery.replay,
    lease: delivery.lease,
    outcome,
    final,
    failed,
    unknown,
    delay_ms: result.retryAfterMs ?? 0,
    duration_ms: result.durationMs,
    sent_at: sentAt?.toISOString() ?? null,
    signature: result.signature ?? null,
    status: result.status ?? null,
    headers: result.headers ?? null,
    body: result.body ?? null,
    message: error?.message ?? null,
    code: error?.code ?? null,
    max_retries: delivery.max_retries,
  }
}
