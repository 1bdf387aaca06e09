/** A delivery as it is read, with its last attempt, and its answer in the API (the specification's WebhookDelivery). */
import * as Schema from "effect/Schema"
import type postgres from "postgres"
import type { Queryable } from "#base/database/db.ts"
import type { BodyEnd } from "#base/egress/exchange.ts"
import type { ErrorClass } from "#base/egress/failures.ts"
import { bodyNotMade } from "#outbound/webhooks/formats/format.ts"
import type { AuthType } from "#outbound/webhooks/input.ts"
import { type HeaderDifference, sentHeaders } from "./sent-headers.ts"

export const deliveryStatuses = ["pending", "retrying", "delivered", "failed"] as const
export type DeliveryStatus = (typeof deliveryStatuses)[number]

export interface DeliveryRow {
  readonly id: string
  readonly webhook_id: string
  readonly facility_id: string
  readonly event_id: string
  readonly replay: number
  readonly position: number
  readonly sequence: number
  readonly status: DeliveryStatus
  readonly attempts: number
  readonly ready_at: Date | null
  readonly under_way: boolean
  readonly error: string | null
  readonly url: string
  readonly method: string
  readonly auth_type: AuthType
  /** The id of the log. */
  readonly epoch: string
  readonly event_type: string
  readonly payload: string | null
  readonly is_test: boolean
  readonly first_attempt_at: Date | null
  /** The first delivery of the event to the webhook, when this one is another. */
  readonly first_id: string | null
  readonly last: AttemptRow | null
}

export interface AttemptRow {
  readonly id: string
  readonly attempt: number
  readonly url: string
  readonly method: string
  readonly outcome: "started" | "delivered" | "failed" | "unknown"
  readonly started_at: string
  readonly sent_at: string | null
  readonly duration_ms: number | null
  readonly signature: string | null
  readonly response_status: number | null
  readonly response_headers: Record<string, string> | null
  readonly response_body: string | null
  readonly error_message: string | null
  // Missing while the attempt is under way.
  readonly request_headers?: HeaderDifference | null
  readonly address?: string | null
  readonly connection_reused?: boolean | null
  readonly dns_ms?: number | null
  readonly connect_ms?: number | null
  readonly tls_ms?: number | null
  readonly first_byte_ms?: number | null
  readonly body_ms?: number | null
  readonly body_end?: Exclude<BodyEnd, "complete"> | null
  readonly error_class?: ErrorClass | null
  readonly error_code?: string | null
  readonly version?: number | null
}

/** The columns of both states of a delivery, so that they can be read as one. */
export const queued = (db: Queryable) => db`
  q.delivery_id as id, q.webhook_id, q.facility_id, q.event_id, q.replay, q.position, q.sequence,
  case when q.attempts > 0 then 'retrying' else 'pending' end as status, q.attempts, q.ready_at,
  q.lease is not null as under_way, q.errors -> -1 -> 'error' ->> 'message' as error,
  case when q.lease is not null then ${attemptUnderWay(db)} end as present`
export const settled = (db: Queryable) => db`
  h.delivery_id, h.webhook_id, h.facility_id, h.event_id, h.replay, h.position, h.sequence,
  h.status, h.attempts, null::timestamptz, false, h.error_message, null::jsonb`

/** From the row of the queue, like the view webhook_attempts. The view would be scanned for each delivery. */
const attemptUnderWay = (db: Queryable) => db`
  jsonb_build_object('id', ${attemptUnderWayId(db)}, 'attempt', q.attempts + 1, 'outcome', 'started', 'started_at', q.started_at,
    'sent_at', null, 'duration_ms', null, 'signature', null, 'response_status', null, 'response_headers', null,
    'response_body', null, 'error_message', null, 'version', q.claimed_version)`

export const attemptUnderWayId = (db: Queryable) => db`
  slotbase.derived_id(q.event_id, q.delivery_id::text || (q.attempts + 1)::text)`

