/** The webhook's row, and its answer in the API, which contains no secret. */
import * as Schema from "effect/Schema"
import { Condition } from "./conditions.ts"
import { type BodyFormat, webhookFormats } from "./formats/format.ts"
import { shownFormat } from "./formats/input.ts"
import { type AuthType, authTypes, whenAbsent } from "./input.ts"

export interface WebhookRow extends BodyFormat {
  readonly id: string
  readonly facility_id: string
  readonly name: string
  readonly description: string | null
  readonly url: string
  readonly method: "POST" | "PUT"
  readonly auth_type: AuthType
  readonly auth_config: Uint8Array | null
  readonly next_auth_config: Uint8Array | null
  readonly rotation_ends_at: Date | null
  readonly events: string[]
  readonly resource_ids: string[] | null
  readonly booking_types: string[] | null
  readonly conditions: readonly Condition[] | null
  readonly when_absent: (typeof whenAbsent)[number]
  readonly max_retries: number
  readonly retry_delay_ms: number
  readonly backoff_multiplier: number
  readonly max_concurrency: number
  readonly retry_for_hours: number
  readonly rate_per_second: number | null
  readonly ordered: boolean
  /** Of webhook_pace, where it was read. */
  readonly paused_until?: Date | null
  readonly is_active: boolean
  readonly disabled_reason: string | null
  readonly version: number
  readonly created_at: Date
  readonly updated_at: Date
}

/** The specification's WebhookConfig, as it is answered. */
export const Webhook = Schema.Struct({
  id: Schema.String,
  facilityId: Schema.String,
  name: Schema.String,
  description: Schema.optionalKey(Schema.String),
  url: Schema.String,
  method: Schema.Literals(["POST", "PUT"]),
  authType: Schema.Literals(authTypes),
  authConfig: Schema.optionalKey(Schema.Struct({ signingSecret: Schema.String })).annotateKey({
    description: "only in the answer to the request that made the secret",
  }),
  secretRotation: Schema.optionalKey(Schema.Struct({ endsAt: Schema.String })).annotateKey({
    description: "while two secrets sign: when the old one ends",
  }),
  events: Schema.Array(Schema.String).annotate({ description: "types and patterns, as they were given" }),
  filters: Schema.optionalKey(
    Schema.Struct({
      resourceIds: Schema.optionalKey(Schema.Array(Schema.String)),
      bookingTypes: Schema.optionalKey(Schema.Array(Schema.String)),
      conditions: Schema.optionalKey(Schema.Array(Condition)),
      whenAbsent: Schema.optionalKey(Schema.Literals(whenAbsent)),
    }),
  ),
  retryConfig: Schema.Struct({
    maxRetries: Schema.Int,
    retryDelayMs: Schema.Int,
    backoffMultiplier: Schema.Finite,
  }),
  maxConcurrency: Schema.Int,
  retryForHours: Schema.Int,
  ratePerSecond: Schema.optionalKey(Schema.Finite),
  ordered: Schema.Boolean,
  pausedUntil: Schema.optionalKey(Schema.String).annotateKey({
    description: "the receiver asked for a pause, by Retry-After: nothing is sent before",
  }),
  isActive: Schema.Boolean,
  format: Schema.Literals(webhookFormats),
  template: Schema.optionalKey(Schema.String),
  contentType: Schema.optionalKey(Schema.String),
  disabledReason: Schema.optionalKey(Schema.String).annotateKey({
    description: "why SlotBase switched it off by itself",
  }),
  version: Schema.Int.annotate({ description: "counts the changes of the configuration" }),
  createdAt: Schema.String,
  updatedAt: Schema.String,
})
export type Webhook = typeof Webhook.Type

export const toWebhook = (row: WebhookRow): Webhook => ({
  id: row.id,
  facilityId: row.facility_id,
  name: row.name,
  ...(row.description !== null && { description: row.description }),
  url: row.url,
  method: row.method,
  authType: row.auth_type,
  ...(row.rotation_ends_at && { secretRotation: { endsAt: row.rotation_ends_at.toISOString() } }),
  events: row.events,
  ...filtersShown(row),
  retryConfig: {
    maxRetries: row.max_retries,
    retryDelayMs: row.retry_delay_ms,
    backoffMultiplier: row.backoff_multiplier,
  },
  maxConcurrency: row.max_concurrency,
  retryForHours: row.retry_for_hours,
  ...(row.rate_per_second !== null && { ratePerSecond: row.rate_per_second }),
  ordered: row.ordered,
  ...(row.paused_until && { pausedUntil: row.paused_until.toISOString() }),
  isActive: row.is_active,
  ...shownFormat(row),
  ...(row.disabled_reason !== null && { disabledReason: row.disabled_reason }),
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})

/** Left out when nothing is filtered. */
function filtersShown(row: WebhookRow): Pick<Webhook, "filters"> {
  const { resource_ids, booking_types, conditions, when_absent } = row
  const shown = {
    ...(resource_ids && { resourceIds: resource_ids }),
    ...(booking_types && { bookingTypes: booking_types }),
    ...(conditions && { conditions }),
    ...(when_absent === "skip" && { whenAbsent: when_absent }),
  }
  return Object.keys(shown).length > 0 ? { filters: shown } : {}
}
