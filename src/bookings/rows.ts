/**
 * The rows of a booking. The only file that writes bookings, booking_participants and occupancies.
 * Guarantees: an occupancy exists exactly while its booking occupies the resource; the lock order is always the
 * bookings row before the occupancy; a booking's row is locked before its state is judged.
 */
import type { Queryable, Tx } from "../database/db.ts"
import { NotFound } from "../errors.ts"
import { isId } from "../ids.ts"
import { type BookingType, maxBookingMinutes, type PaymentMethod } from "./input.ts"

export const statuses = [
  "held",
  "pending",
  "confirmed",
  "checked_in",
  "completed",
  "cancelled",
  "no_show",
  "expired",
  "released",
] as const
export type Status = (typeof statuses)[number]

export interface Participant {
  readonly userId: string
  readonly name: string
  readonly role: string
}

/** A booking with what its events and answers say of its facility, resource and people. */
export interface BookingRow {
  readonly id: string
  readonly facility_id: string
  readonly resource_id: string
  readonly resource_name: string
  readonly timezone: string
  /** A hold whose time is over reads "expired", whether or not it has been released. */
  readonly status: Status
  readonly booking_type: typeof BookingType.Type
  readonly booker_id: string
  readonly booker_name: string
  readonly booker_email: string
  readonly participants: readonly Participant[]
  readonly start_at: Date
  readonly end_at: Date
  readonly price_amount: number
  readonly price_currency: string
  readonly payment_method: typeof PaymentMethod.Type | null
  readonly hold_id: string | null
  readonly hold_expires_at: Date | null
  readonly is_recurring: boolean
  readonly recurring_booking_id: string | null
  readonly confirmed_at: Date | null
  readonly checked_in_at: Date | null
  readonly completed_at: Date | null
  readonly cancelled_at: Date | null
  readonly cancelled_by: string | null
  readonly cancellation_reason: string | null
  readonly no_show_at: Date | null
  readonly created_at: Date
  readonly updated_at: Date
}

/** A locked booking, judged at `now`, which was taken after the lock. */
export interface LockedBooking extends BookingRow {
  readonly now: Date
}

export type NewBooking = Pick<
  BookingRow,
  | "id"
  | "facility_id"
  | "resource_id"
  | "booking_type"
  | "booker_id"
  | "start_at"
  | "end_at"
  | "price_amount"
  | "price_currency"
  | "payment_method"
  | "hold_id"
  | "participants"
> & { readonly status: "held" | "confirmed"; readonly hold_minutes: number; readonly created_by: string }

/** What the database says of a booking that it has just taken in. */
export type Inserted = Pick<BookingRow, "hold_expires_at" | "confirmed_at" | "created_at">

/**
 * Takes the slot; undefined when it is occupied. "on conflict do nothing" waits for whoever is just taking the same slot,
 * without the deadlocks of a plain insert and without the gap of a check before it. The booking's row comes from the
 * occupancy alone, so that neither exists without the other.
 */
export async function insertBooking(tx: Tx, booking: NewBooking): Promise<Inserted | undefined> {
  const { id, facility_id, resource_id, status, participants } = booking
  const [start, end] = [booking.start_at.toISOString(), booking.end_at.toISOString()]
  const [row] = await tx<Inserted[]>`
    with taken as (
      insert into slotbase.occupancies (booking_id, facility_id, resource_id, during)
      values (${id}, ${facility_id}, ${resource_id}, tstzrange(${start}, ${end}))
      on conflict do nothing
      returning booking_id
    ), booked as (
      insert into slotbase.bookings (id, facility_id, resource_id, status, booking_type, booker_id, start_at, end_at,
        price_amount, price_currency, payment_method, hold_id, hold_expires_at, confirmed_at, created_by, created_at, updated_at)
      select ${id}::uuid, ${facility_id}::uuid, ${resource_id}::uuid, ${status}, ${booking.booking_type},
        ${booking.booker_id}::uuid, ${start}::timestamptz, ${end}::timestamptz, ${booking.price_amount}::bigint,
        ${booking.price_currency}, ${booking.payment_method}, ${booking.hold_id}::uuid,
        case when ${status}::text = 'held' then t.now + make_interval(mins => ${booking.hold_minutes}::integer) end,
        case when ${status}::text = 'confirmed' then t.now end, ${booking.created_by}::uuid, t.now, t.now
      from taken cross join (select slotbase.now() as now) t
      returning id, facility_id, hold_expires_at, confirmed_at, created_at
    ), joined as (
      insert into slotbase.booking_participants (booking_id, facility_id, user_id, role)
      select b.id, b.facility_id, p.user_id, p.role
      from booked b
      cross join unnest(${participants.map((each) => each.userId)}::uuid[], ${participants.map((each) => each.role)}::text[])
        as p (user_id, role)
    )
    select hold_expires_at, confirmed_at, created_at from booked`
  return row
}

