/** One attempt: signs the request, sends it through the egress guard, and judges the answer. Touches no table. */

import { delayAfter, retryConfig } from "#actors/runtime/retry.ts"
import { EgressRefused, errorClassOf, RequestFailed } from "#base/egress/failures.ts"
import { guardedFetch, type OutgoingAnswer } from "#base/egress/fetch.ts"
import { headersIn } from "#base/egress/request-head.ts"
import { pauseAsked } from "#base/egress/retry-after.ts"
import type { Trace } from "#base/egress/trace.ts"
import type { SecretBox } from "#base/secrets.ts"
import { type OpenedAuth, openCurrentAuth } from "#outbound/webhooks/auth.ts"
import { withoutEchoes } from "#outbound/webhooks/deliveries/echoes.ts"
import {
  type HeaderDifference,
  headerDifference,
  signedDifference,
} from "#outbound/webhooks/deliveries/sent-headers.ts"
import { BodyNotMade, type MadeBody } from "#outbound/webhooks/formats/format.ts"
import { answerBodyMs, authHeaders, plainHeaders, refusedBy } from "#outbound/webhooks/request.ts"
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
  const trace: Trace = {}
  let request: SignedRequest | undefined
  const known = () => ({
    delivery,
    sentAt,
    signature: request?.signature,
    trace,
    requestHeaders: recordedHeaders(delivery, request, sentAt, trace),
  })
  try {
    const { webhook, event } = delivery
    if (!event) throw new EventGone()
    const made = hasPlainBody(webhook) ? undefined : await tools.bodyOf(delivery, event.body)
    if (made) sentAt = new Date()
    const body = made?.body ?? event.body
    request = requestOf(delivery, { type: event.type, body, made }, sentAt, tools.secrets)
    const answer = await guardedFetch(webhook.url, {
      method: webhook.method,
      headers: request.headers,
      body,
      timeoutMs: tools.timeoutMs,
      bodyMs: answerBodyMs,
      trace,
      allow: tools.allow,
      signal: tools.signal,
    })
    const { status, headers, body: answerBody, bodyEnd, durationMs } = withoutEchoes(answer, request.secret)
    const answered = { ...known(), status, headers, body: answerBody, bodyEnd, durationMs }
    if (status >= 200 && status < 300) return { ...answered, outcome: "delivered" }
    return { ...answered, errorClass: "status", ...judge(delivery, answer, tools.random) }
  } catch (error) {
    const durationMs = performance.now() - startedAt
    return { ...known(), durationMs, errorClass: errorClassOf(error), ...judgeFailure(delivery, error, tools.random) }
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
    epoch: delivery.webhook.epoch,
    replay: delivery.replay,
  }
  const auth = authHeaders(delivery.webhook.auth_type, authOf(delivery.webhook, secrets), {
    eventId: delivery.event_id,
    body,
    timestamp,
  })
  const headers = plainHeaders(attempt, timestamp)
  if (made) Object.assign(headers, made.headers, { "Content-Type": made.contentType })
  const isSigned = delivery.webhook.auth_type === "signature"
  return {
    headers: Object.assign(headers, auth.headers),
    signature: auth.signature,
    secret: isSigned ? {} : auth.headers,
    body,
    difference: isSigned && !made ? signedDifference(auth.headers) : undefined,
  }
}

type SignedRequest = ReturnType<typeof requestOf>

/** The headers as sent, for the record; {}: nothing was sent. */
function recordedHeaders(
  delivery: ClaimedDelivery,
  request: SignedRequest | undefined,
  sentAt: Date,
  { head }: Trace,
): HeaderDifference | undefined {
  if (head === undefined || !request) return {}
  if (request.difference) return request.difference
  const attempt = {
    attemptId: delivery.attempt_id,
    eventId: delivery.event_id,
    eventType: delivery.event?.type ?? "",
    sequence: delivery.sequence,
    position: delivery.position,
    replay: delivery.replay,
    epoch: delivery.webhook.epoch,
    url: delivery.webhook.url,
    timestamp: Math.floor(sentAt.getTime() / 1000),
    signature: request.signature ?? null,
    payload: request.body,
  }
  return headerDifference(headersIn(head), attempt, Object.keys(request.secret))
}

type Judgement = Pick<AttemptResult, "outcome" | "error" | "retryAfterMs" | "usedUp" | "pauseMs" | "notReceived">

/**
 * Judges an answer that is no 2xx. Retry-After is the endpoint's: nothing is sent to the webhook meanwhile. The pause
 * is never shorter than the first delay of the webhook's own.
 */
function judge(delivery: ClaimedDelivery, { status, headers }: OutgoingAnswer, random: () => number): Judgement {
  const error = refusedBy(status)
  if (status === 410) return { outcome: "gone", error }
  // By real time: the receiver's dates are of its own clock.
  const asked = pauseAsked(headers["retry-after"], Date.now())
  if (asked !== undefined)
    return { outcome: "failed", error, pauseMs: Math.max(asked, delivery.webhook.retry_delay_ms) }
  return { outcome: "failed", error, ...nextTry(delivery, random) }
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
  if (error.code === "not_received") return { outcome: "failed", error, notReceived: true, retryAfterMs: 0 }
  return { outcome: "failed", error, ...nextTry(delivery, random) }
}

function nextTry({ failures, webhook }: ClaimedDelivery, random: () => number) {
  const wait = retryDelay({ ...webhook, failures }, random)
  return wait === undefined ? { usedUp: true } : { retryAfterMs: wait }
}

/** Milliseconds until the next quick try; undefined when the quick tries are used up. */
export function retryDelay(
  retry: Pick<ClaimedDelivery, "failures"> &
    Pick<TargetWebhook, "max_retries" | "retry_delay_ms" | "backoff_multiplier">,
  random: () => number,
): number | undefined {
  const delay = delayAfter(retry.failures + 1, {
    maxRetries: retry.max_retries,
    delayMs: retry.retry_delay_ms,
    backoffMultiplier: retry.backoff_multiplier,
    maxDelayMs,
  })
  if (delay === undefined) return undefined
  return Math.round(Math.min(maxDelayMs, delay * (1 + jitter * (2 * random() - 1))))
}

/** Opened secrets by webhook, as long as the webhook is unchanged. */
const opened = new Map<string, { readonly of: TargetWebhook; readonly config: OpenedAuth }>()
const maxOpened = 1_000

function authOf(webhook: TargetWebhook, secrets: SecretBox): OpenedAuth {
  const known = opened.get(webhook.id)
  if (known?.of === webhook || (known && isSame(known.of, webhook))) return known.config
  const config = openCurrentAuth(secrets, webhook)
  if (opened.size >= maxOpened) opened.delete(opened.keys().next().value ?? "")
  opened.set(webhook.id, { of: webhook, config })
  return config
}

const isSame = (a: TargetWebhook, b: TargetWebhook) =>
  a.updated_at.getTime() === b.updated_at.getTime() &&
  a.rotated === b.rotated &&
  sameBytes(a.auth_config, b.auth_config) &&
  sameBytes(a.next_auth_config, b.next_auth_config)

const sameBytes = (a: Uint8Array | null, b: Uint8Array | null) =>
  a === b || (a !== null && b !== null && Buffer.compare(a, b) === 0)
