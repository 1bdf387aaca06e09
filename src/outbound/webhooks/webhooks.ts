/**
 * Webhooks: the receivers of a facility's events (the specification's WebhookConfig).
 * A webhook's subscription is kept in versions. Versions begin and end between two passes of the dispatcher, so they
 * prove which deliveries are due.
 * Every writer locks the webhook's row first.
 * Each change of the configuration is a version too, which a trigger keeps (changes.ts). A subscription has the number
 * of the version that began it.
 * Writes: webhooks, webhook_versions, webhook_sequences (the first row).
 */

import type { Caller } from "#access/caller.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import { sendHint } from "#base/hints.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { type Page, pageOf } from "#base/schema/page.ts"
import type { SecretBox } from "#base/secrets.ts"
import { noteChange } from "#events/audit.ts"
import { eventContextOf } from "#events/outbox.ts"
import { typesMeantBy } from "#events/patterns.ts"
import { type Auth, authOf, openCurrentAuth, sealAuth } from "./auth.ts"
import { abandonDeliveries } from "./deliveries/abandon.ts"
import { discardedBy } from "./deliveries/unfinished.ts"
import { formatOf } from "./formats/input.ts"
import {
  defaultConcurrency,
  defaultOverlapHours,
  defaultRetryForHours,
  maxWebhooksPerFacility,
  type RotateInput,
  retryDefaults,
  type WebhookInput,
  type WebhookPatch,
} from "./input.ts"
import { toWebhook, type Webhook, type WebhookRow } from "./rows.ts"
import { checkKeptFilters, checkSelection, isSameSelection, type Selection, subscriptionOf } from "./selection.ts"