/** Locks a booking of the facility. Throws NotFound. */
export async function lockBooking(tx: Tx, facilityId: string, bookingId: string): Promise<LockedBooking> {
  if (!isId(bookingId)) throw new NotFound("booking", bookingId)
  // The lock comes first and by itself: the clock must be read after the wait for it.
  const [row] = await tx<LockedBooking[]>`
    with b as materialized (
      select * from slotbase.bookings where id = ${bookingId} and facility_id = ${facilityId} for update
    )
    select ${columns(tx)}, slotbase.now() as now from b ${joins(tx)}`
  if (!row) throw new NotFound("booking", bookingId)
  return row
}

export async function findBooking(
  db: Queryable,
  facilityId: string,
  bookingId: string,
): Promise<BookingRow | undefined> {
  const [row] = await db<BookingRow[]>`
    select ${columns(db)} from slotbase.bookings b ${joins(db)}
    where b.id = ${bookingId} and b.facility_id = ${facilityId}`
  return row
}

export interface BookingFilter {
  readonly resourceId?: string
  readonly bookerId: string | undefined
  readonly status?: Status
  /** Bookings that start at or after this instant … */
  readonly from?: string
  /** … and before this one. */
  readonly to?: string
  /** Start and id of the last booking of the page before. */
  readonly after: readonly [string, string] | undefined
  readonly limit: number
}

/** Bookings of a facility by start, then id. */
export async function findBookings(
  db: Queryable,
  facilityId: string,
  filter: BookingFilter,
): Promise<readonly BookingRow[]> {
  const { resourceId, bookerId, status, from, to, after, limit } = filter
  const none = db``
  return db<BookingRow[]>`
    select ${columns(db)} from slotbase.bookings b ${joins(db)}
    where b.facility_id = ${facilityId}
      ${resourceId === undefined ? none : db`and b.resource_id = ${resourceId}`}
      ${bookerId === undefined ? none : db`and b.booker_id = ${bookerId}`}
      ${status === undefined ? none : db`and ${presentStatus(db)} = ${status}`}
      ${from === undefined ? none : db`and b.start_at >= ${from}`}
      ${to === undefined ? none : db`and b.start_at < ${to}`}
      ${after === undefined ? none : db`and (b.start_at, b.id) > (${after[0]}, ${after[1]})`}
    order by b.start_at, b.id
    limit ${limit}`
}

export type Change = { readonly status: Status } & Partial<
  Pick<
    BookingRow,
    | "payment_method"
    | "confirmed_at"
    | "checked_in_at"
    | "completed_at"
    | "cancelled_at"
    | "cancelled_by"
    | "cancellation_reason"
    | "no_show_at"
  >
>

/** Moves a locked booking to its next state; `frees` gives the slot back. Answers the booking as it is then. */
export async function changeBooking(
  tx: Tx,
  booking: LockedBooking,
  change: Change,
  frees = false,
): Promise<BookingRow> {
  const set = { ...change, updated_at: booking.now }
  const { id, facility_id } = booking
  const update = tx`update slotbase.bookings set ${tx(set)} where id = ${id} and facility_id = ${facility_id}`
  const free = () => tx`delete from slotbase.occupancies where booking_id = ${id} and facility_id = ${facility_id}`
  await Promise.all(frees ? [update, free()] : [update])
  return { ...booking, ...set }
}

