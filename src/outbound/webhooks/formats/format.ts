/**
 * The formats of a webhook's body, and what a body is made from. The default format is the event's own text. It is sent
 * as it is, and no code of this folder runs for it.
 */
import { faultText, type TemplateFault } from "#base/liquid-fault.ts"

export const webhookFormats = ["slotbase", "cloudevents", "cloudevents-binary", "zapier", "template"] as const
export type WebhookFormat = (typeof webhookFormats)[number]

/** How a webhook wants its bodies. */
export interface BodyFormat {
  readonly format: WebhookFormat
  /** Liquid; only of the format `template`. */
  readonly template: string | null
  /** Of what the template makes; null is `application/json`. */
  readonly content_type: string | null
}

/** What a format says about the facility. */
export interface BodyFacility {
  readonly id: string
  readonly name: string
  /** IANA zone. */
  readonly timezone: string
}

export interface MadeBody {
  readonly body: string
  /** The Content-Type header. */
  readonly contentType: string
  /** Headers that belong to the format. */
  readonly headers: Readonly<Record<string, string>>
}

/** No body could be made: the template failed at this event. */
export class BodyNotMade extends Error {
  readonly _tag = "BodyNotMade"
  readonly code = "body_not_made"
  constructor(readonly fault: TemplateFault) {
    super(`${bodyNotMade}: ${faultText(fault)}`)
  }
}

/** How the message of every such failure begins. The history of attempts is searched by it. */
export const bodyNotMade = "The body could not be made"
