/**
 * The rows of calendars that are kept in step. Every writer names the calendar with its facility.
 * Writes: calendar_syncs, calendar_hosts.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { CalendarProviderName, CalendarSyncConfig, SyncDirection, SyncStatus } from "./input.ts"
import type { CalendarFailureCode } from "./provider.ts"

export interface CalendarSyncRow {
  readonly id: string
  readonly facility_id: string
  readonly user_id: string
  readonly resource_id: string | null
  readonly provider: CalendarProviderName
  readonly credentials: Uint8Array
  readonly calendar_id: string
  readonly host: string
  readonly sync_direction: SyncDirection
  readonly events: string[]
  readonly title_template: string
  readonly description_template: string
  readonly location_template: string
  readonly sync_status: SyncStatus
  readonly status_code: CalendarFailureCode | null
  readonly status_reason: string | null
  readonly failing_since: Date | null
  readonly failures: number
  readonly told_at: Date | null
  readonly last_sync_at: Date | null
  readonly next_sync_at: Date
  readonly sync_token: string | null
  readonly checked_at: Date | null
  readonly drift: number | null
  readonly asked: number
  readonly lease: number | null
  readonly version: number
  readonly created_at: Date
  readonly updated_at: Date
}

/** What the answer has beside the row. */
interface Counted {
  readonly waiting: number
  readonly refused: number
  readonly entries: number
  readonly busy_blocks: number
  readonly conflicts: number
  readonly unreadable: string[]
}

export type NewCalendarSync = Pick<
  CalendarSyncRow,
  | "id"
  | "facility_id"
  | "user_id"
  | "resource_id"
  | "provider"
  | "credentials"
  | "calendar_id"
  | "host"
  | "sync_direction"
  | "events"
  | "title_template"
  | "description_template"
  | "location_template"
>

/** False: the calendar is connected already. */
export async function insertSync(tx: Tx, row: NewCalendarSync): Promise<boolean> {
  const { count } = await tx`
    insert into slotbase.calendar_syncs (id, facility_id, user_id, resource_id, provider, credentials, calendar_id, host,
      sync_direction, events, title_template, description_template, location_template)
    values (${row.id}, ${row.facility_id}, ${row.user_id}, ${row.resource_id}, ${row.provider}, ${row.credentials},
      ${row.calendar_id}, ${row.host}, ${row.sync_direction}, ${row.events}, ${row.title_template},
      ${row.description_template}, ${row.location_template})
    on conflict do nothing`
  return count === 1
}

/** A change of the configuration: a pull begins anew, and a failure is tried at once. */
export const updateSync = (tx: Tx, row: CalendarSyncRow) => tx`
  update slotbase.calendar_syncs
  set credentials = ${row.credentials}, sync_direction = ${row.sync_direction}, events = ${row.events},
      title_template = ${row.title_template}, description_template = ${row.description_template},
      location_template = ${row.location_template}, sync_status = ${row.sync_status}, status_code = null,
      status_reason = null, failing_since = null, failures = 0, told_at = null, throttled_since = null, sync_token = null, checked_at = null,
      next_sync_at = slotbase.now(), asked = asked + 1, version = version + 1, updated_at = slotbase.now()
  where id = ${row.id} and facility_id = ${row.facility_id}`

export async function deleteSync(tx: Tx, facilityId: string, id: string): Promise<void> {
  await tx`delete from slotbase.calendar_syncs where id = ${id} and facility_id = ${facilityId}`
}

export async function lockSync(tx: Tx, facilityId: string, id: string): Promise<CalendarSyncRow | undefined> {
  const [row] = await tx<CalendarSyncRow[]>`
    select * from slotbase.calendar_syncs where id = ${id} and facility_id = ${facilityId} for update`
  return row
}

/**
 * Locks the claimed row. False: another process has taken the calendar over, it is gone, or its configuration was
 * changed. Then what was begun by the old one is not kept.
 */
export async function holdsLease(tx: Tx, { id, facility_id, lease, version }: CalendarSyncRow): Promise<boolean> {
  const rows = await tx`
    select from slotbase.calendar_syncs
    where id = ${id} and facility_id = ${facility_id} and lease = ${lease} and version = ${version} for update`
  return rows.length > 0
}

/** Calendars are looked at now. Those that fail keep their next try. */
export const wakeSyncs = (tx: Tx, facilityId: string, ids: readonly string[]) => tx`
  update slotbase.calendar_syncs
  set asked = asked + 1, next_sync_at = case when sync_status = 'active' then least(next_sync_at, slotbase.now()) else next_sync_at end
  where facility_id = ${facilityId} and id = any (${[...ids]}::uuid[])`

/** Those of the facilities in which some calendar is pushed to. Most have none, and their events stop here. */
export async function pushingFacilities(db: Queryable, facilityIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db<{ id: string }[]>`
    select f.id from unnest(${[...facilityIds]}::uuid[]) as f (id)
    where exists (select from slotbase.calendar_syncs s where s.facility_id = f.id and s.sync_direction <> 'pull')`
  return new Set(rows.map(({ id }) => id))
}

