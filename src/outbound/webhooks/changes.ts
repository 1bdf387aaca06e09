/**
 * The versions of a webhook's configuration, as they are answered. A trigger keeps them, whoever changes the webhook
 * (sql/0040-webhook-configuration.sql). A secret is in none: a version only says that it changed.
 */
import * as Schema from "effect/Schema"
import type { Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { type Page, pageOf } from "#base/schema/page.ts"
import { toWebhook, Webhook, type WebhookRow } from "./rows.ts"

export const WebhookVersion = Schema.Struct({
  version: Schema.Int.annotate({ description: "webhookVersion of the attempts that used it" }),
  changed: Schema.Array(Schema.String).annotate({
    description: "the fields that changed; none for the first version; types: a pattern means more types than before",
  }),
  changedAt: Schema.String,
  changedBy: Schema.optionalKey(Schema.String).annotateKey({ description: "left out: SlotBase itself" }),
  configuration: Webhook.annotate({ description: "the whole of it from then on" }),
}).annotate({ identifier: "WebhookVersion" })
export type WebhookVersion = typeof WebhookVersion.Type

/** The newest first. */
export async function listWebhookVersions(
  db: Queryable,
  facilityId: string,
  webhookId: string,
  page: { readonly limit: number; readonly below: number | undefined },
): Promise<Page<WebhookVersion>> {
  const [known] = await db`
    select from slotbase.webhooks where id = ${webhookId} and facility_id = ${facilityId} and deleted_at is null`
  if (!known) throw new NotFound("webhook", webhookId)
  const rows = await db<ChangeRow[]>`
    select version, changed, changed_by, changed_at, configuration from slotbase.webhook_changes
    where webhook_id = ${webhookId} and facility_id = ${facilityId}
      ${page.below === undefined ? db`` : db`and version < ${page.below}`}
    order by version desc limit ${page.limit + 1}`
  return pageOf(rows, page.limit, (row) => [row.version], toVersion)
}

interface ChangeRow {
  readonly version: number
  readonly changed: readonly string[]
  readonly changed_by: string | null
  readonly changed_at: Date
  /** The row of the webhook as JSON, without its secrets. */
  readonly configuration: WebhookRow & { readonly [instant in Instants]: string | null }
}
type Instants = "created_at" | "updated_at" | "rotation_ends_at"

const toVersion = (row: ChangeRow): WebhookVersion => ({
  version: row.version,
  changed: [...new Set(row.changed.map(fieldOfColumn))],
  changedAt: row.changed_at.toISOString(),
  ...(row.changed_by !== null && { changedBy: row.changed_by }),
  configuration: toWebhook({
    ...row.configuration,
    created_at: instant(row.configuration.created_at) as Date,
    updated_at: instant(row.configuration.updated_at) as Date,
    rotation_ends_at: instant(row.configuration.rotation_ends_at),
  }),
})

const instant = (text: string | Date | null) => (text === null ? null : new Date(text))

/** Columns that the API shows under another name than their own in camel case. */
const shownAs: Readonly<Record<string, string>> = {
  resource_ids: "filters.resourceIds",
  booking_types: "filters.bookingTypes",
  conditions: "filters.conditions",
  when_absent: "filters.whenAbsent",
  max_retries: "retryConfig.maxRetries",
  retry_delay_ms: "retryConfig.retryDelayMs",
  backoff_multiplier: "retryConfig.backoffMultiplier",
  next_auth_config: "secretRotation",
  rotation_ends_at: "secretRotation",
}

const fieldOfColumn = (column: string) =>
  shownAs[column] ?? column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