/** Completes deliveries with their webhook, event and attempts; newest event first. */
export const complete = (db: Queryable, deliveries: postgres.Fragment) => db<DeliveryRow[]>`
  select d.*, w.url, w.method, w.auth_type, (select slotbase.log_epoch()) as epoch, coalesce(p.type, b.event_type) as event_type,
         coalesce(b.body, case when ${isPlain(db)} then slotbase.event_body(e) end) as payload, coalesce(b.is_test, false) as is_test,
         coalesce(f.started_at, (d.present ->> 'started_at')::timestamptz) as first_attempt_at,
         case when d.replay > 0 and d.sequence > 0 then slotbase.derived_id(d.event_id, d.webhook_id::text) end as first_id,
         coalesce(d.present || jsonb_build_object('url', w.url, 'method', w.method), to_jsonb(l)) as last
  from (${deliveries}) d
  join slotbase.webhooks w on w.id = d.webhook_id and w.facility_id = d.facility_id
  left join slotbase.event_positions p on p.position = d.position
  left join slotbase.delivery_bodies b on b.webhook_id = d.webhook_id and b.event_id = d.event_id and b.replay = d.replay
    and b.facility_id = d.facility_id
  left join slotbase.events e on e.id = d.event_id and e.facility_id = d.facility_id
  left join lateral (select started_at, error_message from slotbase.attempt_history
                     where event_id = d.event_id and delivery_id = d.id order by attempt limit 1) f on true
  left join lateral (select * from slotbase.attempt_history
                     where event_id = d.event_id and delivery_id = d.id order by attempt desc limit 1) l on true
  where p.position is not null or b.is_test
  order by d.event_id desc, d.replay desc, d.webhook_id desc`

/** Without a kept body: its text is the event's own, or was before the format was changed (formats/kept-bodies.ts). */
const isPlain = (db: Queryable) => db`
  (w.format = 'slotbase' or coalesce(f.started_at, (d.present ->> 'started_at')::timestamptz) < w.format_changed_at
     and coalesce(f.error_message, '') not like ${`${bodyNotMade}%`})`

const bodyEnds = ["cut", "late", "lost", "unreadable"] as const
const errorClasses = ["dns", "tls", "connection", "timeout", "status", "refused_by_guard", "other"] as const

const answered = {
  responseStatus: Schema.optionalKey(Schema.Int),
  responseBody: Schema.optionalKey(Schema.String).annotateKey({ description: "its first 16 KiB" }),
  responseHeaders: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  responseBodyEnd: Schema.optionalKey(Schema.Literals(bodyEnds)).annotateKey({
    description: "why responseBody is not whole; the status decides all the same",
  }),
  errorClass: Schema.optionalKey(Schema.Literals(errorClasses)),
  errorCode: Schema.optionalKey(Schema.String),
  errorMessage: Schema.optionalKey(Schema.String),
  durationMs: Schema.optionalKey(Schema.Finite),
}

const Timings = Schema.Struct({
  dns: Schema.optionalKey(Schema.Finite),
  connect: Schema.optionalKey(Schema.Finite),
  tls: Schema.optionalKey(Schema.Finite),
  firstByte: Schema.optionalKey(Schema.Finite),
  body: Schema.optionalKey(Schema.Finite),
})

const DeliveryAttempt = Schema.Struct({
  id: Schema.String.annotate({ description: "X-SlotBase-Delivery-ID of this attempt" }),
  attempt: Schema.Int,
  outcome: Schema.Literals(["started", "delivered", "failed", "unknown"]),
  startedAt: Schema.String,
  webhookVersion: Schema.optionalKey(Schema.Int).annotateKey({
    description: "the version of the webhook's configuration that the request used, when it is known",
  }),
  headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)).annotateKey({
    description: "as sent, credentials hidden; none: nothing was sent",
  }),
  address: Schema.optionalKey(Schema.String).annotateKey({ description: "that was dialled" }),
  connectionReused: Schema.optionalKey(Schema.Boolean),
  timings: Schema.optionalKey(Timings).annotateKey({
    description: "milliseconds of each phase; a phase that did not happen is missing",
  }),
  ...answered,
})

/** The specification's WebhookDelivery. */
export const Delivery = Schema.Struct({
  id: Schema.String,
  webhookId: Schema.String,
  eventId: Schema.String,
  eventType: Schema.String,
  url: Schema.String,
  method: Schema.String,
  headers: Schema.Record(Schema.String, Schema.String).annotate({
    description: "of the last attempt, without the webhook's credentials",
  }),
  payload: Schema.String.annotate({ description: "the body; empty: its format has not made it yet" }),
  ...answered,
  attemptCount: Schema.Int,
  firstAttemptAt: Schema.optionalKey(Schema.String),
  lastAttemptAt: Schema.optionalKey(Schema.String),
  nextRetryAt: Schema.optionalKey(Schema.String),
  status: Schema.Literals(deliveryStatuses),
  sequence: Schema.Int,
  position: Schema.Int,
  isResend: Schema.optionalKey(Schema.Literal(true)).annotateKey({
    description: "sent again by hand or by a replay: X-SlotBase-Redelivery says so to the receiver",
  }),
  resendOf: Schema.optionalKey(Schema.String).annotateKey({
    description: "the first delivery of the event to the webhook; missing when there was none",
  }),
  isTest: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "a sample that was sent to this webhook alone",
  }),
  attempts: Schema.optionalKey(Schema.Array(DeliveryAttempt)).annotateKey({ description: "of a single delivery" }),
})
export type Delivery = typeof Delivery.Type
type DeliveryAttempt = typeof DeliveryAttempt.Type

