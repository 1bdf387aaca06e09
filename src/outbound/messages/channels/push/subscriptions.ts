/** The browsers that people want push messages in. Writes: push_subscriptions. */
import { createHash } from "node:crypto"
import type { Caller } from "#access/caller.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import type { SecretBox } from "#base/secrets.ts"
import { noteChange } from "#events/audit.ts"
import { eventContextOf, record } from "#events/outbox.ts"
import type { BrowserKeys } from "./encrypt.ts"
import type { SubscriptionAnswer } from "./input.ts"

/** Where a push message goes. */
export interface PushTarget {
  readonly endpoint: string
  readonly keys: BrowserKeys
  /** The public key of the server that the browser subscribed with. */
  readonly serverKey: string
}

export interface NewBrowser {
  readonly endpoint: string
  readonly keys: BrowserKeys
  readonly serverKey: string
}

/** A person has some browsers. Of more, the oldest gives way. */
const subscriptionsOfPerson = 20
const longestUserAgent = 256

interface Row {
  readonly id: string
  readonly service: string
  readonly userAgent: string | null
  readonly createdAt: Date
}

/**
 * Keeps a browser's subscription; the same browser again keeps its id. A browser in which somebody else signs in gets a
 * new one. So messages under way to the person before do not reach the next. Records `user.updated`, unless the browser
 * was the person's already.
 */
export async function subscribeBrowser(
  tx: Tx,
  secrets: SecretBox,
  { userId }: Caller,
  { endpoint, keys, serverKey }: NewBrowser,
): Promise<{ readonly created: boolean; readonly answer: typeof SubscriptionAnswer.Type }> {
  const id = newId()
  const hash = createHash("sha256").update(endpoint).digest()
  const text = JSON.stringify([endpoint, base64(keys.p256dh), base64(keys.auth)])
  await tx`delete from slotbase.push_subscriptions where endpoint_hash = ${hash} and user_id <> ${userId}`
  const [row] = await tx<[Row]>`
    insert into slotbase.push_subscriptions (id, user_id, endpoint_hash, service, sealed, server_key, user_agent)
    values (${id}, ${userId}, ${hash}, ${new URL(endpoint).host}, ${secrets.seal(text, purpose)}, ${serverKey},
            ${eventContextOf(tx).userAgent?.slice(0, longestUserAgent) ?? null})
    on conflict (endpoint_hash) do update
    set sealed = excluded.sealed, server_key = excluded.server_key, user_agent = excluded.user_agent
    returning id, service, user_agent as "userAgent", created_at as "createdAt"`
  const created = row.id === id
  if (created) {
    await tx`
      delete from slotbase.push_subscriptions where user_id = ${userId} and id in (
        select k.id from slotbase.push_subscriptions k where k.user_id = ${userId}
        order by k.created_at desc, k.id desc offset ${subscriptionsOfPerson})`
    noteChanged(tx, userId, { after: { pushSubscription: row.id, service: row.service } })
  } else noteChange(tx, "nothing")
  return { created, answer: answerOf(row) }
}

export async function listSubscriptions(db: Queryable, caller: Caller) {
  const rows = await db<Row[]>`
    select id, service, user_agent as "userAgent", created_at as "createdAt"
    from slotbase.push_subscriptions where user_id = ${caller.userId} order by created_at, id`
  return { data: rows.map(answerOf), next: null }
}

/** Records `user.updated`. Throws NotFound. */
export async function unsubscribeBrowser(tx: Tx, caller: Caller, id: string): Promise<void> {
  const [row] = await tx<{ service: string }[]>`
    delete from slotbase.push_subscriptions where id = ${id} and user_id = ${caller.userId} returning service`
  if (!row) throw new NotFound("push subscription", id)
  noteChanged(tx, caller.userId, { before: { pushSubscription: id, service: row.service } })
}

/** Undefined: the browser has no subscription of this person any more. */
export async function findTarget(
  db: Queryable,
  secrets: SecretBox,
  { id, userId }: { readonly id: string; readonly userId: string },
): Promise<PushTarget | undefined> {
  const [row] = await db<{ sealed: Buffer; serverKey: string }[]>`
    select sealed, server_key as "serverKey" from slotbase.push_subscriptions where id = ${id} and user_id = ${userId}`
  if (!row) return undefined
  const [endpoint, p256dh, auth] = JSON.parse(secrets.open(row.sealed, purpose))
  return {
    endpoint,
    keys: { p256dh: Buffer.from(p256dh, "base64url"), auth: Buffer.from(auth, "base64url") },
    serverKey: row.serverKey,
  }
}

/** The push service says that it has ended, or it takes nothing under the present key. */
export async function forgetSubscription(
  db: Db,
  { id, userId }: { readonly id: string; readonly userId: string },
): Promise<void> {
  await db`delete from slotbase.push_subscriptions where id = ${id} and user_id = ${userId}`
}

/** The ids of the browsers of people, set-based. */
export async function browsersOf(
  db: Queryable,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await db<{ userId: string; ids: string[] }[]>`
    select user_id as "userId", array_agg(id order by created_at, id) as ids
    from slotbase.push_subscriptions where user_id = any (${[...new Set(userIds)]}::uuid[]) group by user_id`
  return new Map(rows.map(({ userId, ids }) => [userId, ids]))
}

function noteChanged(tx: Tx, userId: string, values: { before?: Fields; after?: Fields }): void {
  noteChange(tx, { subjectType: "user", subjectId: userId, ...values })
  record(tx, { type: "user.updated", data: { userId, changed: ["pushSubscriptions"], updatedBy: userId } })
}
type Fields = Readonly<Record<string, unknown>>

const answerOf = ({ createdAt, ...row }: Row): typeof SubscriptionAnswer.Type => ({
  ...row,
  createdAt: createdAt.toISOString(),
})

const purpose = "push subscription"
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url")
