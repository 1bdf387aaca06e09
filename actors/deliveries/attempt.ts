/** One attempt: signs the request, sends it through the egress guard, and judges the answer. Touches no table. */

import { delayAfter, retryConfig } from "#actors/runtime/retry.ts"
import { EgressRefused, RequestFailed } from "#base/egress/failures.ts"
import { guardedFetch, type OutgoingAnswer } from "#base/egress/fetch.ts"
import type { SecretBox } from "#base/secrets.ts"
import { openAuth } from "#outbound/webhooks/auth.ts"
import { BodyNotMade, type MadeBody } from "#outbound/webhooks/formats/format.ts"
import type { AuthConfig } from "#outbound/webhooks/input.ts"
import { authHeaders, plainHeaders } from "#outbound/webhooks/request.ts"
import type { AttemptResult, ClaimedDelivery, TargetWebhook } from "./delivery.ts"

export interface AttemptTools {
  readonly secrets: SecretBox
  /** Networks that may be reached although they are not public. */
  readonly allow: readonly string[]
  readonly signal: AbortSignal
  /** From 0 to 1: spreads the retries. */
  readonly random: () => number
  /** Of a request, over everything. */
  readonly timeoutMs: number
  /** The body in the webhook's format; undefined: the event's own text. */
  readonly bodyOf: (delivery: ClaimedDelivery, text: string) => Promise<MadeBody | undefined>
}

/** The specification's ceiling for webhooks. */
const maxDelayMs = retryConfig.handlers.WebhookHandler?.maxDelayMs ?? 3_600_000
/** Retries are spread by up to ±20 %, so that a receiver that comes back does not get all of them at once. */
const jitter = 0.2

export async function makeAttempt(delivery: ClaimedDelivery, tools: AttemptTools): Promise<AttemptResult> {
  const startedAt = performance.now()
  // Real time, never the movable clock: the receiver compares it with its own.
  let sentAt = new Date()
  let signature: string | undefined
  try {
    const { webhook, event } = delivery
    if (!event) throw new EventGone()
    const made = hasPlainBody(webhook) ? undefined : await tools.bodyOf(delivery, event.body)
    if (made) sentAt = new Date()
    const body = made?.body ?? event.body
    const request = requestOf(delivery, { type: event.type, body, made }, sentAt, tools.secrets)
    signature = request.signature
    const answer = await guardedFetch(webhook.url, {
      method: webhook.method,
      headers: request.headers,
      body,
      timeoutMs: tools.timeoutMs,
      allow: tools.allow,
      signal: tools.signal,
    })
    const { status, headers, body: answerBody, durationMs } = answer
    if (status >= 200 && status < 300)
      return { delivery, outcome: "delivered", sentAt, signature, status, headers, body: answerBody, durationMs }
    const judged = judge(delivery, answer, tools.random)
    return { delivery, sentAt, signature, status, headers, body: answerBody, durationMs, ...judged }
  } catch (error) {
    const durationMs = performance.now() - startedAt
    return { delivery, sentAt, signature, durationMs, ...judgeFailure(delivery, error, tools.random) }
  }
}

class EventGone extends Error {}
type EventText = NonNullable<ClaimedDelivery["event"]> & { readonly made: MadeBody | undefined }

/** Its bodies are the events' own texts, and always were. */
const hasPlainBody = ({ format, format_changed_at }: TargetWebhook) =>
  format === "slotbase" && format_changed_at === null

function requestOf(delivery: ClaimedDelivery, { type, body, made }: EventText, sentAt: Date, secrets: SecretBox) {
  const timestamp = Math.floor(sentAt.getTime() / 1000)
  const attempt = {
    attemptId: delivery.attempt_id,
    eventId: delivery.event_id,
    eventType: type,
    sequence: delivery.sequence,
    position: delivery.position,
  }
  const auth = authHeaders(delivery.webhook.auth_type, authOf(delivery.webhook, secrets), {
    eventId: delivery.event_id,
    body,
    timestamp,
  })
  const headers = plainHeaders(attempt, timestamp)
  if (made) Object.assign(headers, made.headers, { "Content-Type": made.contentType })
  return { headers: { ...headers, ...auth.headers }, signature: auth.signature }
}

