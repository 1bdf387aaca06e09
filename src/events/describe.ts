/** The public description of a type: the answer of `GET /v1/event-types/{type}`, and sample events. */
import { definitionOf, type EventType, eventJsonSchemaOf, InvalidEvent } from "./catalogue.ts"
import type { EventDefinition } from "./definition.ts"
import type { DomainEvent } from "./envelope.ts"
import { example } from "./example.ts"

export interface EventTypeDescription
  extends Pick<
    EventDefinition,
    "type" | "version" | "origin" | "description" | "aggregate" | "facilityWebhook" | "channels" | "source"
  > {
  /** JSON Schema (draft 2020-12) of `data`. */
  readonly schema: Readonly<Record<string, unknown>>
  /** A whole event with every field, the optional ones included. */
  readonly sample: DomainEvent
}

/** Throws `InvalidEvent` when the catalogue has no such type. */
export function describeEventType(type: EventType): EventTypeDescription {
  const { version, origin, description, aggregate, facilityWebhook, channels, source } = known(type)
  return {
    type,
    version,
    origin,
    description,
    aggregate,
    facilityWebhook,
    channels,
    source,
    schema: eventJsonSchemaOf(type),
    sample: samplesEvent(type),
  }
}

/** A sample event, the same at every call. Throws `InvalidEvent` when the catalogue has no such type. */
export function samplesEvent(type: EventType): DomainEvent {
  const { version, source, sample } = known(type)
  return {
    id: example.eventId,
    type,
    version,
    timestamp: example.bookedAt,
    occurredAt: example.bookedAt,
    source,
    correlationId: example.correlationId,
    causationId: example.causationId,
    facilityId: example.facilityId,
    userId: example.playerId,
    organizationId: example.organizationId,
    data: structuredClone(sample) as DomainEvent["data"],
    metadata: {
      environment: "production",
      clientIp: "203.0.113.7",
      userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    },
  }
}

function known(type: EventType): EventDefinition {
  const definition = definitionOf(type)
  if (definition === undefined) throw new InvalidEvent(type, [{ path: "type", message: "Unknown event type" }])
  return definition
}
