/**
 * CloudEvents 1.0, by hand: the SDK 10 drops structured data of 0, false and "". In structured mode the body is the
 * whole envelope. In binary mode the body is the event's data, and the attributes are headers that begin with `ce-`.
 * Pure.
 */
import type { DomainEvent } from "#events/envelope.ts"
import type { MadeBody } from "./format.ts"

export function structuredCloudEvent(event: DomainEvent): MadeBody {
  const body = JSON.stringify({ ...attributesOf(event), datacontenttype: jsonType, data: event.data })
  return { body, contentType: "application/cloudevents+json; charset=utf-8", headers: {} }
}

export function binaryCloudEvent(event: DomainEvent): MadeBody {
  const headers = Object.entries(attributesOf(event)).map(([name, value]) => [`ce-${name}`, headerText(String(value))])
  return { body: JSON.stringify(event.data), contentType: jsonType, headers: Object.fromEntries(headers) }
}

const jsonType = "application/json"

/**
 * `id` and `source` together name the event. `time` is when it happened, and the extension `recordedtime` when SlotBase
 * recorded it. `correlationid` and `causationid` are extensions of the CloudEvents project, the others are SlotBase's.
 */
function attributesOf(event: DomainEvent): Readonly<Record<string, string | boolean>> {
  const { facilityId, causationId, userId, organizationId, metadata } = event
  return {
    specversion: "1.0",
    id: event.id,
    source: facilityId === undefined ? "/v1" : `/v1/facilities/${facilityId}`,
    type: event.type,
    time: event.occurredAt,
    recordedtime: event.timestamp,
    dataversion: event.version,
    service: event.source,
    correlationid: event.correlationId,
    ...(causationId !== undefined && { causationid: causationId }),
    ...(userId !== undefined && { userid: userId }),
    ...(organizationId !== undefined && { organizationid: organizationId }),
    environment: metadata.environment,
    ...("test" in metadata && { slotbasetest: true }),
  }
}

/** The HTTP binding, 3.1.3.2: what is not printable ASCII, and `"` and `%`, is percent-encoded UTF-8. */
const headerText = (text: string) =>
  text
    .toWellFormed()
    .replace(/[^\x21\x23\x24\x26-\x7e]/gu, (character) =>
      [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
    )
