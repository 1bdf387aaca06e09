/**
 * The requests that webhooks get, as both descriptions of the API show them. Schemas and examples come from the
 * catalogue, the headers from the functions that send them.
 */
import { type EventType, eventJsonSchemaOf, facilityWebhookEvents } from "#events/catalogue.ts"
import { samplesEvent } from "#events/describe.ts"
import { DomainEvent } from "#events/envelope.ts"
import { example } from "#events/example.ts"
import { jsonSchemaOf } from "#http/describe.ts"
import { authHeaders, plainHeaders } from "#outbound/webhooks/request.ts"

/** Schemas of the components: the envelope, and the data of each type. */
export function eventSchemas(): Record<string, object> {
  return {
    Event: { ...jsonSchemaOf(DomainEvent), description: "What happened, in the format `slotbase`." },
    ...Object.fromEntries(facilityWebhookEvents.map((type) => [`Data.${type}`, dataSchemaOf(type)])),
  }
}

export interface WebhookMessage {
  readonly type: EventType
  readonly description: string
  /** The envelope with this type and its data. Refers to `eventSchemas`. */
  readonly schema: object
  readonly body: DomainEvent
  readonly headers: Readonly<Record<string, string>>
}

export const webhookMessages = (): WebhookMessage[] =>
  facilityWebhookEvents.map((type) => {
    const body = samplesEvent(type)
    return {
      type,
      description: String(eventJsonSchemaOf(type).description),
      schema: {
        allOf: [
          { $ref: "#/components/schemas/Event" },
          {
            type: "object",
            required: ["type", "data"],
            properties: { type: { const: type }, data: { $ref: `#/components/schemas/Data.${type}` } },
          },
        ],
      },
      body,
      headers: sentHeaders(type, body),
    }
  })

/** Each header of a request: what it says, and when it is there. */
export const webhookHeaders: Readonly<Record<string, { readonly description: string; readonly optional?: true }>> = {
  "Content-Type": { description: "The type of the body." },
  "User-Agent": { description: "The sender." },
  "X-SlotBase-Event": { description: "The type of the event." },
  "X-SlotBase-Event-ID": { description: "The id of the event: the same at every attempt, retry and replay." },
  "X-SlotBase-Timestamp": { description: "Unix seconds of this attempt." },
  "X-SlotBase-Delivery-ID": { description: "The id of this attempt." },
  "X-SlotBase-Sequence": {
    description:
      "Counts the deliveries to this webhook, without gaps. What is sent again keeps its number; 0: it has none.",
  },
  "X-SlotBase-Position": { description: "The position in the event log." },
  "X-SlotBase-Epoch": {
    description: "The id of the log: another after a restore, when positions repeat.",
    optional: true,
  },
  "X-SlotBase-Redelivery": { description: "`true`: the event is sent again, by hand or by a replay.", optional: true },
  "X-SlotBase-Test": { description: "`true`: a sample, sent to this webhook alone.", optional: true },
  "X-SlotBase-Signature": {
    description: "With the authType signature: hex HMAC-SHA256 of `timestamp.body` under the signing secret.",
    optional: true,
  },
  "X-SlotBase-Signature-Next": { description: "During a rotation: the same under the other secret.", optional: true },
  "webhook-id": { description: "Standard Webhooks: the id of the event.", optional: true },
  "webhook-timestamp": { description: "Standard Webhooks: unix seconds of this attempt.", optional: true },
  "webhook-signature": {
    description:
      "Standard Webhooks: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; several stand side by side.",
    optional: true,
  },
}

/** How a receiver answers, and what follows. */
export const webhookAnswers = {
  "2XX": "The event is delivered.",
  "410": "The webhook is switched off; a subscription of a REST hook ends.",
  default: "The attempt has failed, redirects included. It is repeated as the webhook's retryConfig says.",
} as const

/** A made-up secret, so that the signatures of the examples can be checked. */
export const exampleSecret = "whsec_c2xvdGJhc2UtcmVjZWl2ZXJzLXNlY29uZC1zZWNyZXQ="

function sentHeaders(eventType: EventType, event: DomainEvent): Record<string, string> {
  const timestamp = Math.floor(Date.parse(example.bookedAt) / 1000)
  const attempt = {
    attemptId: example.deliveryId,
    eventId: event.id,
    eventType,
    sequence: 1_042,
    position: 98_113,
    replay: 0,
  }
  const signed = { eventId: event.id, body: JSON.stringify(event), timestamp }
  return {
    ...plainHeaders(attempt, timestamp),
    ...authHeaders("signature", { signingSecret: exampleSecret }, signed).headers,
  }
}

/** Without the draft, which a schema inside of another must not name. */
function dataSchemaOf(type: EventType): object {
  const { $schema: _draft, ...schema } = eventJsonSchemaOf(type)
  return schema
}
