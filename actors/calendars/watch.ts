/**
 * Keeps the channel of one calendar open, by which its provider says that something has changed. Without a public https
 * address, and where the provider refuses, the calendar is polled as before. A channel that ended here is stopped.
 */
import type { Db } from "#base/database/db.ts"
import {
  beginChannel,
  type ChannelRow,
  type ChannelToStop,
  channelAddressOf,
  channelOf,
  channelStopped,
  keepOpenChannel,
} from "#outbound/calendars/channels/channels.ts"
import { CalendarFailed, type CalendarProvider, type CalendarWatch } from "#outbound/calendars/provider.ts"
import { type CalendarSyncRow, holdsLease } from "#outbound/calendars/rows.ts"
import { LeaseLost } from "./push.ts"

/** Answers whether the provider notifies. */
export async function keepWatched(
  db: Db,
  publicUrl: string,
  { watch }: CalendarProvider,
  sync: CalendarSyncRow,
): Promise<boolean> {
  if (!watch || sync.provider === "apple" || channelAddressOf(publicUrl, sync) === undefined) return false
  const channel = await channelOf(db, sync)
  if (channel && !channel.is_due) return channel.is_open
  try {
    await ((channel && (await renewed(db, watch, channel))) || opened(db, publicUrl, watch, sync))
    return true
  } catch (error) {
    // It is tried again later. What the calendar itself refuses, its pull has told already.
    if (!(error instanceof CalendarFailed)) throw error
    return false
  }
}

async function renewed(db: Db, watch: CalendarWatch, { id, facility_id, remote_id }: ChannelRow): Promise<boolean> {
  const open = remote_id === null ? undefined : await watch.renew(remote_id)
  if (open) await keepOpenChannel(db, facility_id, id, open)
  return open !== undefined
}

async function opened(db: Db, publicUrl: string, watch: CalendarWatch, sync: CalendarSyncRow): Promise<void> {
  const { provider } = sync
  if (provider === "apple") return
  const { id, secret } = await db.begin(async (tx) => {
    if (!(await holdsLease(tx, sync))) throw new LeaseLost()
    return beginChannel(tx, sync, provider)
  })
  const open = await watch.open({
    id,
    secret,
    address: channelAddressOf(publicUrl, { id, facility_id: sync.facility_id }) ?? "",
  })
  await keepOpenChannel(db, sync.facility_id, id, open)
}

/** A provider that does not stop it is asked again later. */
export async function stopChannel(db: Db, { watch }: CalendarProvider, channel: ChannelToStop): Promise<void> {
  try {
    await watch?.stop({ id: channel.id, remoteId: channel.remote_id })
  } catch (error) {
    // Without a permission nothing can be stopped any more, and the provider ends it by itself.
    if (!(error instanceof CalendarFailed) || error.code !== "credentials_refused") throw error
  }
  await channelStopped(db, channel)
}
