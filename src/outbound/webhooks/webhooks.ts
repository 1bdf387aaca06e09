/**
 * Webhooks: the receivers of a facility's events (the specification's WebhookConfig).
 * A webhook's subscription is kept in versions. Versions begin and end between two passes of the dispatcher, so they
 * prove which deliveries are due.
 * Every writer locks the webhook's row first.
 * Writes: webhooks, webhook_versions, webhook_sequences (the first row).
 */

import type { Caller } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotFound, RuleBroken } from "#base/errors.ts"
import { sendHint } from "#base/hints.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { type Page, pageOf } from "#base/schema/page.ts"
import type { SecretBox } from "#base/secrets.ts"
import { noteChange } from "#events/audit.ts"
import { type Auth, authOf, openAuth, sealAuth } from "./auth.ts"
import { abandonDeliveries } from "./deliveries/abandon.ts"
import {
  defaultConcurrency,
  type Filters,
  maxWebhooksPerFacility,
  retryDefaults,
  type WebhookInput,
  type WebhookPatch,
} from "./input.ts"
import { toWebhook, type Webhook, type WebhookRow } from "./rows.ts"

/** Makes a webhook. The answer holds a generated signing secret, if any; it is shown only here. */
export async function createWebhook(
  tx: Tx,
  secrets: SecretBox,
  caller: Caller,
  facilityId: string,
  input: WebhookInput & { readonly format?: "zapier" },
): Promise<Webhook> {
  await requireRoom(tx, facilityId)
  const { resourceIds, bookingTypes } = await filtersOf(tx, facilityId, input.filters)
  const id = newId()
  const auth = authOf(input.authType ?? "none", input.authConfig ?? {})
  const retry = { ...retryDefaults, ...input.retryConfig }
  const events = [...new Set(input.events)]
  const [row] = await tx<[WebhookRow]>`
    insert into slotbase.webhooks (id, facility_id, name, description, url, method, auth_type, auth_config, events,
      resource_ids, booking_types, max_retries, retry_delay_ms, backoff_multiplier, max_concurrency, is_active, created_by, format)
    values (${id}, ${facilityId}, ${input.name}, ${input.description ?? null}, ${input.url}, ${input.method ?? "POST"},
      ${auth.type}, ${sealAuth(secrets, id, auth)}, ${events}, ${resourceIds}, ${bookingTypes}, ${retry.maxRetries},
      ${retry.retryDelayMs}, ${retry.backoffMultiplier}, ${input.maxConcurrency ?? defaultConcurrency},
      ${input.isActive ?? true}, ${caller.userId}, ${input.format ?? "slotbase"})
    returning *`
  await tx`insert into slotbase.webhook_sequences (webhook_id) values (${id})`
  await beginVersion(tx, row, 1)
  changed(tx)
  return shown(row, auth)
}

/** Changes the given fields and leaves the rest. New events or filters apply from the next dispatch on. */
export async function changeWebhook(
  tx: Tx,
  secrets: SecretBox,
  facilityId: string,
  id: string,
  patch: WebhookPatch,
): Promise<Webhook> {
  const old = await lockWebhook(tx, facilityId, id)
  const keptFilters = { resourceIds: old.resource_ids, bookingTypes: old.booking_types }
  const { resourceIds, bookingTypes } =
    patch.filters === undefined ? keptFilters : await filtersOf(tx, facilityId, patch.filters ?? undefined)
  const auth = changedAuth(secrets, old, patch)
  const retry = { ...retryOf(old), ...patch.retryConfig }
  const events = patch.events === undefined ? old.events : [...new Set(patch.events)]
  const isActive = patch.isActive ?? old.is_active
  const [row] = await tx<[WebhookRow]>`
    update slotbase.webhooks
    set name = ${patch.name ?? old.name},
        description = ${patch.description === undefined ? old.description : patch.description},
        url = ${patch.url ?? old.url}, method = ${patch.method ?? old.method},
        auth_type = ${auth?.type ?? old.auth_type},
        auth_config = ${auth ? sealAuth(secrets, id, auth) : old.auth_config},
        events = ${events}, resource_ids = ${resourceIds}, booking_types = ${bookingTypes},
        max_retries = ${retry.maxRetries}, retry_delay_ms = ${retry.retryDelayMs},
        backoff_multiplier = ${retry.backoffMultiplier},
        max_concurrency = ${patch.maxConcurrency ?? old.max_concurrency}, is_active = ${isActive},
        disabled_reason = ${patch.isActive === undefined ? old.disabled_reason : null}, updated_at = slotbase.now()
    where id = ${id} and facility_id = ${facilityId}
    returning *`
  if (!sameSubscription(old, row)) await beginVersion(tx, row, (await endVersion(tx, facilityId, id)) + 1)
  changed(tx)
  const secret = auth && { authConfig: "replaced" }
  noteChange(tx, { before: toWebhook(old), after: { ...toWebhook(row), ...secret } })
  return shown(row, auth)
}

/**
 * Deletes a webhook, and its secret at once. Its unfinished deliveries end as failed, each with a dead letter that the
 * deleter has ignored.
 */
export async function deleteWebhook(tx: Tx, caller: Caller, facilityId: string, id: string): Promise<void> {
  noteChange(tx, { before: toWebhook(await lockWebhook(tx, facilityId, id)) })
  await tx`
    update slotbase.webhooks
    set is_active = false, auth_config = null, deleted_at = slotbase.now(), deleted_by = ${caller.userId},
        updated_at = slotbase.now()
    where id = ${id} and facility_id = ${facilityId}`
  await endVersion(tx, facilityId, id)
  // Settles the first part here, so that a small backlog is settled when the answer arrives.
  // The actor settles the rest, and deliveries that a concurrent dispatch adds.
  await abandonDeliveries(tx, id)
  changed(tx)
}

