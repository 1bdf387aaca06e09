/** The envelope: a row becomes the spec's DomainEvent, and bytes that are always the same. */
import { describe, expect, test } from "bun:test"
import * as Schema from "effect/Schema"
import { platformFacilityId } from "#base/ids.ts"
import { catalogue, type EventType, eventJsonSchemaOf } from "#events/catalogue.ts"
import { describeEventType, samplesEvent } from "#events/describe.ts"
import { DomainEvent, type EventRow, toDomainEvent } from "#events/envelope.ts"

const decode = Schema.decodeUnknownSync(DomainEvent, { errors: "all", onExcessProperty: "error" })

const row: EventRow = {
  id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e23",
  facility_id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01",
  type: "resource.created",
  version: "1.0",
  timestamp: new Date("2026-03-09T16:20:30.125Z"),
  occurred_at: new Date("2026-03-09T16:20:30.000Z"),
  source: "facility-service",
  correlation_id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e24",
  causation_id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e25",
  user_id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e04",
  organization_id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e02",
  data: {
    name: "Court 1",
    facilityId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01",
    resourceId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e03",
    resourceType: "court",
  },
  metadata: { clientIp: "203.0.113.7", userAgent: 'curl/8.5 "é"', environment: "development" },
}
const sparse: EventRow = {
  ...row,
  facility_id: platformFacilityId,
  causation_id: null,
  user_id: null,
  organization_id: null,
  metadata: { environment: "production" },
}

describe("the event of a row", () => {
  test("is a DomainEvent, full or sparse", () => {
    expect(decode(toDomainEvent(row))).toEqual(toDomainEvent(row))
    expect(decode(toDomainEvent(sparse))).toEqual(toDomainEvent(sparse))
  })

  test("leaves out keys without a value", () => {
    expect(Object.keys(toDomainEvent(sparse))).toEqual([
      "id",
      "type",
      "version",
      "timestamp",
      "occurredAt",
      "source",
      "correlationId",
      "data",
      "metadata",
    ])
    expect(toDomainEvent(sparse).metadata).toStrictEqual({ environment: "production" })
  })

  test("with a key that the spec does not know is refused by the Schema", () => {
    expect(() => decode({ ...toDomainEvent(row), position: 7 })).toThrow("position")
    expect(() => decode({ ...toDomainEvent(row), metadata: { environment: "test" } })).toThrow("environment")
  })
})

describe.each(catalogue.map(({ type }) => type as EventType))("the description of %s", (type) => {
  test("has a whole event as its sample, the same each time", () => {
    expect(decode(samplesEvent(type))).toEqual(samplesEvent(type))
    expect(samplesEvent(type).type).toBe(type)
    expect(Object.keys(samplesEvent(type))).toHaveLength(13)
  })

  test("agrees with the catalogue", () => {
    const { schema, sample, ...rest } = describeEventType(type)
    const definition = catalogue.find((candidate) => candidate.type === type)
    expect(definition).toMatchObject(rest)
    expect(Object.keys(rest)).toEqual([
      "type",
      "version",
      "origin",
      "description",
      "aggregate",
      "facilityWebhook",
      "channels",
      "source",
    ])
    expect(schema).toEqual(eventJsonSchemaOf(type))
    expect(sample).toEqual(samplesEvent(type))
  })
})

test("an unknown type has no description and no sample", () => {
  expect(() => describeEventType("booking.imagined" as EventType)).toThrow("Unknown event type")
  expect(() => samplesEvent("booking.imagined" as EventType)).toThrow("Unknown event type")
})
