/**
 * All event types in one list: the spec's 34, and the domain's additional types of origin `slotbase`.
 * Types, checks, JSON Schemas and the answers of `/v1/event-types` come from this list, so they cannot disagree.
 * To add a type, add it to its area's file.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import type { EventDefinition } from "./definition.ts"
import { accountEvents } from "./types/account.ts"
import { bookingEvents } from "./types/booking.ts"
import { bookingChangeEvents } from "./types/booking-changes.ts"
import { calendarSyncEvents } from "./types/calendar.ts"
import { coachEvents } from "./types/coach.ts"
import { debtEvents } from "./types/debt.ts"
import { facilityEvents } from "./types/facility.ts"
import { feedbackEvents } from "./types/feedback.ts"
import { jobEvents } from "./types/job.ts"
import { memberEvents } from "./types/member.ts"
import { messageEvents } from "./types/message.ts"
import { paymentEvents } from "./types/payment.ts"
import { platformEvents } from "./types/platform.ts"
import { reminderEvents } from "./types/reminder.ts"
import { reportEvents } from "./types/report.ts"
import { recurringEvents } from "./types/series.ts"
import { subscriptionEvents } from "./types/subscription.ts"
import { userEvents } from "./types/user.ts"
import { waitlistEvents } from "./types/waitlist.ts"
import { webhookEvents } from "./types/webhook.ts"

const all = [
  ...bookingEvents,
  ...bookingChangeEvents,
  ...reminderEvents,
  ...waitlistEvents,
  ...recurringEvents,
  ...paymentEvents,
  ...debtEvents,
  ...subscriptionEvents,
  ...coachEvents,
  ...calendarSyncEvents,
  ...feedbackEvents,
  ...userEvents,
  ...accountEvents,
  ...memberEvents,
  ...messageEvents,
  ...facilityEvents,
  ...webhookEvents,
  ...platformEvents,
  ...jobEvents,
  ...reportEvents,
] as const
type Definition = (typeof all)[number]

export type EventType = Definition["type"]

/** The data of an event of type `T`, as its Schema has it. */
export type EventData<T extends EventType> = Extract<Definition, { readonly type: T }>["schema"]["Type"]

export const catalogue: readonly EventDefinition[] = Object.freeze([...all])

const definitions = byType(catalogue)

/** The definition of a type; undefined when the catalogue has none of that name. */
export function definitionOf(type: string): EventDefinition | undefined {
  return definitions.get(type)
}

/**
 * The types that a facility's webhook may subscribe to: the spec's FACILITY_WEBHOOK_EVENTS, and those beside them that
 * change what a partner was told.
 */
export const facilityWebhookEvents: readonly EventType[] = Object.freeze(
  all.filter((definition) => definition.facilityWebhook).map((definition) => definition.type),
)

/** Data that violates the Schema of its event type. Each path is dotted, such as `participants.0.userId`. */
export class InvalidEvent extends Error {
  readonly _tag = "InvalidEvent"
  override readonly name = "InvalidEvent"
  readonly type: string
  readonly issues: readonly { readonly path: string; readonly message: string }[]

  constructor(type: string, issues: InvalidEvent["issues"]) {
    super(`${type} is not valid: ${issues.map(({ path, message }) => `${path || "data"}: ${message}`).join("; ")}`)
    this.type = type
    this.issues = issues
  }
}

/** Enough to find the fault. Data with thousands of unknown keys must not cause an error with thousands of lines. */
const maxIssues = 50

/**
 * Throws `InvalidEvent` unless the data matches the type's Schema exactly. No field may be missing, wrong or unknown.
 * An optional field is absent, never null or undefined.
 */
export function checkData(type: EventType, data: unknown): void {
  const check = checks.get(type)
  if (check === undefined) throw new InvalidEvent(type, [{ path: "type", message: "Unknown event type" }])
  const result = check(data)
  if (Result.isSuccess(result)) return
  const { issues } = formatIssue(result.failure.issue)
  throw new InvalidEvent(
    type,
    issues.slice(0, maxIssues).map(({ path, message }) => ({ path: dotted(path), message })),
  )
}

/** The JSON Schema (draft 2020-12) of a type's data, closed: unknown fields are refused at every depth. */
export function eventJsonSchemaOf(type: EventType): Readonly<Record<string, unknown>> {
  const definition = definitions.get(type)
  if (definition === undefined) throw new InvalidEvent(type, [{ path: "type", message: "Unknown event type" }])
  const { schema } = Schema.toJsonSchemaDocument(definition.schema, {
    onExcessProperty: "error",
    includeAnnotationKey: (key) => key === "format",
  })
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: type,
    description: definition.description,
    ...schema,
  }
}

/** The definitions by their type. Two definitions of one type are a mistake in the list. */
export function byType(list: readonly EventDefinition[]): ReadonlyMap<string, EventDefinition> {
  const map = new Map<string, EventDefinition>()
  for (const definition of list) {
    if (map.has(definition.type)) throw new Error(`The catalogue has the event type ${definition.type} twice.`)
    map.set(definition.type, definition)
  }
  return map
}

// Compiled once per type.
const checks = new Map(
  catalogue.map(({ type, schema }) => [
    type,
    Schema.decodeUnknownResult(schema, { errors: "all", onExcessProperty: "error" }),
  ]),
)

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

function dotted(path: readonly unknown[] | undefined): string {
  return (path ?? []).map((part) => String(part)).join(".")
}
