/**
 * Channels by which providers say that a calendar has changed. A channel is written before it is opened, so that the
 * provider's first question finds it. One that ends here is stopped at the provider later, with the last credentials.
 * Writes: calendar_channels.
 */
import { timingSafeEqual } from "node:crypto"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { isId, newId } from "#base/ids.ts"
import { hashToken, newToken } from "#base/secrets.ts"
import type { ChannelToOpen, OpenChannel } from "#outbound/calendars/provider.ts"
import type { CalendarSyncRow } from "#outbound/calendars/rows.ts"
import { type ServiceName, serviceHosts } from "#outbound/calendars/services.ts"

type SyncKey = Pick<CalendarSyncRow, "id" | "facility_id">

export type ChannelKey = Pick<ChannelRow, "id" | "facility_id">

export interface ChannelRow {
  readonly id: string
  readonly facility_id: string
  readonly sync_id: string
  readonly provider: ServiceName
  readonly remote_id: string | null
  readonly secret_hash: Uint8Array
  readonly is_due: boolean
  readonly is_open: boolean
}

/** A channel lives for a week. It is renewed a day before its end, because a provider may be away. */
const renewBeforeMs = 24 * 60 * 60_000
/** One that the provider refuses is tried again so often. The calendar is polled meanwhile. */
const tryAgainMinutes = 60
const maxStopTries = 5

/** Channels need an address that the provider reaches, by https. @param publicUrl of this program */
export const channelAddressOf = (publicUrl: string, { id, facility_id }: ChannelKey): string | undefined =>
  publicUrl.startsWith("https://") ? `${publicUrl}/calendar-channels/${facility_id}/${id}` : undefined

const read = (db: Queryable) => db`
  select c.id, c.facility_id, c.sync_id, c.provider, c.remote_id, c.secret_hash, c.renew_at <= slotbase.now() as is_due,
         c.remote_id is not null and c.expires_at > slotbase.now() as is_open
  from slotbase.calendar_channels c`

export async function channelOf(db: Queryable, { id, facility_id }: SyncKey): Promise<ChannelRow | undefined> {
  const [row] = await db<ChannelRow[]>`
    ${read(db)} where c.sync_id = ${id} and c.facility_id = ${facility_id} and c.stop_with is null`
  return row
}

/** The channel of a notification that brings its secret; undefined: nothing is said about why. */
export async function notifiedChannel(db: Db, key: ChannelKey, secret: string): Promise<ChannelRow | undefined> {
  const row = await liveChannel(db, key)
  return row && timingSafeEqual(row.secret_hash, hashToken(secret)) ? row : undefined
}

export async function liveChannel(db: Db, { id, facility_id }: ChannelKey): Promise<ChannelRow | undefined> {
  if (!isId(id) || !isId(facility_id)) return undefined
  const [row] = await db<ChannelRow[]>`
    ${read(db)} where c.id = ${id} and c.facility_id = ${facility_id} and c.stop_with is null`
  return row
}

/** A new channel takes the place of the one before. It is tried again later, unless it is opened. */
export async function beginChannel(
  tx: Tx,
  sync: CalendarSyncRow,
  provider: ServiceName,
): Promise<Pick<ChannelToOpen, "id" | "secret">> {
  await endChannels(tx, sync)
  const [id, secret] = [newId(), newToken("sbn")]
  await tx`
    insert into slotbase.calendar_channels (id, facility_id, sync_id, provider, secret_hash, expires_at, renew_at)
    select ${id}, ${sync.facility_id}, ${sync.id}, ${provider}, ${hashToken(secret)},
           slotbase.now() + interval '1 day', slotbase.now() + make_interval(mins => ${tryAgainMinutes})`
  return { id, secret }
}

export const keepOpenChannel = (
  db: Queryable,
  facilityId: string,
  id: string,
  { remoteId, expiresAt }: OpenChannel,
) => db`
  update slotbase.calendar_channels
  set remote_id = ${remoteId}, expires_at = ${new Date(expiresAt)}, renew_at = ${new Date(expiresAt - renewBeforeMs)}
  where id = ${id} and facility_id = ${facilityId}`

/** The provider removed it, or asks for it to be renewed: at the next look at the calendar. */
export const renewSoon = (tx: Tx, { id, facility_id }: ChannelRow, isGone: boolean) => tx`
  update slotbase.calendar_channels
  set renew_at = slotbase.now(), remote_id = case when ${isGone} then null else remote_id end
  where id = ${id} and facility_id = ${facility_id} and stop_with is null`

/** The calendar is disconnected, or not pulled any more. A channel that was never opened needs no stop. */
export async function endChannels(tx: Tx, { id, facility_id }: SyncKey): Promise<void> {
  await tx`
    delete from slotbase.calendar_channels
    where sync_id = ${id} and facility_id = ${facility_id} and remote_id is null and stop_with is null`
  await tx`
    update slotbase.calendar_channels c set stop_with = s.credentials, stop_at = slotbase.now()
    from slotbase.calendar_syncs s
    where s.id = ${id} and s.facility_id = ${facility_id}
      and c.sync_id = s.id and c.facility_id = s.facility_id and c.stop_with is null`
}

export interface ChannelToStop {
  readonly id: string
  readonly facility_id: string
  readonly sync_id: string
  readonly provider: ServiceName
  readonly remote_id: string
  readonly stop_with: Uint8Array
}

/**
 * Claims channels to stop, except at a server that asked for a pause. One that is not stopped is tried again later, and
 * in the end expires by itself.
 */
export const claimChannelsToStop = (db: Db, limit: number) => db<ChannelToStop[]>`
  update slotbase.calendar_channels c
  set stop_tries = stop_tries + 1, stop_at = slotbase.now() + interval '10 minutes' * 3 ^ stop_tries
  where (c.id, c.facility_id) in (
    select s.id, s.facility_id from slotbase.calendar_channels s
    where s.stop_with is not null and s.stop_at <= slotbase.now() and s.stop_tries < ${maxStopTries}
      and not exists (
        select from slotbase.calendar_hosts h where h.held_until > slotbase.now()
          and h.host = case s.provider when 'google' then ${serviceHosts.google} else ${serviceHosts.outlook} end)
    order by s.stop_at limit ${limit} for update skip locked)
  returning c.id, c.facility_id, c.sync_id, c.provider, c.remote_id, c.stop_with`

export const channelStopped = (db: Queryable, { id, facility_id }: ChannelToStop) => db`
  delete from slotbase.calendar_channels where id = ${id} and facility_id = ${facility_id}`
