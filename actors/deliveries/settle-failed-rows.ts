/**
 * Settles attempts that did not deliver: the delivery waits for its retry, or ends as a dead letter with every error. Under
 * its fencing token and repeatable, like those that did. The statement is slotbase.end_attempts (sql/0013-deliveries.sql).
 * Writes, through that function: delivery_queue, delivery_history, attempt_history, dead_letters. Writes itself: webhooks
 * (switched off by a 410).
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { answerOf, keyOf, planForBatches, type Result } from "./delivery.ts"

/** When a delivery will be tried again. */
export interface Again {
  readonly webhook_id: string
  readonly ready_at: Date
}

export async function settleFailed(db: Db, results: readonly Result[]): Promise<readonly Again[]> {
  await switchOff(db, results)
  return db.begin(async (tx) => {
    const [, rows] = await Promise.all([
      planForBatches(tx),
      tx<Again[]>`
        select webhook_id, ready_at
        from slotbase.end_attempts(${JSON.stringify(results.map(toRow))}::text::json)`,
    ])
    return rows
  })
}

/** In a statement of its own, before the queue's rows are locked: every writer locks the webhook's row first. */
async function switchOff(db: Db, results: readonly Result[]): Promise<void> {
  const gone = results.filter((result) => result.outcome === "gone")
  if (gone.length === 0) return
  // Only the address that answered so: the webhook may have moved while the request was under way.
  await db`
    update slotbase.webhooks w
    set is_active = false, disabled_reason = 'the receiver answered 410 Gone', updated_at = slotbase.now()
    from unnest(${gone.map((result) => result.delivery.webhook_id)}::uuid[],
                ${gone.map((result) => result.delivery.webhook.url)}::text[]) as g (id, url)
    where w.id = g.id and w.url = g.url and w.is_active and w.deleted_at is null`
  reached("webhook-switched-off")
}

function toRow(result: Result) {
  const { delivery, outcome, error, retryAfterMs } = result
  const failed = outcome === "failed" ? 1 : 0
  // One that was given up because its process stops is an attempt of unknown outcome, and counts against nobody: neither as a
  // failure, nor as a death of which the delivery may be the cause.
  const final = outcome === "failed" && retryAfterMs === undefined
  return {
    ...keyOf(delivery),
    ...answerOf(result),
    outcome: outcome === "gone" ? "failed" : outcome,
    final,
    failed,
    lost: 0,
    delay_ms: retryAfterMs ?? 0,
    message: error?.message,
    code: error?.code,
    max_retries: delivery.webhook.max_retries,
  }
}
