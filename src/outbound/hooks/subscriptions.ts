/**
 * Subscriptions of programs that subscribe by themselves (https://resthooks.org): Zapier, Make and their like. Each is
 * a webhook with the format `zapier`, and so has its retries, its history and its guard of addresses.
 * Writes: hook_subscriptions.
 */
import type { Caller } from "#access/caller.ts"
import { reached } from "#base/crash-points.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import { type Page, pageOf } from "#base/schema/page.ts"
import type { SecretBox } from "#base/secrets.ts"
import { createWebhook, deleteGoneWebhooks, deleteWebhook } from "#outbound/webhooks/webhooks.ts"
import { type HookRow, type HookSubscription, type hookStates, toHook } from "./answer.ts"
import { addressOfHook, type HookInput, maxHookSubscriptions } from "./input.ts"

/** Makes a subscription. The same event at the same address is a 409, which names the one that is there. */
export async function subscribeHook(
  tx: Tx,
  secrets: SecretBox,
  caller: Caller,
  facilityId: string,
  input: HookInput,
): Promise<HookSubscription> {
  const { url } = addressOfHook(input)
  await requirePlace(tx, facilityId, url, input.event)
  const { id } = await createWebhook(tx, secrets, caller, facilityId, {
    name: input.name ?? `Hook of ${input.event}`,
    url,
    events: [input.event],
    format: "zapier",
  })
  await tx`
    insert into slotbase.hook_subscriptions (facility_id, webhook_id, event)
    values (${facilityId}, ${id}, ${input.event})`
  return readHook(tx, facilityId, id)
}

/** Deletes the webhook of a subscription. What waits is not sent any more. */
export async function unsubscribeHook(tx: Tx, caller: Caller, facilityId: string, id: string): Promise<void> {
  await readHook(tx, facilityId, id)
  await deleteWebhook(tx, caller, facilityId, id)
}

/** In the order of their creation. */
export async function listHooks(
  db: Queryable,
  facilityId: string,
  page: { readonly limit: number; readonly afterId: string | undefined; readonly state: (typeof hookStates)[number] },
): Promise<Page<HookSubscription>> {
  const rows = await db<HookRow[]>`
    ${hooks(db)}
    where s.facility_id = ${facilityId} and ${page.state === "active" ? db`w.deleted_at is null` : db`w.deleted_at is not null`}
      ${page.afterId === undefined ? db`` : db`and s.webhook_id > ${page.afterId}`}
    order by s.webhook_id limit ${page.limit + 1}`
  return pageOf(rows, page.limit, (row) => [row.id], toHook)
}

/**
 * Ends the subscriptions among webhooks whose receivers have answered 410, in the transaction that settles the answers.
 * Their webhooks are locked already. Other webhooks stay switched off. Returns the ended ones with their counts.
 */
export async function endGoneHooks(
  tx: Tx,
  webhookIds: readonly string[],
): Promise<readonly { readonly id: string; readonly discarded: number }[]> {
  const ended = await tx<{ id: string; facility_id: string; discarded: number }[]>`
    update slotbase.hook_subscriptions s
    set gone_at = slotbase.now(), discarded = (
      select count(*) from (
        select from slotbase.delivery_queue q where q.webhook_id = s.webhook_id limit ${countAtMost}) waiting)
    where s.webhook_id = any (${webhookIds as string[]}::uuid[]) and s.gone_at is null
    returning s.webhook_id as id, s.facility_id, s.discarded`
  if (ended.length > 0) {
    await deleteGoneWebhooks(tx, ended)
    reached("hook-ended")
  }
  return ended
}

/** Counting a longer queue would hold the settlement up. */
const countAtMost = 100_000

async function readHook(db: Queryable, facilityId: string, id: string): Promise<HookSubscription> {
  const [row] = await db<HookRow[]>`
    ${hooks(db)} where s.webhook_id = ${id} and s.facility_id = ${facilityId} and w.deleted_at is null`
  if (!row) throw new NotFound("subscription", id)
  return toHook(row)
}

const hooks = (db: Queryable) => db`
  select w.id, s.event, w.url, w.name, w.is_active, s.created_at, w.deleted_at, s.gone_at, s.discarded
  from slotbase.hook_subscriptions s
  join slotbase.webhooks w on w.id = s.webhook_id and w.facility_id = s.facility_id`

/** The facility's row is locked, so that two requests cannot both take the last place, or subscribe twice. */
async function requirePlace(tx: Tx, facilityId: string, url: string, event: string): Promise<void> {
  const facility = await tx`select from slotbase.facilities where id = ${facilityId} for no key update`
  if (facility.count === 0) throw new NotFound("facility", facilityId)
  const rows = await tx<{ id: string; is_same: boolean }[]>`
    select w.id, w.url = ${url} and s.event = ${event} as is_same
    from slotbase.hook_subscriptions s
    join slotbase.webhooks w on w.id = s.webhook_id and w.facility_id = s.facility_id
    where s.facility_id = ${facilityId} and w.deleted_at is null`
  const same = rows.find((row) => row.is_same)
  if (same)
    throw new WrongState("already_subscribed", `The subscription ${same.id} sends this event to this address already.`)
  if (rows.length >= maxHookSubscriptions)
    throw new RuleBroken(
      "too_many_subscriptions",
      `A facility may have at most ${maxHookSubscriptions} subscriptions of this kind.`,
    )
}
