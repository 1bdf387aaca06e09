/**
 * A test of a webhook: the catalogue's sample, sent once and now, also to a webhook that is switched off. It is made
 * and signed like every delivery, has an event id of its own, and is marked. No log, handler or other webhook sees it.
 */
import type { Db } from "#base/database/db.ts"
import { EgressRefused, RequestFailed } from "#base/egress/failures.ts"
import { guardedFetch } from "#base/egress/fetch.ts"
import { InvalidInput, NotFound, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import type { SecretBox } from "#base/secrets.ts"
import type { EventType } from "#events/catalogue.ts"
import type { DomainEvent } from "#events/envelope.ts"
import { openAuth } from "#outbound/webhooks/auth.ts"
import { BodyNotMade } from "#outbound/webhooks/formats/format.ts"
import { makeBody } from "#outbound/webhooks/formats/make-body.ts"
import { bodyFacility, sampleEvent, wantedTypes } from "#outbound/webhooks/formats/preview.ts"
import { authHeaders, plainHeaders } from "#outbound/webhooks/request.ts"
import type { WebhookRow } from "#outbound/webhooks/rows.ts"
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
  const [webhook] = await db<WebhookRow[]>`
    select * from slotbase.webhooks where id = ${webhookId} and facility_id = ${facilityId} and deleted_at is null`
  if (!webhook) throw new NotFound("webhook", webhookId)
  const types = wantedTypes(webhook.events)
  const chosen = type ?? types[0]
  if (chosen === undefined || !types.includes(chosen))
    throw new InvalidInput([{ path: "body.type", message: "None of the webhook's events" }])
  const event = testEvent(chosen, facilityId, environment)
  try {
    const made = await makeBody(JSON.stringify(event), webhook, await bodyFacility(db, facilityId))
    const sentAt = new Date()
    const { headers, signature } = authHeaders(webhook.auth_type, openAuth(secrets, webhook.id, webhook.auth_config), {
      eventId: event.id,
      body: made.body,
      timestamp: secondsOf(sentAt),
    })
    return { webhook, event, made, sentAt, auth: headers, signature }
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
  { webhook, event, made, sentAt, auth }: TestDelivery,
  attemptId: string,
): Promise<TestResult> {
  const startedAt = performance.now()
  const attempt = { attemptId, eventId: event.id, eventType: event.type, sequence: 0, position: 0, replay: 0 }
  try {
    const answer = await guardedFetch(webhook.url, {
      method: webhook.method,
      headers: {
        ...plainHeaders(attempt, secondsOf(sentAt)),
        ...made.headers,
        "Content-Type": made.contentType,
        [testHeader]: "true",
        ...auth,
      },
      body: made.body,
      allow,
    })
    const { status, headers, body, durationMs } = answer
    const delivered = status >= 200 && status < 300
    return { delivered, durationMs, status, headers, body, error: `The receiver answered ${status}.` }
  } catch (error) {
    if (!(error instanceof RequestFailed || error instanceof EgressRefused)) throw error
    return { delivered: false, durationMs: performance.now() - startedAt, error: error.message }
  }
}