/** A hold that was released because its time was over. */
export type ExpiredHold = Pick<
  BookingRow,
  "id" | "facility_id" | "resource_id" | "booking_type" | "booker_id" | "start_at" | "end_at" | "updated_at"
> & { readonly hold_id: string }

/** Releases dead holds that stand in the way. Waits for whoever is deciding about one of them, and leaves it if it lives on. */
export const expireHoldsIn = (tx: Tx, facilityId: string, resourceId: string, start: Date, end: Date) =>
  expire(
    tx,
    tx`
      select b.id, b.facility_id from slotbase.bookings b
      where b.facility_id = ${facilityId} and b.resource_id = ${resourceId}
        and b.start_at < ${end.toISOString()} and b.end_at > ${start.toISOString()}
        and b.start_at > ${new Date(start.getTime() - maxBookingMinutes * 60_000).toISOString()}
        and b.status = 'held' and b.hold_expires_at <= (select slotbase.now())
      order by b.id
      for update`,
  )

/** Releases the holds that are dead longest, at most `limit`; those that somebody is deciding about are left to them. */
export const expireHoldsAnywhere = (tx: Tx, limit: number) =>
  expire(
    tx,
    tx`
      select b.id, b.facility_id from slotbase.bookings b
      where b.status = 'held' and b.hold_expires_at <= (select slotbase.now())
      order by b.hold_expires_at
      limit ${limit}
      for update skip locked`,
  )

const expire = (tx: Tx, dead: ReturnType<typeof tx>) =>
  tx<ExpiredHold[]>`
    with dead as materialized (${dead}), freed as (
      delete from slotbase.occupancies o using dead
      where o.booking_id = dead.id and o.facility_id = dead.facility_id
    )
    update slotbase.bookings b
    set status = 'expired', updated_at = t.now
    from dead cross join (select slotbase.now() as now) t
    where b.id = dead.id and b.facility_id = dead.facility_id
    returning b.id, b.facility_id, b.resource_id, b.booking_type, b.booker_id, b.start_at, b.end_at, b.updated_at, b.hold_id`

/** How often somebody did not show up in a facility. */
export async function countNoShows(tx: Tx, facilityId: string, bookerId: string): Promise<number> {
  const [row] = await tx<{ count: number }[]>`
    select count(*)::integer as count from slotbase.bookings
    where booker_id = ${bookerId} and facility_id = ${facilityId} and status = 'no_show'`
  return row?.count ?? 0
}

const presentStatus = (sql: Queryable) =>
  sql`case when b.status = 'held' and b.hold_expires_at <= (select slotbase.now()) then 'expired' else b.status end`

const columns = (sql: Queryable) => sql`
  b.id, b.facility_id, b.resource_id, r.name as resource_name, f.timezone, ${presentStatus(sql)} as status, b.booking_type,
  b.booker_id, u.first_name || ' ' || u.last_name as booker_name, u.email as booker_email,
  b.start_at, b.end_at, b.price_amount, b.price_currency, b.payment_method, b.hold_id, b.hold_expires_at,
  b.is_recurring, b.recurring_booking_id, b.confirmed_at, b.checked_in_at, b.completed_at, b.cancelled_at, b.cancelled_by,
  b.cancellation_reason, b.no_show_at, b.created_at, b.updated_at,
  coalesce((select jsonb_agg(jsonb_build_object('userId', p.user_id, 'name', w.first_name || ' ' || w.last_name, 'role', p.role)
                             order by p.user_id)
            from slotbase.booking_participants p join slotbase.users w on w.id = p.user_id
            where p.booking_id = b.id and p.facility_id = b.facility_id), '[]') as participants`

const joins = (sql: Queryable) => sql`
  join slotbase.resources r on r.id = b.resource_id and r.facility_id = b.facility_id
  join slotbase.facilities f on f.id = b.facility_id
  join slotbase.users u on u.id = b.booker_id`
