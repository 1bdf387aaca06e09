/**
 * A test of a webhook: the catalogue's sample, sent once and now, also to a webhook that is switched off. It is made
 * and signed like every delivery, has an event id of its own, and is marked. No log, handler or other webhook sees it.
 */
import type { Db } from "#base/database/db.ts"
import { EgressRefused, errorClassOf, RequestFailed } from "#base/egress/failures.ts"
import { guardedFetch } from "#base/egress/fetch.ts"
import { headersIn } from "#base/egress/request-head.ts"
import type { Trace } from "#base/egress/trace.ts"
import { InvalidInput, NotFound, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import type { SecretBox } from "#base/secrets.ts"
import type { EventType } from "#events/catalogue.ts"
import type { DomainEvent } from "#events/envelope.ts"
import { openCurrentAuth } from "#outbound/webhooks/auth.ts"
import { BodyNotMade } from "#outbound/webhooks/formats/format.ts"
import { makeBody } from "#outbound/webhooks/formats/make-body.ts"
import { bodyFacility, sampleEvent, wantedTypes } from "#outbound/webhooks/formats/preview.ts"
import { answerBodyMs, authHeaders, plainHeaders, refusedBy } from "#outbound/webhooks/request.ts"
import type { WebhookRow } from "#outbound/webhooks/rows.ts"
import { withoutEchoes } from "./echoes.ts"
import { headerDifference } from "./sent-headers.ts"
import { endTest, type TestDelivery, type TestResult } from "./test-rows.ts"

export interface TestTools {
  readonly db: Db
  readonly secrets: SecretBox
  readonly environment: DomainEvent["metadata"]["environment"]
  /** Networks that may be reached although they are not public. */
  readonly allow: readonly string[]
}

/** The header of a test, and only of a test. */
export const testHeader = "X-SlotBase-Test"

/**
 * Makes the request and sends nothing yet.
 * @param type one of the webhook's types; undefined: the first of them
 */
export async function prepareTest(
  { db, secrets, environment }: TestTools,
  facilityId: string,
  webhookId: string,
  type: EventType | undefined,
): Promise<TestDelivery> {
  const [webhook] = await db<(WebhookRow & { readonly rotated: boolean; readonly epoch: string })[]>`
    select *, coalesce(rotation_ends_at <= slotbase.now(), false) as rotated, slotbase.log_epoch() as epoch
    from slotbase.webhooks where id = ${webhookId} and facility_id = ${facilityId} and deleted_at is null`
  if (!webhook) throw new NotFound("webhook", webhookId)
  const types = wantedTypes(webhook.events)
  const chosen = type ?? types[0]
  if (chosen === undefined || !types.includes(chosen))
    throw new InvalidInput([{ path: "body.type", message: "None of the webhook's events" }])
  const event = testEvent(chosen, facilityId, environment)
  try {
    const made = await makeBody(JSON.stringify(event), webhook, await bodyFacility(db, facilityId))
    const sentAt = new Date()
    const { headers, signature } = authHeaders(webhook.auth_type, openCurrentAuth(secrets, webhook), {
      eventId: event.id,
      body: made.body,
      timestamp: secondsOf(sentAt),
    })
    return { webhook, epoch: webhook.epoch, event, made, sentAt, auth: headers, signature }
  } catch (error) {
    throw error instanceof BodyNotMade ? new WrongState(error.code, error.message) : error
  }
}

/** Sends it, and writes what became of it. @param attemptId of the written attempt */
export async function sendTest(tools: TestTools, test: TestDelivery, attemptId: string): Promise<TestResult> {
  const result = await exchangeTest(tools, test, attemptId)
  await endTest(tools.db, test, result)
  return result
}

/** The catalogue's sample as an event of now, with an id of its own. Its metadata has `test: true`. */
export function testEvent(
  type: EventType,
  facilityId: string,
  environment: DomainEvent["metadata"]["environment"],
): DomainEvent {
  const at = new Date().toISOString()
  const metadata = { environment, test: true }
  return {
    ...sampleEvent(type, facilityId),
    id: newId(),
    timestamp: at,
    occurredAt: at,
    correlationId: newId(),
    metadata,
  }
}

const secondsOf = (at: Date) => Math.floor(at.getTime() / 1000)

async function exchangeTest(
  { allow }: TestTools,
  { webhook, epoch, event, made, sentAt, auth, signature }: TestDelivery,
  attemptId: string,
): Promise<TestResult> {
  const startedAt = performance.now()
  const timestamp = secondsOf(sentAt)
  const attempt = { attemptId, eventId: event.id, eventType: event.type, sequence: 0, position: 0, replay: 0, epoch }
  const trace: Trace = {}
  const secret = webhook.auth_type === "signature" ? {} : auth
  const known = () => ({
    trace,
    requestHeaders:
      trace.head === undefined
        ? {}
        : headerDifference(
            headersIn(trace.head),
            { ...attempt, url: webhook.url, timestamp, signature: signature ?? null, payload: made.body },
            Object.keys(secret),
          ),
  })
  try {
    const answer = await guardedFetch(webhook.url, {
      method: webhook.method,
      headers: {
        ...plainHeaders(attempt, timestamp),
        ...made.headers,
        "Content-Type": made.contentType,
        [testHeader]: "true",
        ...auth,
      },
      body: made.body,
      bodyMs: answerBodyMs,
      trace,
      allow,
    })
    const delivered = answer.status >= 200 && answer.status < 300
    const refused = delivered ? {} : { errorClass: "status" as const, error: refusedBy(answer.status) }
    return { ...known(), ...withoutEchoes(answer, secret), ...refused, delivered }
  } catch (cause) {
    if (!(cause instanceof RequestFailed || cause instanceof EgressRefused)) throw cause
    const error = { code: cause.code, message: cause.message }
    return {
      ...known(),
      delivered: false,
      durationMs: performance.now() - startedAt,
      errorClass: errorClassOf(cause),
      error,
    }
  }
}
