/** The specification's `ZapierWebhookPayload`: flat enough for the fields of Zapier and Make. Pure. */
import type { DomainEvent } from "#events/envelope.ts"
import type { BodyFacility, MadeBody } from "./format.ts"

export interface ZapierWebhookPayload {
  readonly event_type: string
  /** When it happened, an instant of UTC. */
  readonly timestamp: string
  readonly facility: { readonly id: string; readonly name: string }
  readonly data: object
}

export const zapierPayload = (event: DomainEvent, { id, name }: BodyFacility): ZapierWebhookPayload => ({
  event_type: event.type,
  timestamp: event.occurredAt,
  facility: { id, name },
  data: event.data,
})

export const zapierBody = (event: DomainEvent, facility: BodyFacility): MadeBody => ({
  body: JSON.stringify(zapierPayload(event, facility)),
  contentType: "application/json",
  headers: {},
})
