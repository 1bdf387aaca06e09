/**
 * Settles attempts that did not deliver: the delivery waits for its retry, or becomes a dead letter with every error.
 * Each is settled under its fencing token; a repeated settlement changes nothing.
 * Writes: delivery_queue, delivery_history, attempt_history, dead_letters, webhooks (switched off by a 410).
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { type AttemptResult, attemptColumns, claimKeyOf, planForBatches } from "./delivery.ts"

/** When a delivery of the webhook is due again. */
export interface DueRetry {
  readonly webhook_id: string
  readonly ready_at: Date
}

export async function settleFailedAttempts(db: Db, results: readonly AttemptResult[]): Promise<readonly DueRetry[]> {
  await switchOff(db, results)
  return db.begin(async (tx) => {
    const [, rows] = await Promise.all([
      planForBatches(tx),
      tx<DueRetry[]>`
        with t as materialized (select slotbase.now() as now), held as materialized (
          -- in the order in which a deletion of the webhook takes them
          select q.*, r.outcome, r.final, r.failed, r.attempt_id, r.url, r.method, r.duration_ms, r.sent_at, r.signature,
                 r.status, r.headers, r.body, r.message, r.code, r.max_retries, t.now, t.now + r.delay_ms * interval '1 ms' as next_at
          from (
            select * from json_to_recordset(${JSON.stringify(results.map(toRow))}::text::json) as r (
              webhook_id uuid, position bigint, replay smallint, lease bigint, attempt_id uuid, url text, method text,
              outcome text, final boolean, failed integer, delay_ms double precision, sent_at timestamptz,
              duration_ms real, signature text, status smallint, headers jsonb, body text, message text, code text,
              max_retries integer)
            order by webhook_id, position, replay
          ) r
          cross join t
          cross join lateral (
            select *, ctid as at from slotbase.delivery_queue
            where webhook_id = r.webhook_id and position = r.position and replay = r.replay and lease = r.lease
            offset 0 for update
          ) q
        ), ended as (
          insert into slotbase.attempt_history (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at,
            sent_at, outcome, duration_ms, signature, response_status, response_headers, response_body, error_message)
          select event_id, delivery_id, attempts + 1, attempt_id, facility_id, webhook_id, url, method, started_at,
                 sent_at, case outcome when 'gone' then 'failed' else outcome end, duration_ms, signature, status, headers, body, message
          from held
        ), judged as (
          select h.*, coalesce(h.errors, '[]') || jsonb_strip_nulls(jsonb_build_object('eventId', h.event_id,
                   'eventType', (select p.type from slotbase.event_positions p where p.position = h.position),
                   'handlerName', 'WebhookHandler', 'error', jsonb_build_object('message', h.message, 'code', h.code),
                   'attemptCount', h.attempts + 1, 'maxRetries', h.max_retries,
                   'nextRetryAt', case when not h.final then slotbase.utc(h.next_at) end,
                   'status', case when h.final then 'dead_letter' else 'retrying' end)) as all_errors
          from held h
        ), again as (
          update slotbase.delivery_queue q
          set lease = null, owner = null, started_at = null, attempts = q.attempts + 1, failures = q.failures + j.failed,
              ready_at = j.next_at, errors = j.all_errors
          from judged j where q.ctid = j.at and not j.final
          returning q.webhook_id, q.ready_at
        ), gone as (
          delete from slotbase.delivery_queue q using judged j where q.ctid = j.at and j.final
        ), history as (
          insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence,
            status, attempts, settled_at, error_message, errors)
          select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'failed', attempts + 1, now, message,
                 all_errors
          from judged where final
        ), dead as (
          insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors,
            created_at, last_attempt_at)
          select slotbase.derived_id(j.delivery_id, 'dead_letter'), j.facility_id, j.event_id, j.position, j.webhook_id,
                 j.delivery_id,
                 coalesce((select slotbase.event_body(e)::jsonb from slotbase.events e
                           where e.id = j.event_id and e.facility_id = j.facility_id), '{}'),
                 j.all_errors, j.now, j.now
          from judged j where j.final
          on conflict (id, facility_id) do update
          set errors = excluded.errors, last_attempt_at = excluded.last_attempt_at,
              resolved_at = null, resolved_by = null, resolution = null
        )
        select webhook_id, ready_at from again`,
    ])
    return rows
  })
}

/** A statement of its own, before the rows of the queue are locked: every writer locks the row of the webhook first. */
async function switchOff(db: Db, results: readonly AttemptResult[]): Promise<void> {
  const gone = results.filter((result) => result.outcome === "gone")
  if (gone.length === 0) return
  // Only at the address that answered 410: the webhook may have moved while the request was under way.
  await db`
    update slotbase.webhooks w
    set is_active = false, disabled_reason = 'the receiver answered 410 Gone', updated_at = slotbase.now()
    from unnest(${gone.map((result) => result.delivery.webhook_id)}::uuid[],
                ${gone.map((result) => result.delivery.webhook.url)}::text[]) as g (id, url)
    where w.id = g.id and w.url = g.url and w.is_active and w.deleted_at is null`
  reached("webhook-switched-off")
}

function toRow(result: AttemptResult) {
  const { delivery, outcome, error, retryAfterMs } = result
  const failed = outcome === "failed" ? 1 : 0
  // A request that was given up because its process stops has an unknown outcome. It counts neither as a failure nor as
  // a crash that the delivery may have caused.
  const final = outcome === "failed" && retryAfterMs === undefined
  return {
    ...claimKeyOf(delivery),
    ...attemptColumns(result),
    outcome,
    final,
    failed,
    delay_ms: retryAfterMs ?? 0,
    message: error?.message,
    code: error?.code,
    max_retries: delivery.webhook.max_retries,
  }
}
