/**
 * What a notification of a provider means. It is believed when it brings the secret of its channel. It is a hint: the
 * calendar is looked at, and what has changed is pulled.
 */
import type { Db } from "#base/database/db.ts"
import { sendHint } from "#base/hints.ts"
import { wakeSync } from "#outbound/calendars/rows.ts"
import { type ChannelKey, type ChannelRow, notifiedChannel, renewSoon } from "./channels.ts"

/** Of Google: all is in the headers. False: it is not believed. */
export async function takeGoogleNotification(db: Db, key: ChannelKey, headers: Headers): Promise<boolean> {
  const header = (name: string) => headers.get(`x-goog-${name}`) ?? ""
  if (header("channel-id") !== key.id) return false
  const channel = await notifiedChannel(db, key, header("channel-token"))
  if (channel?.provider !== "google") return false
  // The first one only says that the channel is open.
  if (header("resource-state") !== "sync") await wake(db, channel, undefined)
  return true
}

/** Of Microsoft Graph: several together, each with the secret. False: none of them is believed. */
export async function takeGraphNotifications(db: Db, key: ChannelKey, body: unknown): Promise<boolean> {
  const given = (body as { value?: unknown } | null)?.value
  const all = (Array.isArray(given) ? given : []) as (Notification | null)[]
  const secrets = new Set(all.map((each) => textOf(each?.clientState)))
  // All are of one subscription, whose address is its own.
  const [secret] = secrets
  if (secrets.size !== 1 || secret === undefined) return false
  const channel = await notifiedChannel(db, key, secret)
  if (channel?.provider !== "outlook") return false
  const events = new Set(all.map((each) => textOf(each?.lifecycleEvent)))
  const isGone = events.has("subscriptionRemoved")
  await wake(db, channel, isGone || events.has("reauthorizationRequired") ? { isGone } : undefined)
  return true
}

interface Notification {
  readonly clientState?: unknown
  readonly lifecycleEvent?: unknown
}

const textOf = (value: unknown) => (typeof value === "string" ? value : undefined)

const wake = (db: Db, channel: ChannelRow, renewal: { readonly isGone: boolean } | undefined): Promise<void> =>
  db.begin(async (tx) => {
    if (renewal) await renewSoon(tx, channel, renewal.isGone)
    const { count } = await wakeSync(tx, channel.facility_id, channel.sync_id)
    if (count > 0) tx.afterCommit(() => sendHint("calendars"))
  })
