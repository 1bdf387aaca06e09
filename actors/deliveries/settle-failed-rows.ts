/**
 * Settles attempts that did not deliver: the delivery waits for its retry, or becomes a dead letter with every error.
 * Each is settled under its fencing token, so a repeated settlement changes nothing. The statement is
 * slotbase.end_attempts (sql/0039-delivery-in-time.sql). It writes delivery_queue, delivery_history, attempt_history,
 * dead_letters and webhook_pace.
 * Writes: webhooks (switched off by a 410).
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { log } from "#base/log.ts"
import { endGoneHooks } from "#outbound/hooks/subscriptions.ts"
import { type AttemptResult, attemptColumns, claimKeyOf, planForBatches } from "./delivery.ts"

/** When a delivery of the webhook is due again. */
export interface DueRetry {
  readonly webhook_id: string
  readonly ready_at: Date
}

export async function settleFailedAttempts(db: Db, results: readonly AttemptResult[]): Promise<readonly DueRetry[]> {
  const gone = results.filter((result) => result.outcome === "gone")
  const { retries, off, ended } = await db.begin(async (tx) => {
    const off = gone.length > 0 ? await switchOff(tx, gone) : []
    const [, retries] = await Promise.all([
      planForBatches(tx),
      tx<DueRetry[]>`
        select webhook_id, ready_at
        from slotbase.end_attempts(${JSON.stringify(results.map(toRow))}::text::json)`,
    ])
    return { retries, off, ended: off.length > 0 ? await endGoneHooks(tx, off) : [] }
  })
  for (const id of off) log.warn("webhook disabled", { webhook: id, reason: "410 Gone" })
  for (const { id, discarded } of ended) log.warn("subscription ended", { webhook: id, reason: "410 Gone", discarded })
  return retries
}

/**
 * Answers which webhooks are switched off now. It comes before the rows of the queue are locked: every writer locks the
 * row of the webhook first.
 */
async function switchOff(tx: Tx, gone: readonly AttemptResult[]): Promise<readonly string[]> {
  // Only at the address that answered 410: the webhook may have moved while the request was under way.
  const off = await tx<{ id: string }[]>`
    update slotbase.webhooks w
    set is_active = false, disabled_reason = 'the receiver answered 410 Gone', updated_at = slotbase.now()
    from unnest(${gone.map((result) => result.delivery.webhook_id)}::uuid[],
                ${gone.map((result) => result.delivery.webhook.url)}::text[]) as g (id, url)
    where w.id = g.id and w.url = g.url and w.is_active and w.deleted_at is null
    returning w.id`
  reached("webhook-switched-off")
  return off.map(({ id }) => id)
}

function toRow(result: AttemptResult) {
  const { delivery, outcome, error, retryAfterMs, usedUp = false, pauseMs, notReceived } = result
  const failed = outcome === "failed" && pauseMs === undefined && !notReceived ? 1 : 0
  // A request that was given up because its process stops has an unknown outcome. It counts neither as a failure nor as
  // a crash that the delivery may have caused.
  const final = outcome === "failed" && retryAfterMs === undefined && pauseMs === undefined && !usedUp
  return {
    ...claimKeyOf(delivery),
    ...attemptColumns(result),
    outcome: outcome === "gone" ? "failed" : outcome,
    final,
    failed,
    abandoned: 0,
    used_up: usedUp,
    pause_ms: pauseMs,
    delay_ms: retryAfterMs ?? 0,
    aggregate_id: delivery.aggregate_id,
    message: error?.message,
    code: error?.code,
    max_retries: delivery.webhook.max_retries,
  }
}
