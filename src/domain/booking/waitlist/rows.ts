/**
 * The rows of the waitlist. Writes: waitlist_entries.
 * Lock order: a booking's row, then the facility's waitlist, then an entry's row. Every transaction that makes
 * entries or offers holds the lock of the facility's waitlist. So the order of joining is the order of `seq`. An
 * entry that joins while a slot becomes free is seen by the transaction that frees it, or sees the free slot.
 */

import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { BookingType } from "#domain/booking/input.ts"
import type { WaitlistInput, WaitlistStatus } from "./input.ts"

export interface EntryRow {
  readonly id: string
  readonly facility_id: string
  readonly seq: number
  readonly booker_id: string
  readonly booker_name: string
  readonly resource_id: string | null
  readonly resource_type: string | null
  readonly start_at: Date
  readonly end_at: Date
  readonly booking_type: typeof BookingType.Type
  readonly participants: NonNullable<WaitlistInput["participants"]>
  /** The status as it is presented: an offer or a wish whose time is over reads "expired". */
  readonly status: WaitlistStatus
  readonly offer_minutes: number
  readonly offer_booking_id: string | null
  /** The resource of the offer's booking. */
  readonly offer_resource_id: string | null
  readonly offer_status: string | null
  readonly offer_expires_at: Date | null
  readonly offer_price: number | null
  readonly offer_currency: string | null
  readonly offered_at: Date | null
  readonly ended_at: Date | null
  readonly joined_by: string
  readonly joined_at: Date
}

export type NewEntry = Pick<
  EntryRow,
  | "id"
  | "facility_id"
  | "booker_id"
  | "resource_id"
  | "resource_type"
  | "start_at"
  | "end_at"
  | "booking_type"
  | "participants"
  | "joined_by"
>

/** Held until the transaction ends. */
export const lockWaitlist = (tx: Tx, facilityId: string) =>
  tx`select pg_advisory_xact_lock(hashtext('slotbase waitlist'), hashtext(${facilityId}))`

/** Undefined when the booker already waits for the same. */
export async function insertEntry(tx: Tx, entry: NewEntry): Promise<EntryRow | undefined> {
  const [start, end] = [entry.start_at.toISOString(), entry.end_at.toISOString()]
  const rows = await tx`
    insert into slotbase.waitlist_entries (id, facility_id, booker_id, resource_id, resource_type, start_at, end_at, booking_type,
      participants, joined_by)
    values (${entry.id}, ${entry.facility_id}, ${entry.booker_id}, ${entry.resource_id}, ${entry.resource_type}, ${start}, ${end},
      ${entry.booking_type}, ${tx.json(entry.participants as never)}, ${entry.joined_by})
    on conflict do nothing
    returning id`
  return rows.length === 0 ? undefined : findEntry(tx, entry.facility_id, entry.id)
}

export async function findEntry(db: Queryable, facilityId: string, entryId: string): Promise<EntryRow | undefined> {
  const [row] = await db<EntryRow[]>`
    select ${columns(db)} from slotbase.waitlist_entries e ${joins(db)}
    where e.id = ${entryId} and e.facility_id = ${facilityId}`
  return row
}

/** Locks the entry, then reads it: its state is judged after the wait. */
export async function lockEntry(tx: Tx, facilityId: string, entryId: string): Promise<EntryRow | undefined> {
  await tx`select from slotbase.waitlist_entries where id = ${entryId} and facility_id = ${facilityId} for update`
  return findEntry(tx, facilityId, entryId)
}

/** Entries of a facility in the order of joining. */
export async function findEntries(
  db: Queryable,
  facilityId: string,
  filter: {
    readonly resourceId?: string
    readonly bookerIds: readonly string[] | undefined
    readonly status?: WaitlistStatus
    readonly from?: string
    readonly to?: string
    readonly after: number | undefined
    readonly limit: number
  },
): Promise<readonly EntryRow[]> {
  const { resourceId, bookerIds, status, from, to, after, limit } = filter
  const none = db``
  return db<EntryRow[]>`
    select ${columns(db)} from slotbase.waitlist_entries e ${joins(db)}
    where e.facility_id = ${facilityId}
      ${resourceId === undefined ? none : db`and coalesce(e.resource_id, b.resource_id) = ${resourceId}`}
      ${bookerIds === undefined ? none : db`and e.booker_id = any (${[...bookerIds]}::uuid[])`}
      ${status === undefined ? none : db`and ${presentStatus(db)} = ${status}`}
      ${from === undefined ? none : db`and e.end_at > ${from}`}
      ${to === undefined ? none : db`and e.start_at < ${to}`}
      ${after === undefined ? none : db`and e.seq > ${after}`}
    order by e.seq
    limit ${limit}`
}