/**
 * Deletes webhooks whose receivers have unsubscribed by a 410. Nobody asked for it, so the root key stands for the
 * deleter. The actor settles their deliveries. The caller has locked the rows.
 */
export async function deleteGoneWebhooks(
  tx: Tx,
  gone: readonly { readonly id: string; readonly facility_id: string }[],
): Promise<void> {
  for (const { id, facility_id: facilityId } of gone) {
    await tx`
      update slotbase.webhooks
      set is_active = false, auth_config = null, deleted_at = slotbase.now(), deleted_by = ${rootUserId},
          updated_at = slotbase.now()
      where id = ${id} and facility_id = ${facilityId} and deleted_at is null`
    await endVersion(tx, facilityId, id)
  }
  changed(tx)
}

export async function readWebhook(db: Queryable, facilityId: string, id: string): Promise<Webhook> {
  const [row] = await db<WebhookRow[]>`
    select * from slotbase.webhooks where id = ${id} and facility_id = ${facilityId} and deleted_at is null`
  if (!row) throw new NotFound("webhook", id)
  return toWebhook(row)
}

/** In the order of their creation. */
export async function listWebhooks(
  db: Queryable,
  facilityId: string,
  page: { readonly limit: number; readonly afterId: string | undefined },
): Promise<Page<Webhook>> {
  const rows = await db<WebhookRow[]>`
    select * from slotbase.webhooks
    where facility_id = ${facilityId} and deleted_at is null
      ${page.afterId === undefined ? db`` : db`and id > ${page.afterId}`}
    order by id limit ${page.limit + 1}`
  return pageOf(rows, page.limit, (row) => [row.id], toWebhook)
}

const changed = (tx: Tx) => tx.afterCommit(() => sendHint("subscriptions"))

const shown = (row: WebhookRow, auth: Auth | undefined): Webhook => ({
  ...toWebhook(row),
  ...(auth?.made !== undefined && { authConfig: { signingSecret: auth.made } }),
})

async function lockWebhook(tx: Tx, facilityId: string, id: string): Promise<WebhookRow> {
  const [row] = await tx<WebhookRow[]>`
    select * from slotbase.webhooks where id = ${id} and facility_id = ${facilityId} and deleted_at is null for update`
  if (!row) throw new NotFound("webhook", id)
  return row
}

/** The facility's row is locked, so that two requests cannot both take the last place. */
async function requireRoom(tx: Tx, facilityId: string): Promise<void> {
  const facility = await tx`select from slotbase.facilities where id = ${facilityId} for no key update`
  if (facility.count === 0) throw new NotFound("facility", facilityId)
  const [row] = await tx<[{ count: number }]>`
    select count(*) from slotbase.webhooks where facility_id = ${facilityId} and deleted_at is null`
  if (row.count >= maxWebhooksPerFacility)
    throw new RuleBroken("too_many_webhooks", `A facility may have at most ${maxWebhooksPerFacility} webhooks.`)
}

/** An empty list filters nothing. Resources must be the facility's own. */
async function filtersOf(tx: Tx, facilityId: string, filters: Filters | undefined) {
  const resourceIds = [...new Set(filters?.resourceIds?.map((id) => id.toLowerCase()))]
  const bookingTypes = [...new Set(filters?.bookingTypes)]
  const known = await tx<{ id: string }[]>`
    select id from slotbase.resources where facility_id = ${facilityId} and id = any (${resourceIds}::uuid[])`
  const ids = new Set(known.map((row) => row.id))
  const faults = (filters?.resourceIds ?? []).flatMap((id, index) =>
    ids.has(id.toLowerCase())
      ? []
      : [{ path: `body.filters.resourceIds.${index}`, message: "No resource of the facility" }],
  )
  if (faults.length > 0) throw new InvalidInput(faults)
  return {
    resourceIds: resourceIds.length > 0 ? resourceIds : null,
    bookingTypes: bookingTypes.length > 0 ? bookingTypes : null,
  }
}

const retryOf = (row: WebhookRow) => ({
  maxRetries: row.max_retries,
  retryDelayMs: row.retry_delay_ms,
  backoffMultiplier: row.backoff_multiplier,
})

function changedAuth(secrets: SecretBox, old: WebhookRow, patch: WebhookPatch): Auth | undefined {
  if (patch.authType === undefined && patch.authConfig === undefined) return undefined
  const type = patch.authType ?? old.auth_type
  return authOf(type, patch.authConfig ?? {}, type === old.auth_type ? openAuth(secrets, old.id, old.auth_config) : {})
}

function sameSubscription(a: WebhookRow, b: WebhookRow): boolean {
  const key = (row: WebhookRow) =>
    JSON.stringify([row.events, row.resource_ids, row.booking_types].map((list) => list && [...list].sort()))
  return key(a) === key(b)
}

async function beginVersion(tx: Tx, row: WebhookRow, version: number): Promise<void> {
  await tx`
    insert into slotbase.webhook_versions (webhook_id, facility_id, version, events, resource_ids, booking_types)
    values (${row.id}, ${row.facility_id}, ${version}, ${[...row.events]}, ${row.resource_ids}, ${row.booking_types})`
}

/** Returns the number of the version that ended. */
async function endVersion(tx: Tx, facilityId: string, webhookId: string): Promise<number> {
  const [row] = await tx<[{ version: number }]>`
    update slotbase.webhook_versions set ended = true
    where webhook_id = ${webhookId} and facility_id = ${facilityId} and not ended
    returning version`
  return row.version
}