type Judgement = Pick<AttemptResult, "outcome" | "error" | "retryAfterMs">

/** Judges an answer that is no 2xx. */
function judge(delivery: ClaimedDelivery, { status, headers }: OutgoingAnswer, random: () => number): Judgement {
  const redirected = status >= 300 && status < 400 ? ": redirects are not followed" : ""
  const error = { code: `http_${status}`, message: `The receiver answered ${status}${redirected}.` }
  if (status === 410) return { outcome: "gone", error }
  const wait = retryDelay(retryOf(delivery), random, headers["retry-after"])
  return { outcome: "failed", error, ...(wait !== undefined && { retryAfterMs: wait }) }
}

function judgeFailure(delivery: ClaimedDelivery, cause: unknown, random: () => number): Judgement {
  if (cause instanceof EventGone)
    return { outcome: "failed", error: { code: "event_gone", message: "The event is no longer kept." } }
  if (cause instanceof RequestFailed && cause.code === "aborted")
    return { outcome: "unknown", error: { code: "unknown_outcome", message: cause.message } }
  const known = cause instanceof RequestFailed || cause instanceof EgressRefused || cause instanceof BodyNotMade
  // Any other error is a fault of this program, such as a secret that cannot be opened: it must not end the actor.
  const error = known
    ? { code: cause.code, message: cause.message }
    : {
        code: "not_sent",
        message: `The request could not be made: ${cause instanceof Error ? cause.message : String(cause)}`,
      }
  const wait = retryDelay(retryOf(delivery), random)
  return { outcome: "failed", error, ...(wait !== undefined && { retryAfterMs: wait }) }
}

const retryOf = ({ failures, webhook }: ClaimedDelivery) => ({ ...webhook, failures })

/** Milliseconds until the next attempt; undefined when the retries are used up. Retry-After may ask for longer. */
export function retryDelay(
  retry: Pick<ClaimedDelivery, "failures"> &
    Pick<TargetWebhook, "max_retries" | "retry_delay_ms" | "backoff_multiplier">,
  random: () => number,
  retryAfter?: string,
): number | undefined {
  const delay = delayAfter(retry.failures + 1, {
    maxRetries: retry.max_retries,
    delayMs: retry.retry_delay_ms,
    backoffMultiplier: retry.backoff_multiplier,
    maxDelayMs,
  })
  if (delay === undefined) return undefined
  const spread = delay * (1 + jitter * (2 * random() - 1))
  return Math.round(Math.min(maxDelayMs, Math.max(spread, askedMs(retryAfter))))
}

/** Milliseconds of a Retry-After (RFC 9110, 10.2.3), which is seconds or a date; 0 for any other text. */
function askedMs(text: string | undefined): number {
  if (text === undefined) return 0
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? 0 : Math.max(0, at - Date.now())
}

/** Opened secrets by webhook, as long as the webhook is unchanged. */
const opened = new Map<string, { readonly of: TargetWebhook; readonly config: AuthConfig }>()
const maxOpened = 1_000

function authOf(webhook: TargetWebhook, secrets: SecretBox): AuthConfig {
  const known = opened.get(webhook.id)
  if (known?.of === webhook || (known && isSame(known.of, webhook))) return known.config
  const config = openAuth(secrets, webhook.id, webhook.auth_config)
  if (opened.size >= maxOpened) opened.delete(opened.keys().next().value ?? "")
  opened.set(webhook.id, { of: webhook, config })
  return config
}

const isSame = (a: TargetWebhook, b: TargetWebhook) =>
  a.updated_at.getTime() === b.updated_at.getTime() && sameBytes(a.auth_config, b.auth_config)

const sameBytes = (a: Uint8Array | null, b: Uint8Array | null) =>
  a === b || (a !== null && b !== null && Buffer.compare(a, b) === 0)
