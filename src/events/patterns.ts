/**
 * The patterns by which a webhook names several event types, such as `booking.*` and `*`. A pattern means every type
 * below its prefix that facilities may have. A later release may add types: webhooks get those from its first start on
 * (widenPatterns in src/outbound/webhooks/webhooks.ts). Pure.
 */
import { type EventType, facilityWebhookEvents } from "./catalogue.ts"

/** Every pattern that means something: `*`, and each prefix of a type with `.*`. */
export const facilityWebhookPatterns: readonly string[] = Object.freeze([
  "*",
  ...new Set(facilityWebhookEvents.flatMap((type) => prefixesOf(type).map((prefix) => `${prefix}.*`))),
])

/** The types that these names and patterns mean, each once, in the order of the catalogue. */
export function typesMeantBy(events: readonly string[]): EventType[] {
  const named = new Set(events)
  return facilityWebhookEvents.filter(
    (type) => named.has("*") || named.has(type) || prefixesOf(type).some((prefix) => named.has(`${prefix}.*`)),
  )
}

/** `booking.hold.released` gives `booking` and `booking.hold`. */
function prefixesOf(type: string): string[] {
  const parts = type.split(".")
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("."))
}