/** How many live wishes a person has in a facility: waiting or offered. */
export async function countLive(tx: Tx, facilityId: string, bookerId: string): Promise<number> {
  const [row] = await tx<{ count: number }[]>`
    select count(*)::integer as count from slotbase.waitlist_entries e
    where e.booker_id = ${bookerId} and e.facility_id = ${facilityId}
      and (e.status = 'offered' or e.status = 'waiting' and e.start_at > (select slotbase.now()))`
  return row?.count ?? 0
}

/** The entry receives the booking as its offer. */
export async function markOffered(tx: Tx, { id, facility_id }: EntryKey, bookingId: string): Promise<Date> {
  const [row] = await tx<{ offered_at: Date }[]>`
    update slotbase.waitlist_entries set status = 'offered', offer_booking_id = ${bookingId}, offered_at = slotbase.now()
    where id = ${id} and facility_id = ${facility_id}
    returning offered_at`
  if (!row) throw new Error(`markOffered: no entry ${id}`)
  return row.offered_at
}

/** Ends a locked entry; answers when. */
export async function endEntry(
  tx: Tx,
  { id, facility_id }: EntryKey,
  status: "accepted" | "declined" | "left",
): Promise<Date> {
  const [row] = await tx<{ ended_at: Date }[]>`
    update slotbase.waitlist_entries set status = ${status}, ended_at = slotbase.now()
    where id = ${id} and facility_id = ${facility_id}
    returning ended_at`
  if (!row) throw new Error(`endEntry: no entry ${id}`)
  return row.ended_at
}

/** The fields that the event of an ended entry needs. */
export interface EndedEntry extends EntryKey {
  readonly status: WaitlistStatus
  readonly booker_id: string
  readonly resource_id: string | null
  readonly resource_type: string | null
  readonly start_at: Date
  readonly end_at: Date
  readonly offer_booking_id: string | null
  readonly offer_resource_id: string | null
  readonly ended_at: Date
}

/** Ends the entries of a facility, or of one booking alone, whose offer is no longer held. */
export const settleOffers = (tx: Tx, facilityId: string, bookingId?: string) => tx<EndedEntry[]>`
  update slotbase.waitlist_entries e
  set ended_at = t.now,
      status = case b.status when 'expired' then 'expired' when 'released' then 'declined' when 'cancelled' then 'declined' else 'accepted' end
  from slotbase.bookings b cross join (select slotbase.now() as now) t
  where e.facility_id = ${facilityId} and e.status = 'offered' and b.id = e.offer_booking_id and b.facility_id = e.facility_id
    and b.status <> 'held' ${bookingId === undefined ? tx`` : tx`and e.offer_booking_id = ${bookingId}`}
  returning e.id, e.facility_id, e.status, e.booker_id, e.resource_id, e.resource_type, e.start_at, e.end_at, e.offer_booking_id,
    b.resource_id as offer_resource_id, e.ended_at`

/**
 * Ends entries whose time has come without an offer, at most `limit`. Skips entries that another transaction has
 * locked.
 */
export const lapseEntries = (tx: Tx, limit: number, facilityId?: string) => tx<EndedEntry[]>`
  with due as materialized (
    select e.id, e.facility_id from slotbase.waitlist_entries e
    where e.status = 'waiting' and e.start_at <= (select slotbase.now())
      ${facilityId === undefined ? tx`` : tx`and e.facility_id = ${facilityId}`}
    order by e.facility_id, e.start_at
    limit ${limit}
    for update skip locked
  )
  update slotbase.waitlist_entries e set status = 'expired', ended_at = slotbase.now()
  from due where e.id = due.id and e.facility_id = due.facility_id
  returning e.id, e.facility_id, e.status, e.booker_id, e.resource_id, e.resource_type, e.start_at, e.end_at, e.offer_booking_id,
    null::uuid as offer_resource_id, e.ended_at`

interface EntryKey {
  readonly id: string
  readonly facility_id: string
}

const presentStatus = (sql: Queryable) => sql`
  case when e.status = 'waiting' and e.start_at <= (select slotbase.now()) then 'expired'
       when e.status = 'offered' and (b.status = 'expired' or b.status = 'held' and b.hold_expires_at <= (select slotbase.now())) then 'expired'
       else e.status end`

const columns = (sql: Queryable) => sql`
  e.id, e.facility_id, e.seq, e.booker_id, u.first_name || ' ' || u.last_name as booker_name, e.resource_id, e.resource_type,
  e.start_at, e.end_at, e.booking_type, e.participants, ${presentStatus(sql)} as status, e.offer_minutes, e.offer_booking_id,
  b.resource_id as offer_resource_id, b.hold_expires_at as offer_expires_at, b.price_amount as offer_price,
  b.price_currency as offer_currency, e.offered_at, e.ended_at, e.joined_by, e.joined_at,
  case when b.status = 'held' and b.hold_expires_at <= (select slotbase.now()) then 'expired' else b.status end as offer_status`

const joins = (sql: Queryable) => sql`
  join slotbase.users u on u.id = e.booker_id
  left join slotbase.bookings b on b.id = e.offer_booking_id and b.facility_id = e.facility_id`
