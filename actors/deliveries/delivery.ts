/** A claimed delivery, with everything that sending it needs, and the result of its attempt. */
import type { Tx } from "#base/database/transaction.ts"
import type { AuthType } from "#outbound/webhooks/input.ts"

/** The webhook as it was read after the claim; one object for all deliveries of a claim. */
export interface TargetWebhook {
  readonly id: string
  readonly facility_id: string
  readonly url: string
  readonly method: string
  readonly auth_type: AuthType
  readonly auth_config: Uint8Array | null
  readonly format: string
  readonly facility_name: string
  readonly updated_at: Date
  readonly max_retries: number
  readonly retry_delay_ms: number
  readonly backoff_multiplier: number
  readonly max_concurrency: number
}

/** The row of the queue. */
export interface ClaimedRow {
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
  /** Claimed for the first time, in the order of the log; false: it was due or returned. */
  readonly fresh: boolean
  /** Claimed by itself, because it was abandoned twice. */
  readonly quarantined: boolean
}

export interface ClaimedDelivery extends ClaimedRow {
  readonly webhook: TargetWebhook
  /** Undefined when the event is no longer kept. */
  readonly event: { readonly type: string; readonly body: string } | undefined
  /** Of a quarantined delivery: lets the next one into quarantine. */
  readonly endQuarantine?: () => void
}

/**
 * - delivered: a 2xx, complete and in time.
 * - failed: counts against the retries.
 * - gone: a 410. The webhook is switched off and keeps the delivery.
 * - unknown: given up while under way, because the process stops.
 */
export interface AttemptResult {
  readonly delivery: ClaimedDelivery
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
 * A delivery whose outcome stayed unknown so often becomes a dead letter: something about it crashes the process that
 * sends it. The last time it was sent in quarantine (claim-rows.ts), so no neighbour was abandoned with it.
 */
export const maxUnknowns = 3

/**
 * For statements that look up a batch of rows in big tables. The queue is usually almost empty, so its statistics
 * mislead; nested loops over the batch are right at every size. The plan is generic, because planning over partitions
 * costs milliseconds. There is no pruning at run time. When a statement prunes inside a sub-select and a row was
 * changed concurrently, the whole PostgreSQL 18.4 server crashes. That happened in one of eight runs with six claimers.
 */
export const planForBatches = (tx: Tx) => tx`
  select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
         set_config('enable_seqscan', 'off', true), set_config('enable_partition_pruning', 'off', true),
         set_config('plan_cache_mode', 'force_generic_plan', true)`

/** The key of a delivery and of its claim. */
export const claimKeyOf = ({ webhook_id, position, replay, lease }: ClaimedDelivery) => ({
  webhook_id,
  position,
  replay,
  lease,
})

/** The part of an attempt that is kept for every outcome. */
export const attemptColumns = ({ delivery, sentAt, durationMs, signature, status, headers, body }: AttemptResult) => ({
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
