/** The input of a webhook: the writable fields of the specification's WebhookConfig, and their limits. */
import * as Schema from "effect/Schema"
import { Id, Name, Note } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"
import { atLeast, atMost, oneLinePattern, opaqueText } from "#base/schema/text-fields.ts"
import { BookingType } from "#domain/booking/input.ts"
import { facilityWebhookEvents } from "#events/catalogue.ts"
import { facilityWebhookPatterns } from "#events/patterns.ts"
import { Conditions } from "./conditions.ts"
import { formatFields } from "./formats/input.ts"
import { isStandardSecret, minSecretLength, standardKeyBytes, standardPrefix } from "./signature.ts"

/** Far more than the integrations of any facility. */
export const maxWebhooksPerFacility = 100
/** Requests to one webhook under way, of all processes: below the share of the slow webhooks in the total of one. */
const maxConcurrency = 50
const maxFilterIds = 100
/** More than there are types and patterns: a name may be given twice. */
const maxEvents = 200
const maxSecretLength = 1_000
const maxUrlLength = 8_000

/** A week: a receiver that nobody looks after at the weekend gets its new secret in time. */
const maxOverlapHours = 168
export const defaultOverlapHours = 24
export const whenAbsent = ["deliver", "skip"] as const

export const retryDefaults = { maxRetries: 5, retryDelayMs: 1_000, backoffMultiplier: 2 }
export const defaultConcurrency = 10
/** A receiver that is away over a weekend loses nothing. */
export const defaultRetryForHours = 72

const between = (minimum: number, maximum: number) => Schema.isBetween({ minimum, maximum })
const optional = Schema.optionalKey
const Secret = opaqueText(1, maxSecretLength)
/** RFC 9110, 5.5: visible characters, with spaces and tabs inside. */
const HeaderText = Secret.check(
  Schema.isPattern(/^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/u, { expected: "visible ASCII text" }),
)

/** RFC 7617, 2: receivers refuse control characters in the pair of Basic. */
const noControls = /^\P{Cc}*$/u

/**
 * A receiver's library for Standard Webhooks decodes the part after whsec_. It refuses another alphabet or a missing
 * padding, so such a secret would be accepted here and verify nowhere.
 */
export const SigningSecret = Secret.annotate({
  description: `any text of ${minSecretLength} characters or more; whsec_ and base64 gives the headers of Standard Webhooks too`,
}).check(
  Schema.isPattern(/^\S*$/u, { expected: "a signing secret without space, tabs or line ends" }).abort(),
  Schema.isPattern(oneLinePattern, { expected: "a signing secret without control or invisible characters" }).abort(),
  atLeast(minSecretLength),
  rule(
    `a signing secret that begins with ${standardPrefix} goes on with ${standardKeyBytes.min} to ${standardKeyBytes.max} bytes in padded standard base64`,
    (secret: string) => !secret.toLowerCase().startsWith(standardPrefix) || isStandardSecret(secret),
    `${standardPrefix} and ${standardKeyBytes.min} to ${standardKeyBytes.max} bytes in standard base64 with its padding, as receivers decode it`,
  ),
)

export const AuthConfig = Schema.Struct({
  headerName: optional(
    Schema.String.check(
      atMost(100),
      Schema.isPattern(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/u, { expected: "a header name" }).abort(),
      rule(
        "a webhook's own header is none that SlotBase or the connection sets (such as Host, Content-Length, X-SlotBase-…, webhook-… and ce-…)",
        (name: string) => !isOurs(name),
        "a header that neither SlotBase nor the connection sets itself",
      ),
    ),
  ),
  headerValue: optional(HeaderText),
  username: optional(
    Secret.check(
      Schema.isPattern(/^[^:]*$/u, { expected: "a user name without a colon" }),
      Schema.isPattern(noControls, { expected: "a user name without control characters" }),
    ),
  ),
  password: optional(Secret.check(Schema.isPattern(noControls, { expected: "a password without control characters" }))),
  bearerToken: optional(HeaderText),
  signingSecret: optional(SigningSecret),
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
  events: Schema.Array(Schema.Literals([...facilityWebhookEvents, ...facilityWebhookPatterns])).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(maxEvents),
  ),
  retryConfig: Schema.Struct({
    maxRetries: optional(Schema.Int.check(between(0, 20))),
    retryDelayMs: optional(Schema.Int.check(between(100, 3_600_000))),
    backoffMultiplier: optional(Schema.Finite.check(between(1, 10))),
  }),
  maxConcurrency: Schema.Int.check(between(1, maxConcurrency)),
  retryForHours: Schema.Int.check(between(0, 168)),
  ratePerSecond: Schema.Finite.check(between(0.01, 1_000)),
  ordered: Schema.Boolean,
  isActive: Schema.Boolean,
}
const Filters = Schema.Struct({
  resourceIds: optional(Schema.Array(Id).check(Schema.isMaxLength(maxFilterIds))),
  bookingTypes: optional(Schema.Array(BookingType).check(Schema.isMaxLength(maxFilterIds))),
  conditions: optional(Conditions).annotateKey({ description: "on the data of the event; all must hold" }),
  whenAbsent: optional(Schema.Literals(whenAbsent)).annotateKey({
    description:
      "what resourceIds and bookingTypes do with an event without a resource or booking type; deliver unless given",
  }),
})

/** A selection of events that need not be a webhook yet. */
export const SelectionInput = Schema.Struct({ events: fields.events, filters: optional(Filters) })
export type SelectionInput = typeof SelectionInput.Type

export const RotateInput = Schema.Struct({
  signingSecret: optional(SigningSecret).annotateKey({ description: "made, and shown once, unless given" }),
  overlapHours: optional(Schema.Int.check(between(0, maxOverlapHours))).annotateKey({
    description: `how long both secrets sign, ${defaultOverlapHours} unless given; 0 ends every older secret at once`,
  }),
})
export type RotateInput = typeof RotateInput.Type

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
  retryForHours: optional(fields.retryForHours).annotateKey({
    description: `how long a delivery that fails is tried; ${defaultRetryForHours} unless given; 0: quick tries only`,
  }),
  ratePerSecond: optional(fields.ratePerSecond).annotateKey({ description: "no limit unless given" }),
  ordered: optional(fields.ordered).annotateKey({
    description: "one request at a time per aggregate, in the order of the log; false unless given",
  }),
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
  retryForHours: optional(fields.retryForHours),
  ratePerSecond: optional(Schema.NullOr(fields.ratePerSecond)).annotateKey({ description: "null: no limit" }),
  ordered: optional(fields.ordered),
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
  return ownPrefixes.some((prefix) => lower.startsWith(prefix)) || taken.has(lower)
}
/** The last one is of the format `cloudevents-binary`, which a webhook may get later. */
const ownPrefixes = ["x-slotbase-", "webhook-", "ce-"]
const taken = new Set([
  ...["host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive"],
  ...["upgrade", "te", "trailer", "expect", "accept-encoding", "user-agent", "http2-settings", "close"],
  ...["proxy-authenticate", "proxy-authorization", "proxy-connection", "__proto__"],
])
