/**
 * The rows of a test: a delivery that ends with its one attempt. Its event is in no log. Until the answer is there, the
 * rows say that the outcome is unknown, which stays true when the process ends meanwhile.
 * Writes: delivery_history and attempt_history.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { BodyEnd } from "#base/egress/exchange.ts"
import type { ErrorClass } from "#base/egress/failures.ts"
import type { Trace } from "#base/egress/trace.ts"
import type { DomainEvent } from "#events/envelope.ts"
import type { MadeBody } from "#outbound/webhooks/formats/format.ts"
import { keepBody } from "#outbound/webhooks/formats/kept-bodies.ts"
import type { WebhookRow } from "#outbound/webhooks/rows.ts"
import type { HeaderDifference } from "./sent-headers.ts"

export interface TestDelivery {
  readonly webhook: WebhookRow
  /** The id of the log. */
  readonly epoch: string
  readonly event: DomainEvent
  readonly made: MadeBody
  /** Real time: the receiver compares it with its own. */
  readonly sentAt: Date
  readonly auth: Readonly<Record<string, string>>
  readonly signature?: string | undefined
}

export interface TestResult {
  readonly delivered: boolean
  readonly durationMs: number
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly bodyEnd?: BodyEnd
  readonly trace: Trace
  /** The headers as sent that do not follow from the row of the attempt; {}: nothing was sent. */
  readonly requestHeaders: HeaderDifference | undefined
  readonly errorClass?: ErrorClass
  readonly error?: { readonly code: string; readonly message: string }
}

/** Tests are numbered like replays, so that no test is taken for the delivery of an event. */
export const testReplay = 1
const unknown = "The outcome is unknown: the process ended during the test."

/** Writes the delivery and its attempt, before the request leaves. Answers their ids. */
export async function beginTest(
  tx: Tx,
  { webhook, event, made, sentAt, signature }: TestDelivery,
): Promise<{ readonly id: string; readonly attemptId: string }> {
  const key = { webhookId: webhook.id, eventId: event.id, replay: testReplay, facilityId: webhook.facility_id }
  await keepBody(tx, key, made, { eventType: event.type, isTest: true })
  const [row] = await tx<[{ id: string; attemptId: string }]>`
    with ids as (
      select d.id, slotbase.derived_id(${event.id}, d.id::text || '1') as attempt_id
      from (select slotbase.derived_id(${event.id}, ${webhook.id}::text || 'test') as id) d
    ), attempt as (
      insert into slotbase.attempt_history (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at,
        sent_at, outcome, signature, error_message, version, is_test)
      select ${event.id}, id, 1, attempt_id, ${webhook.facility_id}, ${webhook.id}, ${webhook.url}, ${webhook.method},
             slotbase.now(), ${sentAt}, 'unknown', ${signature ?? null}, ${unknown}, ${webhook.version}, true
      from ids
    ), delivery as (
      insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence,
        status, attempts, settled_at, error_message)
      select ${webhook.id}, ${event.id}, ${testReplay}, ${webhook.facility_id}, 0, id, 0, 'failed', 1, slotbase.now(), ${unknown}
      from ids
    )
    select id, attempt_id as "attemptId" from ids`
  return row
}

/** Writes what became of it. */
export async function endTest(db: Queryable, { webhook, event }: TestDelivery, result: TestResult): Promise<void> {
  const { delivered, error, status, headers, body, bodyEnd, durationMs, trace, requestHeaders, errorClass } = result
  const message = error?.message ?? null
  const json = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value))
  await db`
    with attempt as (
      update slotbase.attempt_history
      set outcome = ${delivered ? "delivered" : "failed"}, duration_ms = ${durationMs}, response_status = ${status ?? null},
          response_headers = ${json(headers)}::text::jsonb, response_body = ${body ?? null}, error_message = ${message},
          request_headers = ${json(requestHeaders)}::text::jsonb, address = ${trace.address ?? null},
          connection_reused = ${trace.isReused ?? null}, dns_ms = ${trace.dnsMs ?? null},
          connect_ms = ${trace.connectMs ?? null}, tls_ms = ${trace.tlsMs ?? null},
          first_byte_ms = ${trace.firstByteMs ?? null}, body_ms = ${trace.bodyMs ?? null},
          body_end = ${bodyEnd === "complete" ? null : (bodyEnd ?? null)}, error_class = ${errorClass ?? null},
          error_code = ${error?.code ?? null}
      where event_id = ${event.id} and facility_id = ${webhook.facility_id} and attempt = 1
    )
    update slotbase.delivery_history
    set status = ${delivered ? "delivered" : "failed"}, settled_at = slotbase.now(), error_message = ${message}
    where webhook_id = ${webhook.id} and event_id = ${event.id} and replay = ${testReplay}
      and facility_id = ${webhook.facility_id}`
}
