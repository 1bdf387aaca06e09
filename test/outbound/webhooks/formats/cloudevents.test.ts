// CloudEvents in both modes, read back by the SDK of the project.

import { describe, expect, test } from "bun:test"
import { type CloudEvent, HTTP } from "cloudevents"
import { describeEventType } from "#events/describe.ts"
import type { DomainEvent } from "#events/envelope.ts"
import { binaryCloudEvent, structuredCloudEvent } from "#outbound/webhooks/formats/cloudevents.ts"

const event: DomainEvent = describeEventType("booking.confirmed").sample
const { id, facilityId, correlationId, causationId, userId, organizationId } = event

const attributes = {
  specversion: "1.0",
  id,
  source: `/v1/facilities/${facilityId}`,
  type: "booking.confirmed",
  time: event.occurredAt,
  recordedtime: event.timestamp,
  dataversion: "1.0",
  service: "booking-service",
  correlationid: correlationId,
  ...(causationId !== undefined && { causationid: causationId }),
  ...(userId !== undefined && { userid: userId }),
  ...(organizationId !== undefined && { organizationid: organizationId }),
  environment: event.metadata.environment,
}

const read = ({ body, contentType, headers }: ReturnType<typeof binaryCloudEvent>) => {
  const found = HTTP.toEvent({ headers: { ...headers, "content-type": contentType }, body })
  if (Array.isArray(found)) throw new Error("one event was expected")
  return found as CloudEvent<unknown>
}

describe("structured", () => {
  test("the body is the envelope, and the content type says so", () => {
    const made = structuredCloudEvent(event)
    expect(made.contentType).toBe("application/cloudevents+json; charset=utf-8")
    expect(made.headers).toEqual({})
    expect(JSON.parse(made.body)).toEqual({ ...attributes, datacontenttype: "application/json", data: event.data })
  })

  test("the SDK takes it as a valid event", () => {
    const found = read(structuredCloudEvent(event))
    expect(found.validate()).toBe(true)
    expect([found.id, found.type, found.source, found.data]).toEqual([
      id,
      event.type,
      `/v1/facilities/${facilityId}`,
      event.data,
    ])
  })
})

describe("binary", () => {
  test("the body is the data, and the attributes are headers", () => {
    const made = binaryCloudEvent(event)
    expect(made.contentType).toBe("application/json")
    expect(JSON.parse(made.body)).toEqual(event.data)
    expect(made.headers).toEqual(Object.fromEntries(Object.entries(attributes).map(([k, v]) => [`ce-${k}`, v])))
  })

  test("the SDK takes it as a valid event", () => {
    const found = read(binaryCloudEvent(event))
    expect(found.validate()).toBe(true)
    expect([found.id, found.data]).toEqual([id, event.data])
  })

  test("what no header can hold is percent-encoded, as the HTTP binding says", () => {
    const { headers } = binaryCloudEvent({ ...event, source: 'Küche "1" 100%\r\nX: €' })
    expect(headers["ce-service"]).toBe("K%C3%BCche%20%221%22%20100%25%0D%0AX:%20%E2%82%AC")
  })
})

test("attribute names are lower-case letters and digits, at most twenty", () => {
  const { data: _, ...rest } = JSON.parse(structuredCloudEvent(event).body)
  expect(Object.keys(rest).filter((name) => !/^[a-z0-9]{1,20}$/.test(name))).toEqual([])
})

test("a test event is marked", () => {
  const marked = { ...event, metadata: { ...event.metadata, test: true as const } }
  expect(JSON.parse(structuredCloudEvent(marked).body).slotbasetest).toBe(true)
  expect(binaryCloudEvent(marked).headers["ce-slotbasetest"]).toBe("true")
})