/** Its provider says that it has changed. One that is due already is looked at anyway. */
export const wakeSync = (tx: Tx, facilityId: string, id: string) => tx`
  update slotbase.calendar_syncs set asked = asked + 1, next_sync_at = least(next_sync_at, slotbase.now())
  where id = ${id} and facility_id = ${facilityId} and sync_status = 'active' and sync_direction <> 'push'
    and (next_sync_at > slotbase.now() or lease is not null)`

/** Somebody asks for it: also a failing calendar is tried now. */
export const syncNow = (tx: Tx, facilityId: string, id: string) => tx`
  update slotbase.calendar_syncs set asked = asked + 1, next_sync_at = slotbase.now()
  where id = ${id} and facility_id = ${facilityId}`

export async function claimSyncs(
  db: Db,
  { owner, places, perHost }: { readonly owner: number; readonly places: number; readonly perHost: number },
): Promise<readonly CalendarSyncRow[]> {
  return db<CalendarSyncRow[]>`select * from slotbase.claim_calendars(${owner}, ${places}, ${perHost})`
}

/** When the next calendar is due; undefined: none is. */
export async function nextSyncAt(db: Db): Promise<Date | undefined> {
  const [row] = await db<[{ at: Date | null }]>`
    select min(next_sync_at) as at from slotbase.calendar_syncs where sync_status <> 'paused' and lease is null`
  return row.at ?? undefined
}

/** The calendar is in step. What was asked meanwhile is looked at at once. */
export const settleInStep = (db: Queryable, sync: CalendarSyncRow, pollMs: number) => db`
  update slotbase.calendar_syncs s
  set lease = null, owner = null, last_sync_at = slotbase.now(), status_code = null, status_reason = null,
      failing_since = null, failures = 0, told_at = null, throttled_since = null,
      sync_status = case when s.sync_status = 'error' then 'active' else s.sync_status end,
      next_sync_at = case when s.asked <> ${sync.asked} then slotbase.now()
        else least(slotbase.now() + ${pollMs}::float8 * interval '1 ms',
                   (select greatest(slotbase.now(), w.due_at) from slotbase.calendar_work w
                    where w.sync_id = s.id and w.facility_id = s.facility_id and s.sync_direction <> 'pull'
                    order by w.due_at limit 1)) end
  where s.id = ${sync.id} and s.facility_id = ${sync.facility_id} and s.lease = ${sync.lease}`

/** Nothing was done to the end, and nothing failed: it goes on at this time. */
export const settleLater = (db: Queryable, sync: CalendarSyncRow, afterMs: number) => db`
  update slotbase.calendar_syncs
  set lease = null, owner = null, next_sync_at = slotbase.now() + ${afterMs}::float8 * interval '1 ms'
  where id = ${sync.id} and facility_id = ${sync.facility_id} and lease = ${sync.lease}`

/** The provider asks for a pause. Since when is known until the calendar is in step. */
export const settleThrottled = (db: Queryable, sync: CalendarSyncRow, pauseMs: number) => db`
  update slotbase.calendar_syncs
  set lease = null, owner = null, next_sync_at = slotbase.now() + ${pauseMs}::float8 * interval '1 ms',
      throttled_since = coalesce(throttled_since, slotbase.now())
  where id = ${sync.id} and facility_id = ${sync.facility_id} and lease = ${sync.lease}`

/** Calendars that have waited for their provider for longer than this fail. Each is answered once. */
export const failThrottled = (tx: Tx, forMs: number, most: number) => tx<CalendarSyncRow[]>`
  select * from slotbase.fail_throttled(slotbase.now() - ${forMs}::float8 * interval '1 ms', ${most})`

export interface FailedSync {
  readonly code: CalendarFailureCode
  readonly reason: string
  readonly retryMs: number
}

/** The calendar fails. Answers since when and how often; undefined: another process has it, or it was changed. */
export async function settleFailed(
  tx: Tx,
  sync: CalendarSyncRow,
  { code, reason, retryMs }: FailedSync,
): Promise<
  | { readonly failing_since: Date; readonly failures: number; readonly told_at: Date | null; readonly now: Date }
  | undefined
> {
  const [row] = await tx<{ failing_since: Date; failures: number; told_at: Date | null; now: Date }[]>`
    update slotbase.calendar_syncs
    set lease = null, owner = null, failures = failures + 1, status_code = ${code}, status_reason = ${reason},
        failing_since = coalesce(failing_since, slotbase.now()),
        sync_status = case when sync_status = 'active' then 'error' else sync_status end,
        next_sync_at = case when version <> ${sync.version} then slotbase.now()
                            else slotbase.now() + ${retryMs}::float8 * interval '1 ms' end
    where id = ${sync.id} and facility_id = ${sync.facility_id} and lease = ${sync.lease}
    returning failing_since, failures, told_at, slotbase.now() as now`
  return row
}

export const markSyncTold = (tx: Tx, { id, facility_id }: CalendarSyncRow) => tx`
  update slotbase.calendar_syncs set told_at = slotbase.now() where id = ${id} and facility_id = ${facility_id}`