/** Makes a webhook. The answer holds a generated signing secret, if any; it is shown only here. */
export async function createWebhook(
  tx: Tx,
  secrets: SecretBox,
  caller: Caller,
  facilityId: string,
  input: WebhookInput,
): Promise<Webhook> {
  await requireRoom(tx, facilityId)
  const selection = await checkSelection(tx, facilityId, input.events, input.filters)
  const id = newId()
  const auth = authOf(input.authType ?? "none", input.authConfig ?? {})
  const retry = { ...retryDefaults, ...input.retryConfig }
  const { format, template, content_type } = formatOf(input)
  const [row] = await tx<[WebhookRow]>`
    insert into slotbase.webhooks (id, facility_id, name, description, url, method, auth_type, auth_config, events,
      resource_ids, booking_types, conditions, when_absent, max_retries, retry_delay_ms, backoff_multiplier, max_concurrency,
      retry_for_hours, rate_per_second, ordered, is_active, created_by, format, template, content_type)
    values (${id}, ${facilityId}, ${input.name}, ${input.description ?? null}, ${input.url}, ${input.method ?? "POST"},
      ${auth.type}, ${sealAuth(secrets, id, auth)}, ${selection.events}, ${selection.resource_ids},
      ${selection.booking_types}, ${conditionsOf(selection)}::text::jsonb, ${selection.when_absent}, ${retry.maxRetries},
      ${retry.retryDelayMs}, ${retry.backoffMultiplier}, ${input.maxConcurrency ?? defaultConcurrency},
      ${input.retryForHours ?? defaultRetryForHours}, ${input.ratePerSecond ?? null}, ${input.ordered ?? false},
      ${input.isActive ?? true}, ${caller.userId}, ${format}, ${template}, ${content_type})
    returning *`
  await tx`insert into slotbase.webhook_sequences (webhook_id) values (${id})`
  await tx`select slotbase.begin_pace(${id}, ${facilityId})`
  await beginVersion(tx, row)
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
  const events = patch.events ?? old.events
  const selection =
    patch.filters === undefined
      ? checkKeptFilters(old, events)
      : await checkSelection(tx, facilityId, events, patch.filters ?? undefined)
  const auth = changedAuth(secrets, old, patch)
  const retry = { ...retryOf(old), ...patch.retryConfig }
  const isActive = patch.isActive ?? old.is_active
  const { format, template, content_type } = formatOf(patch, old)
  const [row] = await tx<[WebhookRow]>`
    update slotbase.webhooks
    set name = ${patch.name ?? old.name},
        description = ${patch.description === undefined ? old.description : patch.description},
        url = ${patch.url ?? old.url}, method = ${patch.method ?? old.method},
        auth_type = ${auth?.type ?? old.auth_type},
        auth_config = ${auth ? sealAuth(secrets, id, auth) : old.auth_config},
        next_auth_config = ${auth ? null : old.next_auth_config},
        rotation_ends_at = case when ${auth === undefined} then rotation_ends_at end,
        events = ${selection.events}, resource_ids = ${selection.resource_ids},
        booking_types = ${selection.booking_types}, conditions = ${conditionsOf(selection)}::text::jsonb,
        when_absent = ${selection.when_absent}, changed_by = ${changerOf(tx)},
        max_retries = ${retry.maxRetries}, retry_delay_ms = ${retry.retryDelayMs},
        backoff_multiplier = ${retry.backoffMultiplier},
        max_concurrency = ${patch.maxConcurrency ?? old.max_concurrency},
        retry_for_hours = ${patch.retryForHours ?? old.retry_for_hours},
        rate_per_second = ${patch.ratePerSecond === undefined ? old.rate_per_second : patch.ratePerSecond},
        ordered = ${patch.ordered ?? old.ordered}, is_active = ${isActive},
        format = ${format}, template = ${template}, content_type = ${content_type},
        format_changed_at = case when ${format} = format then format_changed_at else slotbase.now() end,
        disabled_reason = ${patch.isActive === undefined ? old.disabled_reason : null}, updated_at = slotbase.now()
    where id = ${id} and facility_id = ${facilityId}
    returning *`
  if (patch.isActive === true) await tx`select slotbase.resume_webhook(${id}, ${facilityId})`
  // The receiver at the old address asked for the pause.
  else if (row.url !== old.url) await tx`select slotbase.end_pause(${id}, ${facilityId})`
  if (!isSameSelection(old, row)) {
    await endVersion(tx, facilityId, id)
    await beginVersion(tx, row)
  }
  changed(tx)
  const secret = auth && { authConfig: "replaced" }
  noteChange(tx, { before: toWebhook(old), after: { ...toWebhook(row), ...secret } })
  return shown({ ...row, ...(await pauseOf(tx, row)) }, auth)
}

/**
 * Gives a webhook another signing secret. Both secrets sign until the overlap has ended; then the old one signs
 * nothing.
 * The answer holds a generated secret; it is shown only here.
 * @throws WrongState `no_signing_secret`, and `rotation_under_way` unless everything older ends at once
 */
export async function rotateSecret(
  tx: Tx,
  secrets: SecretBox,
  facilityId: string,
  id: string,
  input: RotateInput,
): Promise<Webhook> {
  const old = await lockWebhook(tx, facilityId, id)
  const hours = input.overlapHours ?? defaultOverlapHours
  if (old.auth_type !== "signature")
    throw new WrongState("no_signing_secret", "Only a webhook with the authType signature has a signing secret.")
  if (hours > 0 && old.rotation_ends_at && !old.rotated)
    throw new WrongState(
      "rotation_under_way",
      `Both secrets sign until ${old.rotation_ends_at.toISOString()}. With overlapHours 0 a third one signs alone, at once.`,
    )
  const kept = openCurrentAuth(secrets, old)
  if (input.signingSecret !== undefined && [kept.signingSecret, kept.nextSecret].includes(input.signingSecret))
    throw new InvalidInput([{ path: "body.signingSecret", message: "Expected another secret than the present one" }])
  const auth = authOf("signature", input.signingSecret === undefined ? {} : { signingSecret: input.signingSecret })
  const sealed = sealAuth(secrets, id, auth)
  const [row] = await tx<[WebhookRow]>`
    update slotbase.webhooks
    set auth_config = ${hours === 0 ? sealed : old.rotated ? old.next_auth_config : old.auth_config},
        next_auth_config = ${hours === 0 ? null : sealed},
        rotation_ends_at = case when ${hours}::integer > 0 then slotbase.now() + ${hours}::integer * interval '1 hour' end,
        changed_by = ${changerOf(tx)}, updated_at = slotbase.now()
    where id = ${id} and facility_id = ${facilityId}
    returning *`
  changed(tx)
  noteChange(tx, { before: toWebhook(old), after: { ...toWebhook(row), authConfig: "replaced" } })
  return shown({ ...row, ...(await pauseOf(tx, row)) }, auth)
}

