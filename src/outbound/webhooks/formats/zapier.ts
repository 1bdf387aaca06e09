/** The spec's ZapierWebhookPayload, made of an event and the name of its facility. Samples and deliveries share it. */
import * as Schema from "effect/Schema"
import { Id, Instant, JsonObject, Text } from "#base/schema/fact-fields.ts"
import type { DomainEvent } from "#events/envelope.ts"
import type { BodyFacility, MadeBody } from "./format.ts"

export const ZapierPayload = Schema.Struct({
  event_type: Text,
  timestamp: Instant.annotateKey({ description: "when SlotBase recorded the event" }),
  facility: Schema.Struct({ id: Id, name: Text }),
  data: JsonObject.annotateKey({ description: "the data of the event, by its type in the catalogue" }),
})
export type ZapierPayload = typeof ZapierPayload.Type

/** An event of another facility is a mistake of the caller: only a facility's own events reach its webhooks. */
export const zapierPayload = (
  { type, timestamp, data }: Pick<DomainEvent, "type" | "timestamp" | "data">,
  facility: { readonly id: string; readonly name: string },
): ZapierPayload => ({ event_type: type, timestamp, facility: { id: facility.id, name: facility.name }, data })

export const zapierBody = (event: DomainEvent, facility: BodyFacility): MadeBody => ({
  body: JSON.stringify(zapierPayload(event, facility)),
  contentType: "application/json",
  headers: {},
})
