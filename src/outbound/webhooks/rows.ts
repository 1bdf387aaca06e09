/** The webhook's row, and its answer in the API, which contains no secret. */
import * as Schema from "effect/Schema"
import { type BodyFormat, webhookFormats } from "./formats/format.ts"
import { shownFormat } from "./formats/input.ts"
import { type AuthType, authTypes } from "./input.ts"

export interface WebhookRow extends BodyFormat {
  readonly id: string
  readonly facility_id: string
  readonly name: string
  readonly description: string | null
  readonly url: string
  readonly method: "POST" | "PUT"
  readonly auth_type: AuthType
  readonly auth_config: Uint8Array | null
  readonly events: string[]
  readonly resource_ids: string[] | null
  readonly booking_types: string[] | null
  readonly max_retries: number
  readonly retry_delay_ms: number
  readonly backoff_multiplier: number
  readonly max_concurrency: number
  readonly is_active: boolean
  readonly disabled_reason: string | null
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
  events: Schema.Array(Schema.String),
  filters: Schema.optionalKey(
    Schema.Struct({
      resourceIds: Schema.optionalKey(Schema.Array(Schema.String)),
      bookingTypes: Schema.optionalKey(Schema.Array(Schema.String)),
    }),
  ),
  retryConfig: Schema.Struct({
    maxRetries: Schema.Int,
    retryDelayMs: Schema.Int,
    backoffMultiplier: Schema.Finite,
  }),
  maxConcurrency: Schema.Int,
  isActive: Schema.Boolean,
  format: Schema.Literals(webhookFormats),
  template: Schema.optionalKey(Schema.String),
  contentType: Schema.optionalKey(Schema.String),
  disabledReason: Schema.optionalKey(Schema.String).annotateKey({
    description: "why SlotBase switched it off by itself",
  }),
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
  events: row.events,
  ...((row.resource_ids ?? row.booking_types) && {
    filters: {
      ...(row.resource_ids && { resourceIds: row.resource_ids }),
      ...(row.booking_types && { bookingTypes: row.booking_types }),
    },
  }),
  retryConfig: {
    maxRetries: row.max_retries,
    retryDelayMs: row.retry_delay_ms,
    backoffMultiplier: row.backoff_multiplier,
  },
  maxConcurrency: row.max_concurrency,
  isActive: row.is_active,
  ...shownFormat(row),
  ...(row.disabled_reason !== null && { disabledReason: row.disabled_reason }),
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})
