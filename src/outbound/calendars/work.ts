/**
 * What is to be pushed, and what stands in the calendars. A row of work says only that a booking may differ from its
 * entry: whoever takes it looks at the booking as it is then. So order and repetition of events change nothing.
 * Writes: calendar_work, calendar_entries.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { CalendarSyncRow } from "./rows.ts"

type SyncKey = Pick<CalendarSyncRow, "id" | "facility_id">

/** A booking to look at. */
export interface CalendarWork {
  readonly booking_id: string
  readonly asked: number
  readonly remote_id: string | null
  readonly etag: string | null
  readonly meaning: string | null
}

export interface CalendarEntry {
  readonly booking_id: string
  readonly remote_id: string
  readonly etag: string | null
  readonly meaning: string
}

/** Bookings that were changed by an event of this type. */
export interface ChangedBookings {
  readonly facilityId: string
  readonly type: string
  readonly bookingIds: readonly string[]
}

/**
 * Asks the calendars that push these bookings, or have entries of them, to look at them. Answers the calendars, by
 * facility.
 */
export async function askForEntries(
  tx: Tx,
  changed: readonly ChangedBookings[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const pairs = changed.flatMap(({ facilityId, type, bookingIds }) =>
    bookingIds.map((booking_id) => ({ facility_id: facilityId, booking_id, type })),
  )
  if (pairs.length === 0) return new Map()
  const rows = await tx<{ facility_id: string; sync_id: string }[]>`
    insert into slotbase.calendar_work (sync_id, facility_id, booking_id)
    select distinct s.id, s.facility_id, q.booking_id
    from jsonb_to_recordset(${tx.json(pairs)}) as q (facility_id uuid, booking_id uuid, type text)
    join slotbase.bookings b on b.id = q.booking_id and b.facility_id = q.facility_id
    join slotbase.calendar_syncs s on s.facility_id = q.facility_id and s.sync_direction <> 'pull' and q.type = any (s.events)
    where ${concerns(tx)}
       or exists (select from slotbase.calendar_entries e
                  where e.sync_id = s.id and e.facility_id = s.facility_id and e.booking_id = b.id)
    on conflict (sync_id, facility_id, booking_id) do update
    set asked = nextval('slotbase.lease_seq'), due_at = slotbase.now(), failures = 0, reason = null
    returning facility_id, sync_id`
  const found = Map.groupBy(rows, (row) => row.facility_id)
  return new Map([...found].map(([id, each]) => [id, [...new Set(each.map((row) => row.sync_id))].sort()]))
}

/** SQL: whether booking `b` belongs into calendar `s`: it is on its resource, or its person takes part. */
export const concerns = (sql: Queryable) => belongs(sql, sql`and c.cancelled_at is null`)

/** SQL: the same, also of a lesson that its coach gives no more. */
export const concerned = (sql: Queryable) => belongs(sql, sql``)

const belongs = (sql: Queryable, session: ReturnType<Queryable>) => sql`
  case when s.resource_id is not null then b.resource_id = s.resource_id
       else b.booker_id = s.user_id
         or exists (select from slotbase.booking_participants p
                    where p.booking_id = b.id and p.facility_id = b.facility_id and p.user_id = s.user_id)
         or exists (select from slotbase.coach_sessions c
                    where c.booking_id = b.id and c.facility_id = b.facility_id and c.coach_id = s.user_id ${session})
         or exists (select from slotbase.coach_blocks k
                    where k.booking_id = b.id and k.facility_id = b.facility_id and k.coach_id = s.user_id)
  end`

/** The states in which a booking stands in a calendar. */
export const standsInCalendar = (sql: Queryable) => sql`b.status in ('confirmed', 'checked_in', 'completed', 'no_show')`

/** SQL: bookings `b` of calendar `s` that are not over, found by their indexes. */
const candidates = (sql: Queryable, { resource_id, facility_id, user_id }: CalendarSyncRow) =>
  resource_id !== null
    ? sql`select b.id from slotbase.bookings b where b.resource_id = ${resource_id} and b.facility_id = ${facility_id} and b.end_at > (select slotbase.now())`
    : sql`
      select b.id from slotbase.bookings b where b.booker_id = ${user_id} and b.facility_id = ${facility_id} and b.end_at > (select slotbase.now())
      union select p.booking_id from slotbase.booking_participants p where p.user_id = ${user_id} and p.facility_id = ${facility_id}
      union select c.booking_id from slotbase.coach_sessions c where c.coach_id = ${user_id} and c.facility_id = ${facility_id}
      union select k.booking_id from slotbase.coach_blocks k where k.coach_id = ${user_id} and k.facility_id = ${facility_id}`

/** Asks for all bookings to come that have no entry and do not wait; answers how many. */
export async function askForMissing(tx: Tx, sync: CalendarSyncRow): Promise<number> {
  const { count } = await tx`
    insert into slotbase.calendar_work (sync_id, facility_id, booking_id)
    select s.id, s.facility_id, b.id
    from slotbase.calendar_syncs s
    join slotbase.bookings b on b.facility_id = s.facility_id and b.id in (${candidates(tx, sync)})
    where s.id = ${sync.id} and s.facility_id = ${sync.facility_id}
      and b.end_at > (select slotbase.now()) and ${standsInCalendar(tx)} and ${concerns(tx)}
      and not exists (select from slotbase.calendar_entries e
                      where e.sync_id = s.id and e.facility_id = s.facility_id and e.booking_id = b.id)
    on conflict do nothing`
  return count
}

/** Asks for these bookings; answers how many did not wait already. */
export async function askForBookings(
  tx: Tx,
  { id, facility_id }: SyncKey,
  bookingIds: readonly string[],
): Promise<number> {
  if (bookingIds.length === 0) return 0
  const { count } = await tx`
    insert into slotbase.calendar_work (sync_id, facility_id, booking_id)
    select ${id}, ${facility_id}, b from unnest(${[...bookingIds]}::uuid[]) as x (b)
    on conflict do nothing`
  return count
}

/** Asks for every entry again, such as after other templates. Past ones stay as they are. */
export const askForAll = (tx: Tx, { id, facility_id }: SyncKey) => tx`
  insert into slotbase.calendar_work (sync_id, facility_id, booking_id)
  select e.sync_id, e.facility_id, e.booking_id
  from slotbase.calendar_entries e
  join slotbase.bookings b on b.id = e.booking_id and b.facility_id = e.facility_id and b.end_at > (select slotbase.now())
  where e.sync_id = ${id} and e.facility_id = ${facility_id}
  on conflict (sync_id, facility_id, booking_id) do update set asked = nextval('slotbase.lease_seq'), due_at = slotbase.now()`

/** A calendar that is not pushed to any more waits for nothing. What stands there stays. */
export const dropWork = (tx: Tx, { id, facility_id }: SyncKey) => tx`
  delete from slotbase.calendar_work where sync_id = ${id} and facility_id = ${facility_id}`

/** Work that is due, the oldest first, with the entry that stands. */
export const dueWork = (db: Db, { id, facility_id }: SyncKey, limit: number) => db<CalendarWork[]>`
  select w.booking_id, w.asked, e.remote_id, e.etag, e.meaning
  from slotbase.calendar_work w
  left join slotbase.calendar_entries e
    on e.sync_id = w.sync_id and e.facility_id = w.facility_id and e.booking_id = w.booking_id
  where w.sync_id = ${id} and w.facility_id = ${facility_id} and w.due_at <= (select slotbase.now())
  order by w.due_at, w.asked limit ${limit}`

/** The calendar has what it should have. Work that was asked for meanwhile stays. */
export async function settleWork(
  tx: Tx,
  { id, facility_id }: SyncKey,
  { booking_id, asked }: CalendarWork,
): Promise<void> {
  await tx`
    delete from slotbase.calendar_work
    where sync_id = ${id} and facility_id = ${facility_id} and booking_id = ${booking_id} and asked = ${asked}`
}

/** The server refuses one entry. It is tried again after a time that doubles, up to six hours. */
export async function putOffEntry(
  tx: Tx,
  { id, facility_id }: SyncKey,
  { booking_id, asked }: CalendarWork,
  reason: string,
): Promise<void> {
  await tx`
    update slotbase.calendar_work
    set failures = failures + 1, reason = ${reason},
        due_at = slotbase.now() + least(interval '6 hours', interval '1 minute' * 2 ^ least(failures, 10))
    where sync_id = ${id} and facility_id = ${facility_id} and booking_id = ${booking_id} and asked = ${asked}`
}

/** What stands in the calendar for a booking. Another booking whose entry stood at this place is looked at. */
export async function keepEntry(tx: Tx, sync: SyncKey, entry: CalendarEntry): Promise<void> {
  const { id, facility_id } = sync
  const { booking_id, remote_id, etag, meaning } = entry
  const others = await tx<{ booking_id: string }[]>`
    delete from slotbase.calendar_entries
    where sync_id = ${id} and facility_id = ${facility_id} and remote_id = ${remote_id} and booking_id <> ${booking_id}
    returning booking_id`
  await askForBookings(
    tx,
    sync,
    others.map((other) => other.booking_id),
  )
  await tx`
    insert into slotbase.calendar_entries (sync_id, facility_id, booking_id, remote_id, etag, meaning, ends_at)
    select ${id}, b.facility_id, b.id, ${remote_id}, ${etag}, ${meaning}, b.end_at
    from slotbase.bookings b where b.id = ${booking_id} and b.facility_id = ${facility_id}
    on conflict (sync_id, facility_id, booking_id) do update
    set remote_id = excluded.remote_id, etag = excluded.etag, meaning = excluded.meaning, ends_at = excluded.ends_at,
        pushed_at = slotbase.now()`
}

export async function forgetEntry(tx: Tx, { id, facility_id }: SyncKey, bookingId: string): Promise<void> {
  await tx`
    delete from slotbase.calendar_entries
    where sync_id = ${id} and facility_id = ${facility_id} and booking_id = ${bookingId}`
}

/** Those of bookings that are not over. What is over may be tidied up in the calendar. */
export const entriesOf = (db: Queryable, { id, facility_id }: SyncKey) => db<CalendarEntry[]>`
  select booking_id, remote_id, etag, meaning from slotbase.calendar_entries
  where sync_id = ${id} and facility_id = ${facility_id} and ends_at > (select slotbase.now())`