export function toDelivery(row: DeliveryRow, attempts?: readonly AttemptRow[]): Delivery {
  const { last } = row
  const error = row.status === "delivered" ? null : (row.error ?? last?.error_message ?? null)
  return {
    id: row.id,
    webhookId: row.webhook_id,
    eventId: row.event_id,
    eventType: row.event_type,
    url: last?.url ?? row.url,
    method: last?.method ?? row.method,
    headers: headersOf(row, last),
    payload: row.payload ?? "",
    ...answerOf(last),
    attemptCount: row.attempts,
    ...(row.first_attempt_at && { firstAttemptAt: row.first_attempt_at.toISOString() }),
    ...(last && { lastAttemptAt: iso(last.started_at) }),
    ...(row.ready_at && row.attempts > 0 && !row.under_way && { nextRetryAt: row.ready_at.toISOString() }),
    status: row.status,
    ...(error !== null && { errorMessage: error }),
    ...(last?.duration_ms != null && { durationMs: last.duration_ms }),
    sequence: row.sequence,
    position: row.position,
    ...(row.replay > 0 && !row.is_test && { isResend: true as const }),
    ...(row.first_id !== null && { resendOf: row.first_id }),
    ...(row.is_test && { isTest: true }),
    ...(attempts && { attempts: attempts.map((attempt) => toAttempt(row, attempt)) }),
  }
}

const toAttempt = (delivery: DeliveryRow, row: AttemptRow): DeliveryAttempt => ({
  id: row.id,
  attempt: row.attempt,
  outcome: row.outcome,
  startedAt: iso(row.started_at),
  ...(row.outcome !== "started" && { headers: headersOf(delivery, row) }),
  ...(row.address != null && { address: row.address }),
  ...(row.connection_reused != null && { connectionReused: row.connection_reused }),
  ...timingsOf(row),
  ...(row.version != null && { webhookVersion: row.version }),
  ...(row.duration_ms !== null && { durationMs: row.duration_ms }),
  ...answerOf(row),
  ...(row.error_message !== null && { errorMessage: row.error_message }),
})

const answerOf = (attempt: AttemptRow | null) => ({
  ...(attempt?.response_status != null && { responseStatus: attempt.response_status }),
  ...(attempt?.response_body != null && { responseBody: attempt.response_body }),
  ...(attempt?.response_headers && { responseHeaders: attempt.response_headers }),
  ...(attempt?.body_end != null && { responseBodyEnd: attempt.body_end }),
  ...(attempt?.error_class != null && { errorClass: attempt.error_class }),
  ...(attempt?.error_code != null && { errorCode: attempt.error_code }),
})

function timingsOf(row: AttemptRow) {
  const timings = {
    ...(row.dns_ms != null && { dns: row.dns_ms }),
    ...(row.connect_ms != null && { connect: row.connect_ms }),
    ...(row.tls_ms != null && { tls: row.tls_ms }),
    ...(row.first_byte_ms != null && { firstByte: row.first_byte_ms }),
    ...(row.body_ms != null && { body: row.body_ms }),
  }
  return Object.keys(timings).length > 0 ? { timings } : {}
}

/** The headers as sent, without credentials, with which their reader could pass for SlotBase. */
function headersOf(row: DeliveryRow, attempt: AttemptRow | null): Record<string, string> {
  if (!attempt) return {}
  return sentHeaders(attempt.request_headers ?? null, {
    attemptId: attempt.id,
    eventId: row.event_id,
    eventType: row.event_type,
    sequence: row.sequence,
    position: row.position,
    // A test has a number like a replay, and is sent without the mark of one.
    replay: row.is_test ? 0 : row.replay,
    epoch: row.epoch,
    url: attempt.url,
    timestamp: Math.floor(Date.parse(attempt.sent_at ?? attempt.started_at) / 1000),
    signature: attempt.signature,
    payload: row.payload,
  })
}

/** PostgreSQL's JSON has another form of instants. */
const iso = (text: string) => new Date(text).toISOString()