/** Where the next pull goes on. */
export const keepToken = (tx: Tx, { id, facility_id, version }: CalendarSyncRow, token: string | null) => tx`
  update slotbase.calendar_syncs set sync_token = ${token}
  where id = ${id} and facility_id = ${facility_id} and version = ${version}`

/** The provider gave another refresh token. A configuration that was changed meanwhile has its own. */
export const keepCredentials = (db: Queryable, { id, facility_id, version }: CalendarSyncRow, sealed: Uint8Array) => db`
  update slotbase.calendar_syncs set credentials = ${sealed}
  where id = ${id} and facility_id = ${facility_id} and version = ${version}`

export const noteCheck = (db: Queryable, { id, facility_id }: CalendarSyncRow, drift: number) => db`
  update slotbase.calendar_syncs set checked_at = slotbase.now(), drift = ${drift}
  where id = ${id} and facility_id = ${facility_id}`

/** The calendar was found at another address. False: it is connected already. */
export async function moveSync(
  db: Db,
  sync: CalendarSyncRow,
  place: { readonly calendarId: string; readonly host: string },
): Promise<boolean> {
  const { count } = await db`
    update slotbase.calendar_syncs s
    set calendar_id = ${place.calendarId}, host = ${place.host}, lease = null, owner = null, next_sync_at = slotbase.now()
    where s.id = ${sync.id} and s.facility_id = ${sync.facility_id} and s.lease = ${sync.lease}
      and not exists (select from slotbase.calendar_syncs o
                      where o.facility_id = s.facility_id and coalesce(o.resource_id, o.user_id) = coalesce(s.resource_id, s.user_id)
                        and o.provider = s.provider and o.calendar_id = ${place.calendarId})`
  return count === 1
}

/** The server is not asked before this time, by any process. */
export const holdHost = (db: Queryable, host: string, forMs: number, reason: string) => db`
  insert into slotbase.calendar_hosts (host, held_until, reason)
  values (${host}, slotbase.now() + ${forMs}::float8 * interval '1 ms', ${reason})
  on conflict (host) do update
  set held_until = greatest(calendar_hosts.held_until, excluded.held_until), reason = excluded.reason`

/** Of a facility, of one user or of all, by their ids. */
export const listSyncRows = (
  db: Queryable,
  facilityId: string,
  { userId, id, afterId, limit }: { userId?: string; id?: string; afterId?: string; limit: number },
) => db<(CalendarSyncRow & Counted)[]>`
  select s.*,
         (select count(*)::integer from slotbase.calendar_work w where w.sync_id = s.id and w.facility_id = s.facility_id) as waiting,
         (select count(*)::integer from slotbase.calendar_work w
          where w.sync_id = s.id and w.facility_id = s.facility_id and w.failures > 0) as refused,
         (select count(*)::integer from slotbase.calendar_entries e where e.sync_id = s.id and e.facility_id = s.facility_id) as entries,
         (select count(*)::integer from slotbase.busy_blocks b
          where b.sync_id = s.id and b.facility_id = s.facility_id and b.end_at > slotbase.now()) as busy_blocks,
         (select count(*)::integer from slotbase.busy_blocks b
          where b.sync_id = s.id and b.facility_id = s.facility_id and b.conflict_since is not null and b.end_at > slotbase.now()) as conflicts,
         array(select v.fault from slotbase.calendar_events v
               where v.sync_id = s.id and v.facility_id = s.facility_id and v.fault is not null
               order by v.remote_id limit 20) as unreadable
  from slotbase.calendar_syncs s
  where s.facility_id = ${facilityId}
    ${id === undefined ? db`` : db`and s.id = ${id}`}
    ${userId === undefined ? db`` : db`and s.user_id = ${userId}`}
    ${afterId === undefined ? db`` : db`and s.id > ${afterId}`}
  order by s.id limit ${limit}`

export const toSyncConfig = (row: CalendarSyncRow & Counted): CalendarSyncConfig => ({
  id: row.id,
  facilityId: row.facility_id,
  userId: row.user_id,
  ...(row.resource_id !== null && { resourceId: row.resource_id }),
  provider: row.provider,
  calendarId: row.calendar_id,
  syncDirection: row.sync_direction,
  events: row.events,
  titleTemplate: row.title_template,
  descriptionTemplate: row.description_template,
  locationTemplate: row.location_template,
  lastSyncAt: isoOf(row.last_sync_at),
  syncStatus: row.sync_status,
  statusCode: row.status_code,
  statusReason: row.status_reason,
  failingSince: isoOf(row.failing_since),
  nextSyncAt: row.sync_status === "paused" ? null : row.next_sync_at.toISOString(),
  drift:
    row.drift === null || row.checked_at === null
      ? null
      : { entries: row.drift, checkedAt: row.checked_at.toISOString() },
  waiting: row.waiting,
  refused: row.refused,
  entries: row.entries,
  busyBlocks: row.busy_blocks,
  conflicts: row.conflicts,
  unreadable: row.unreadable,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})

const isoOf = (at: Date | null) => at?.toISOString() ?? null
