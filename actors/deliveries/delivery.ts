/** A claimed delivery, with everything that sending it needs, and the result of its attempt. */
import type { Tx } from "#base/database/transaction.ts"
import type { BodyEnd } from "#base/egress/exchange.ts"
import type { ErrorClass } from "#base/egress/failures.ts"
import type { Trace } from "#base/egress/trace.ts"
import type { HeaderDifference } from "#outbound/webhooks/deliveries/sent-headers.ts"
import type { BodyFormat } from "#outbound/webhooks/formats/format.ts"
import type { AuthType } from "#outbound/webhooks/input.ts"

/** The webhook as it was read after the claim; one object for all deliveries of a claim. */
export interface TargetWebhook extends BodyFormat {
  readonly id: string
  readonly facility_id: string
  readonly url: string
  readonly method: string
  readonly auth_type: AuthType
  readonly auth_config: Uint8Array | null
  readonly next_auth_config: Uint8Array | null
  /** The rotation of its secret is over: next_auth_config alone counts. */
  readonly rotated: boolean
  /** Of its configuration; the attempt names it. */
  readonly version: number
  /** The id of the log, for the header. */
  readonly epoch: string
  readonly updated_at: Date
  readonly max_retries: number
  readonly retry_delay_ms: number
  readonly backoff_multiplier: number
  /** It has a rate, or is ordered: nothing is claimed ahead. */
  readonly paced: boolean
  readonly ordered: boolean
  /** Null: the webhook was made with its format. */
  readonly format_changed_at: Date | null
  /** Of the facility; null when the body is the event's own text. */
  readonly facility_name: string | null
  readonly timezone: string | null
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
  /** Of an ordered webhook: what its deliveries are in order of. */
  readonly aggregate_id: string | null
  /** Claimed by itself, because it was abandoned twice. */
  readonly quarantined: boolean
  /** Of the webhook's configuration, as the claim found it. */
  readonly claimed_version: number
  /** Requests to the webhook that this process may have under way: its share of max_concurrency, as of the claim. */
  readonly places: number
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
  readonly errorClass?: ErrorClass
  readonly trace?: Trace
  /** The headers as sent that do not follow from the row of the attempt; {}: nothing was sent. */
  readonly requestHeaders?: HeaderDifference | undefined
  readonly bodyEnd?: BodyEnd
  /** Milliseconds until the next quick try; undefined when there is none. */
  readonly retryAfterMs?: number
  /** The quick tries are used up: the job webhook-retry goes on with the delivery, if there is time. */
  readonly usedUp?: boolean
  /** The request has reached nobody. The attempt uses up no try, and the delivery is due again at once. */
  readonly notReceived?: boolean
  /** Milliseconds for which the receiver wants no requests at all (Retry-After). The attempt uses up no try. */
  readonly pauseMs?: number
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
export const attemptColumns = ({
  delivery,
  sentAt,
  durationMs,
  signature,
  status,
  headers,
  body,
  requestHeaders,
  trace,
  bodyEnd,
  errorClass,
}: AttemptResult) => ({
  attempt_id: delivery.attempt_id,
  url: delivery.webhook.url,
  method: delivery.webhook.method,
  version: delivery.webhook.version,
  sent_at: sentAt,
  duration_ms: durationMs,
  signature,
  status,
  headers,
  body,
  request_headers: requestHeaders,
  address: trace?.address,
  reused: trace?.isReused,
  dns_ms: trace?.dnsMs,
  connect_ms: trace?.connectMs,
  tls_ms: trace?.tlsMs,
  first_byte_ms: trace?.firstByteMs,
  body_ms: trace?.bodyMs,
  body_end: keptBodyEnd(bodyEnd),
  class: errorClass,
})

/** A whole body is the rule, and costs nothing in the row. */
export const keptBodyEnd = (end: BodyEnd | undefined) => (end === "complete" ? undefined : end)
