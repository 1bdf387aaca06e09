// The AsyncAPI document, and the webhooks of the OpenAPI document: valid by their own parsers, and true of what leaves.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { Parser } from "@asyncapi/parser"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Webhook as StandardWebhook } from "standardwebhooks"
import { asyncApiDocument } from "#api/asyncapi.ts"
import { exampleSecret, webhookHeaders, webhookMessages } from "#api/webhook-messages.ts"
import { catalogue, facilityWebhookEvents } from "#events/catalogue.ts"
import { channelPatterns } from "#events/definition.ts"
import { samplesEvent } from "#events/describe.ts"
import { example } from "#events/example.ts"
import { framesOf, type LogRow, textOf } from "#outbound/live/frames.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import type { JsonSchema, OpenApi } from "#test/harness/openapi/document.ts"
import { validatorOf } from "#test/harness/openapi/validator.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())

const get = (path: string, headers: Record<string, string> = {}) =>
  api.server.handle(new Request(`http://slotbase.test${path}`, { headers }))
const document = asyncApiDocument()
const { schemas, messages } = document.components
const faultsOf = (schema: object, value: unknown) =>
  validatorOf(document as unknown as OpenApi).faultsOf(schema as JsonSchema, value)

test("AsyncAPI's own parser finds no fault in the document", async () => {
  const { document: parsed, diagnostics } = await new Parser().parse(await (await get("/asyncapi.json")).text())
  expect(
    diagnostics.filter(({ severity }) => severity < 2).map(({ message, path }) => `${path.join(".")}: ${message}`),
  ).toEqual([])
  expect(parsed?.version()).toBe("3.0.0")
  expect(
    parsed
      ?.channels()
      .all()
      .map((channel) => channel.address() ?? null)
      .sort(),
  ).toEqual([null, "/v1/live", ...Object.keys(channelPatterns)].sort())
  // The parser takes seconds for a document of this size, and many of them on a busy machine.
}, 120_000)

test("a validator of OpenAPI finds no fault in the document with its webhooks", async () => {
  const text = await (await get("/openapi/json")).text()
  const result = await new Validator().validate(JSON.parse(text))
  expect(result.errors ?? []).toEqual([])
  expect(result.valid).toBe(true)
  expect(Object.keys(JSON.parse(text).webhooks)).toEqual([...facilityWebhookEvents])
})

test.each(facilityWebhookEvents)("%s: its sample fits its schema, and another type does not", (type) => {
  const schema = { $ref: `#/components/schemas/Event.${type}` }
  const sample = samplesEvent(type)
  expect(faultsOf(schema, sample)).toEqual([])
  expect(faultsOf(schema, { ...sample, type: "booking.eaten" })).not.toEqual([])
  expect(faultsOf(schema, { ...sample, data: { ...sample.data, more: 1 } })).not.toEqual([])
})

test("the headers of the examples are described, and their signatures verify", () => {
  for (const { type, body, headers } of webhookMessages()) {
    const unknown = Object.keys(headers).filter((name) => !(name in webhookHeaders))
    expect({ type, unknown }).toEqual({ type, unknown: [] })
    const missing = Object.entries(webhookHeaders).filter(([name, { optional }]) => !optional && !(name in headers))
    expect({ type, missing }).toEqual({ type, missing: [] })
    const known = new StandardWebhook(exampleSecret)
    const sentAt = Number(headers["webhook-timestamp"]) * 1000
    expect(`v1,${known.sign(headers["webhook-id"] ?? "", new Date(sentAt), JSON.stringify(body)).slice(3)}`).toBe(
      headers["webhook-signature"] as string,
    )
  }
  expect(faultsOf(schemas.WebhookHeaders as object, webhookMessages()[0]?.headers)).toEqual([])
})

test("every frame that an event makes fits its message", () => {
  const seen = new Set<string>()
  for (const { type, sample } of catalogue) {
    const frames = framesOf({ ...row, type, data: sample }).map((frame) =>
      JSON.parse(textOf(frame, "6f1c2ad4b0937e58")),
    )
    for (const frame of frames) {
      const message = messages[`frame.${frame.type}` as keyof typeof messages] as { payload: object }
      seen.add(frame.type)
      expect({ type, faults: faultsOf(message.payload, frame) }).toEqual({ type, faults: [] })
    }
  }
  expect([...seen].sort()).toEqual(["booking.update", "feedback.new"])
})

test("the example of every frame fits its schema", () => {
  for (const [name, message] of Object.entries(messages)) {
    const { payload, examples } = message as { payload: object; examples: { payload: unknown }[] }
    for (const each of examples) expect({ name, faults: faultsOf(payload, each.payload) }).toEqual({ name, faults: [] })
  }
})

test.each(["/asyncapi.json", "/openapi/json"])("%s is bounded, and a client that has it gets no body", async (path) => {
  const first = await get(path)
  const etag = first.headers.get("etag") ?? ""
  expect([first.status, etag]).toEqual([200, expect.stringMatching(/^"[\w-]{43}"$/)])
  expect((await first.text()).length).toBeLessThan(2_000_000)
  for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
    const again = await get(path, { "if-none-match": tags })
    expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag])
  }
  expect((await get(path, { "if-none-match": '"x"' })).status).toBe(200)
})

const row: LogRow = {
  position: 7,
  event_id: example.eventId,
  facility_id: example.facilityId,
  type: "",
  data: null,
  timestamp: new Date(example.bookedAt),
  timezone: "Europe/Berlin",
  longest_buffer: 0,
  booking_id: example.bookingId,
  booker_id: example.playerId,
  participant_ids: [],
  stretch: null,
  notices: null,
}
