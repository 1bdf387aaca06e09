/** The specification's `ZapierWebhookPayload` as a body: flat enough for the fields of Zapier and Make. Pure. */
import type { DomainEvent } from "#events/envelope.ts"
import { zapierPayload } from "#outbound/hooks/zapier-payload.ts"
import type { BodyFacility, MadeBody } from "./format.ts"

export const zapierBody = (event: DomainEvent, facility: BodyFacility): MadeBody => ({
  body: JSON.stringify(zapierPayload(event, facility)),
  contentType: "application/json",
  headers: {},
})