/**
 * Deletes a webhook, and its secret at once. Its unfinished deliveries end as failed, each with a dead letter that the
 * deleter has ignored.
 */
export async function deleteWebhook(tx: Tx, caller: Caller, facilityId: string, id: string): Promise<void> {
  const before = toWebhook(await lockWebhook(tx, facilityId, id))
  // The trail says what was discarded. The locked row keeps others from adding a replay meanwhile.
  const { unfinishedDeliveries } = await discardedBy(tx, facilityId, id)
  noteChange(tx, { before: { ...before, unfinishedDeliveries } })
  await tx`
    update slotbase.webhooks
    set is_active = false, auth_config = null, next_auth_config = null, rotation_ends_at = null, deleted_at = slotbase.now(), deleted_by = ${caller.userId},
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
      set is_active = false, auth_config = null, next_auth_config = null, rotation_ends_at = null,
          deleted_at = slotbase.now(), deleted_by = ${rootUserId}, updated_at = slotbase.now()
      where id = ${id} and facility_id = ${facilityId} and deleted_at is null`
    await endVersion(tx, facilityId, id)
  }
  changed(tx)
}

export async function readWebhook(db: Queryable, facilityId: string, id: string): Promise<Webhook> {
  const [row] = await db<WebhookRow[]>`
    select w.*, ${pausedUntil(db)} from slotbase.webhooks w
    where w.id = ${id} and w.facility_id = ${facilityId} and w.deleted_at is null`
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
    select w.*, ${pausedUntil(db)} from slotbase.webhooks w
    where facility_id = ${facilityId} and deleted_at is null
      ${page.afterId === undefined ? db`` : db`and id > ${page.afterId}`}
    order by id limit ${page.limit + 1}`
  return pageOf(rows, page.limit, (row) => [row.id], toWebhook)
}

const pausedUntil = (db: Queryable) => db`
  (select p.paused_until from slotbase.webhook_pace p
   where p.webhook_id = w.id and p.facility_id = w.facility_id and p.paused_until > slotbase.now()) as paused_until`

async function pauseOf(tx: Tx, { id, facility_id }: WebhookRow): Promise<Pick<WebhookRow, "paused_until">> {
  const [row] = await tx<{ paused_until: Date | null }[]>`
    select ${pausedUntil(tx)} from slotbase.webhooks w where w.id = ${id} and w.facility_id = ${facility_id}`
  return { paused_until: row?.paused_until ?? null }
}

const changed = (tx: Tx) => tx.afterCommit(() => sendHint("subscriptions"))

const shown = (row: WebhookRow, auth: Auth | undefined): Webhook => ({
  ...toWebhook(row),
  ...(auth?.made !== undefined && { authConfig: { signingSecret: auth.made } }),
})

type LockedWebhook = WebhookRow & { readonly rotated: boolean; readonly now: Date }

async function lockWebhook(tx: Tx, facilityId: string, id: string): Promise<LockedWebhook> {
  const [row] = await tx<LockedWebhook[]>`
    select *, coalesce(rotation_ends_at <= slotbase.now(), false) as rotated, slotbase.now() as now
    from slotbase.webhooks where id = ${id} and facility_id = ${facilityId} and deleted_at is null for update`
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

const retryOf = (row: WebhookRow) => ({
  maxRetries: row.max_retries,
  retryDelayMs: row.retry_delay_ms,
  backoffMultiplier: row.backoff_multiplier,
})

function changedAuth(secrets: SecretBox, old: LockedWebhook, patch: WebhookPatch): Auth | undefined {
  const type = patch.authType ?? old.auth_type
  const isSameType = type === old.auth_type
  if (isSameType && patch.authConfig === undefined) return undefined
  const given = patch.authConfig ?? {}
  if (isSameType && type !== "none" && Object.keys(given).length === 0)
    throw new InvalidInput([{ path: "body.authConfig", message: nothingGiven(type) }])
  return authOf(type, given, isSameType ? openCurrentAuth(secrets, old) : {})
}

const nothingGiven = (type: WebhookRow["auth_type"]) =>
  type === "signature"
    ? "Changes nothing: give a signingSecret, or use rotate-secret, with which both secrets sign for a while"
    : "Changes nothing: give the fields that change"

/** The actor of the command, for the version that the trigger keeps. */
const changerOf = (tx: Tx) => eventContextOf(tx).userId ?? null

const conditionsOf = ({ conditions }: Selection) => conditions && JSON.stringify(conditions)

const missingIn = (meant: readonly string[], names: readonly string[]) =>
  typesMeantBy(names).filter((type) => !meant.includes(type))

/** The subscription of the row's present version. @param more types that it has too */
async function beginVersion(tx: Tx, row: WebhookRow, more: readonly string[] = []): Promise<void> {
  const { events: types, resource_ids, booking_types, condition, keep_absent } = subscriptionOf(row)
  const events = [...new Set([...types, ...more])]
  await tx`
    insert into slotbase.webhook_versions (webhook_id, facility_id, version, events, resource_ids, booking_types,
      condition, keep_absent)
    values (${row.id}, ${row.facility_id}, ${row.version}, ${events}, ${resource_ids}, ${booking_types},
      ${condition}::text::jsonpath, ${keep_absent})`
}

const endVersion = (tx: Tx, facilityId: string, webhookId: string) => tx`
  update slotbase.webhook_versions set ended = true
  where webhook_id = ${webhookId} and facility_id = ${facilityId} and not ended`

/**
 * Gives webhooks the types that their patterns mean since this release. Called at each start. Types that an older
 * release does not know are never taken away: both releases may run. Returns how many webhooks got more.
 */
export async function widenPatterns(db: Db): Promise<number> {
  const rows = await db<{ id: string; facility_id: string; events: string[]; meant: string[] }[]>`
    select w.id, w.facility_id, w.events, v.events as meant
    from slotbase.webhooks w
    join slotbase.webhook_versions v on v.webhook_id = w.id and v.facility_id = w.facility_id and not v.ended
    where w.deleted_at is null and exists (select from unnest(w.events) as e (name) where e.name like '%*')`
  const grown = rows.filter((row) => missingIn(row.meant, row.events).length > 0)
  for (const { id, facility_id } of grown)
    await db.begin(async (tx) => {
      // The subscription is read after the row is locked: another process may have widened the webhook meanwhile.
      await tx`select from slotbase.webhooks where id = ${id} and facility_id = ${facility_id} for update`
      const [live] = await tx<{ meant: string[]; names: string[] }[]>`
        select v.events as meant, w.events as names
        from slotbase.webhook_versions v join slotbase.webhooks w on w.id = v.webhook_id and w.facility_id = v.facility_id
        where v.webhook_id = ${id} and v.facility_id = ${facility_id} and not v.ended`
      if (!live || missingIn(live.meant, live.names).length === 0) return
      const [row] = await tx<[WebhookRow]>`
        update slotbase.webhooks set version = version + 1 where id = ${id} and facility_id = ${facility_id} returning *`
      await endVersion(tx, facility_id, id)
      await beginVersion(tx, row, live.meant)
    })
  if (grown.length > 0) sendHint("subscriptions")
  return grown.length
}
