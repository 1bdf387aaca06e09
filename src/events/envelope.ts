/**
 * The spec's `DomainEvent`, made from a row of slotbase.events.
 * Webhooks send the text that the SQL function slotbase.event_body() makes from the same row. A test keeps the two
 * equal.
 */
import * as Schema from "effect/Schema"
import { platformFacilityId } from "#base/ids.ts"
import { Id, Instant, JsonObject, Text } from "#base/schema/fact-fields.ts"

export const DomainEvent = Schema.Struct({
  id: Id,
  type: Text,
  version: Text,
  timestamp: Instant.annotateKey({ description: "when SlotBase recorded it" }),
  occurredAt: Instant.annotateKey({ description: "when it happened" }),
  source: Text,
  correlationId: Id,
  causationId: Schema.optionalKey(Id),
  facilityId: Schema.optionalKey(Id),
  userId: Schema.optionalKey(Id),
  organizationId: Schema.optionalKey(Id),
  data: JsonObject,
  metadata: Schema.Struct({
    environment: Schema.Literals(["production", "staging", "development"]),
    clientIp: Schema.optionalKey(Text),
    userAgent: Schema.optionalKey(Text),
  }),
})
export type DomainEvent = typeof DomainEvent.Type

/** A row of slotbase.events as the driver returns it. */
export interface EventRow {
  readonly id: string
  readonly facility_id: string
  readonly type: string
  readonly version: string
  readonly timestamp: Date
  readonly occurred_at: Date
  readonly source: string
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly user_id: string | null
  readonly organization_id: string | null
  readonly data: object
  readonly metadata: object
}

/** The event of a row. The row is trusted: its data was checked when it was recorded. */
export function toDomainEvent(row: EventRow): DomainEvent {
  const { environment, clientIp, userAgent } = row.metadata as DomainEvent["metadata"]
  return {
    id: row.id,
    type: row.type,
    version: row.version,
    timestamp: row.timestamp.toISOString(),
    occurredAt: row.occurred_at.toISOString(),
    source: row.source,
    correlationId: row.correlation_id,
    ...(row.causation_id !== null && { causationId: row.causation_id }),
    ...(row.facility_id !== platformFacilityId && { facilityId: row.facility_id }),
    ...(row.user_id !== null && { userId: row.user_id }),
    ...(row.organization_id !== null && { organizationId: row.organization_id }),
    data: row.data as DomainEvent["data"],
    metadata: {
      environment,
      ...(clientIp !== undefined && { clientIp }),
      ...(userAgent !== undefined && { userAgent }),
    },
  }
}
