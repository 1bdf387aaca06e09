/** A claimed delivery, with all that is needed to send it, and what became of its attempt. */
import type { Tx } from "#base/database/transaction.ts"
import type { AuthType } from "#outbound/webhooks/input.ts"

/** The webhook as it was read after the claim; one object for all deliveries of a claim. */
export interface Target {
  readonly id: string
  readonly facility_id: string
  readonly url: string
  readonly method: string
  readonly auth_type: AuthType
  readonly auth_config: Uint8Array | null
  readonly updated_at: Date
  readonly max_retries: number
  readonly retry_delay_ms: number
  readonly backoff_multiplier: number
  readonly max_concurrency: number
}

/** The row of the queue. */
export interface Claimed {
  readonly webhook_id: string
  readonly position: number
  readonly replay: number
  readonly event_id: string
  readonly sequence: number
  /** Before this attempt. */
  readonly failures: number
  readonly unknowns: number
  readonly lease: number
  readonly attempt_id: string
  /** Claimed for the first time, in the order of the log; otherwise it was due or returned. */
  readonly fresh: boolean
  /** Claimed by itself, because it was lost twice. */
  readonly alone: boolean
}

export interface Delivery extends Claimed {
  readonly webhook: Target
  /** Undefined when the event is no longer kept. */
  readonly event: { readonly type: string; readonly body: string } | undefined
  /** Of one that was claimed alone: the next one's turn has come. */
  readonly endTurn?: () => void
}

/**
 * delivered: a 2xx, complete and in time · failed: counts against the retries · gone: a 410, the webhook is switched off and
 * keeps the delivery · unknown: given up in the middle, because the process stops.
 */
export interface Result {
  readonly delivery: Delivery
  readonly outcome: "delivered" | "failed" | "gone" | "unknown"
  readonly durationMs: number
  /** The timestamp of the request's headers. */
  readonly sentAt: Date
  readonly signature?: string | undefined
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly error?: { readonly code: string; readonly message: string }
  /** Milliseconds until the next attempt, unless this was the last. */
  readonly retryAfterMs?: number
}

/**
 * A delivery whose outcome stayed unknown this often is dead: something about it ends the process that sends it. The last time
 * it was sent alone (claim.ts), so what was claimed beside it does not die of it.
 */
export const maxUnknowns = 3

/**
 * For statements that look up a batch of rows in big tables: the queue is nearly empty nearly always, so its statistics
 * mislead, and nested loops over the batch are right at every size. A generic plan, because planning over partitions costs
 * milliseconds. No pruning at run time: PostgreSQL 18.4 crashes, and the whole server with it, when a row was changed
 * concurrently in a statement that prunes inside a sub-select (seen in one of eight runs of six claimers).
 */
export const planForBatches = (tx: Tx) => tx`
  select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
         set_config('enable_seqscan', 'off', true), set_config('enable_partition_pruning', 'off', true),
         set_config('plan_cache_mode', 'force_generic_plan', true)`

/** What names a delivery and its claim. */
export const keyOf = ({ webhook_id, position, replay, lease }: Delivery) => ({ webhook_id, position, replay, lease })

/** What is kept of an attempt, whatever came of it. */
export const answerOf = ({ delivery, sentAt, durationMs, signature, status, headers, body }: Result) => ({
  attempt_id: delivery.attempt_id,
  url: delivery.webhook.url,
  method: delivery.webhook.method,
  sent_at: sentAt,
  duration_ms: durationMs,
  signature,
  status,
  headers,
  body,
})
