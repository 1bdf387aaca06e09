// The specification's payload for Zapier and Make.

import { expect, test } from "bun:test"
import { describeEventType } from "#events/describe.ts"
import { zapierBody } from "#outbound/webhooks/formats/zapier.ts"

test("the body is exactly the specification's ZapierWebhookPayload", () => {
  const event = describeEventType("booking.confirmed").sample
  const { body, contentType, headers } = zapierBody(event, {
    id: "f-1",
    name: "Riverside",
    timezone: "Europe/Berlin",
  })
  expect([contentType, headers]).toEqual(["application/json", {}])
  expect(JSON.parse(body)).toEqual({
    event_type: "booking.confirmed",
    timestamp: event.timestamp,
    facility: { id: "f-1", name: "Riverside" },
    data: event.data,
  })
})
