/** The input of a webhook: the writable fields of the specification's WebhookConfig, and their limits. */
import * as Schema from "effect/Schema"
import { Id, Name, Note } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"
import { atLeast, atMost, oneLinePattern, opaqueText } from "#base/schema/text-fields.ts"
import { BookingType } from "#domain/booking/input.ts"
import { facilityWebhookEvents } from "#events/catalogue.ts"
import { formatFields } from "./formats/input.ts"

/** Far more than the integrations of any facility. */
export const maxWebhooksPerFacility = 100
/** Requests to one webhook in flight, per process: below the share of one slow webhook in the total. */
const maxConcurrency = 50
const maxFilterIds = 100
const maxSecretLength = 1_000
const maxUrlLength = 8_000

export const retryDefaults = { maxRetries: 5, retryDelayMs: 1_000, backoffMultiplier: 2 }
export const defaultConcurrency = 10

const between = (minimum: number, maximum: number) => Schema.isBetween({ minimum, maximum })
const optional = Schema.optionalKey
const Secret = opaqueText(1, maxSecretLength)
/** RFC 9110, 5.5: visible characters, with spaces and tabs inside. */
const HeaderText = Secret.check(
  Schema.isPattern(/^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/u, { expected: "visible ASCII text" }),
)

export const AuthConfig = Schema.Struct({
  headerName: optional(
    Schema.String.check(
      atMost(100),
      Schema.isPattern(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/u, { expected: "a header name" }).abort(),
      rule(
        "a webhook's own header is none that SlotBase or the connection sets (such as Host, Content-Length, X-SlotBase-… and webhook-…)",
        (name: string) => !isOurs(name),
        "a header that neither SlotBase nor the connection sets itself",
      ),
    ),
  ),
  headerValue: optional(HeaderText),
  username: optional(Secret.check(Schema.isPattern(/^[^:]*$/u, { expected: "a user name without a colon" }))),
  password: optional(Secret),
  bearerToken: optional(HeaderText),
  signingSecret: optional(Secret),
})
export type AuthConfig = typeof AuthConfig.Type

export const authTypes = ["none", "header", "basic", "bearer", "signature"] as const
export type AuthType = (typeof authTypes)[number]

const fields = {
  name: Name,
  url: Schema.String.annotate({ description: "https address that is publicly reachable" }).check(
    atLeast(1),
    atMost(maxUrlLength),
    // A URL parser drops these characters in silence. The stored, shown and logged address would then differ from the
    // used one.
    Schema.isPattern(/^\S*$/u, { expected: "an address without space or control characters" }),
    Schema.isPattern(oneLinePattern, { expected: "an address without control or invisible characters" }),
  ),
  method: Schema.Literals(["POST", "PUT"]),
  authType: Schema.Literals(authTypes),
  authConfig: AuthConfig.annotate({ description: "what the authType needs; never returned" }),
  events: Schema.Array(Schema.Literals(facilityWebhookEvents)).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(10 * facilityWebhookEvents.length),
  ),
  retryConfig: Schema.Struct({
    maxRetries: optional(Schema.Int.check(between(0, 20))),
    retryDelayMs: optional(Schema.Int.check(between(100, 3_600_000))),
    backoffMultiplier: optional(Schema.Finite.check(between(1, 10))),
  }),
  maxConcurrency: Schema.Int.check(between(1, maxConcurrency)),
  isActive: Schema.Boolean,
}
const Filters = Schema.Struct({
  resourceIds: optional(Schema.Array(Id).check(Schema.isMaxLength(maxFilterIds))),
  bookingTypes: optional(Schema.Array(BookingType).check(Schema.isMaxLength(maxFilterIds))),
})

export const WebhookInput = Schema.Struct({
  name: fields.name,
  description: optional(Note),
  url: fields.url,
  method: optional(fields.method).annotateKey({ description: "POST unless given" }),
  authType: optional(fields.authType).annotateKey({ description: "none unless given" }),
  authConfig: optional(fields.authConfig),
  events: fields.events,
  filters: optional(Filters),
  retryConfig: optional(fields.retryConfig).annotateKey({
    description: "5 retries after 1,000 ms, doubled each time, unless given",
  }),
  maxConcurrency: optional(fields.maxConcurrency).annotateKey({ description: `${defaultConcurrency} unless given` }),
  isActive: optional(fields.isActive),
  ...formatFields,
})
export type WebhookInput = typeof WebhookInput.Type

export const WebhookPatch = Schema.Struct({
  name: optional(fields.name),
  description: optional(Schema.NullOr(Note)),
  url: optional(fields.url),
  method: optional(fields.method),
  authType: optional(fields.authType),
  authConfig: optional(fields.authConfig),
  events: optional(fields.events),
  filters: optional(Schema.NullOr(Filters)),
  retryConfig: optional(fields.retryConfig),
  maxConcurrency: optional(fields.maxConcurrency),
  isActive: optional(fields.isActive),
  ...formatFields,
})
export type WebhookPatch = typeof WebhookPatch.Type

export type Filters = typeof Filters.Type

/**
 * Headers that a request has already, headers of the connection (RFC 9110, 7.6.1), and the name that sets an object's
 * prototype instead of a property.
 */
function isOurs(name: string): boolean {
  const lower = name.toLowerCase()
  return lower.startsWith("x-slotbase-") || lower.startsWith("webhook-") || taken.has(lower)
}
const taken = new Set([
  ...["host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive"],
  ...["upgrade", "te", "trailer", "expect", "accept-encoding", "user-agent", "http2-settings", "close"],
  ...["proxy-authenticate", "proxy-authorization", "proxy-connection", "__proto__"],
])
