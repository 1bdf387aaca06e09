/** Reads bookings: one, a page of them, or locked ones to be changed. */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { addressIn, unreachable } from "#domain/people/address.ts"
import type { BookingRow, LockedBooking, Status } from "./booking-row.ts"
import { longestBookingMinutes } from "./input.ts"

/** Locks a booking of the facility. Throws NotFound. */
export async function lockBooking(tx: Tx, facilityId: string, bookingId: string): Promise<LockedBooking> {
  if (!isId(bookingId)) throw new NotFound("booking", bookingId)
  // The lock is a statement of its own and comes first: the clock must be read after the wait.
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
  /** Bookings of these people. */
  readonly bookerIds: readonly string[] | undefined
  readonly status?: Status
  readonly bookingType?: string
  readonly recurringBookingId?: string
  /** Bookings that stand although their time is not open; or the others. */
  readonly struck?: "true" | "false"
  /** Bookings that end after this instant … */
  readonly from?: string
  /** … and start before this one. */
  readonly to?: string
  /** Bookings that start at or after this instant … */
  readonly startsFrom?: string
  /** … and before this one. */
  readonly startsTo?: string
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
  const {
    resourceId,
    bookerIds,
    status,
    bookingType,
    recurringBookingId,
    struck,
    from,
    to,
    startsFrom,
    startsTo,
    after,
    limit,
  } = filter
  const none = db``
  return db<BookingRow[]>`
    select ${columns(db)} from slotbase.bookings b ${joins(db)}
    where b.facility_id = ${facilityId}
      ${resourceId === undefined ? none : db`and b.resource_id = ${resourceId}`}
      ${bookerIds === undefined ? none : db`and b.booker_id = any (${[...bookerIds]}::uuid[])`}
      ${status === undefined ? none : db`and ${presentStatus(db)} = ${status}`}
      ${bookingType === undefined ? none : db`and b.booking_type = ${bookingType}`}
      ${recurringBookingId === undefined ? none : db`and b.recurring_booking_id = ${recurringBookingId}`}
      ${struck === "true" ? db`and ${isStruck(db)}` : struck === "false" ? db`and not (${isStruck(db)})` : none}
      ${from === undefined ? none : endsAfter(db, from)}
      ${to === undefined ? none : db`and b.start_at < ${to}`}
      ${startsFrom === undefined ? none : db`and b.start_at >= ${startsFrom}`}
      ${startsTo === undefined ? none : db`and b.start_at < ${startsTo}`}
      ${after === undefined ? none : db`and (b.start_at, b.id) > (${after[0]}, ${after[1]})`}
    order by b.start_at, b.id
    limit ${limit}`
}

/**
 * The booking `b` ends after an instant. Indexes order bookings by their start. The longest booking bounds how far
 * before the instant it can start, so a page reads no more of them than that.
 */
export const endsAfter = (sql: Queryable, from: string) => sql`
  and b.end_at > ${from} and b.start_at > ${new Date(Date.parse(from) - longestBookingMinutes * 60_000).toISOString()}`

/**
 * Locks the bookings whose grace is over and to which nobody came, oldest first, at most `limit`. Skips bookings that
 * another transaction has locked. Leaves these to staff:
 * - bookings that began more than two days ago;
 * - bookings that began before the facility had a grace;
 * - blocks;
 * - bookings with an outcome that staff undid, and struck ones;
 * - bookings with a coaching session: its coach records the attendance.
 */
export const lockMissed = (tx: Tx, limit: number, facilityId?: string) => tx<LockedBooking[]>`
  with b as materialized (
    select b.* from ${missed(tx, facilityId)}
    order by b.start_at, b.id
    limit ${limit}
    for update of b skip locked
  )
  select ${columns(tx)}, slotbase.now() as now from b ${joins(tx)}
  order by b.facility_id, b.booker_id, b.start_at, b.id`

/** How many such bookings there are now. */
export async function countMissed(db: Queryable, facilityId?: string): Promise<number> {
  const [row] = await db<[{ count: number }]>`select count(*)::integer as count from ${missed(db, facilityId)}`
  return row.count
}

/**
 * Locks requests about which nobody decided before their start: those for bookings, or those for coach blocks. At most
 * `limit`, the longest due first. Skips requests that another transaction has locked.
 */
export const lockUndecided = (tx: Tx, what: "bookings" | "blocks", limit: number, facilityId?: string) =>
  tx<LockedBooking[]>`
  with b as materialized (
    select b.* from slotbase.bookings b
    where b.status = 'pending' and b.start_at <= (select slotbase.now())
      and ${isOfBlock(tx, what)}
      ${facilityId === undefined ? tx`` : tx`and b.facility_id = ${facilityId}`}
    order by b.start_at, b.id
    limit ${limit}
    for update skip locked
  )
  select ${columns(tx)}, slotbase.now() as now from b ${joins(tx)}
  order by b.id`

/**
 * Locks struck bookings whose bookers were not told yet: bookings, or those of coach blocks. At most `limit`, the
 * longest first. Skips bookings that another transaction has locked.
 */
export const lockUntold = (tx: Tx, what: "bookings" | "blocks", limit: number, facilityId?: string) =>
  tx<LockedBooking[]>`
  with b as materialized (
    select b.* from slotbase.bookings b
    where b.struck_at is not null and b.struck_told_at is null and b.status in ('pending', 'confirmed')
      and b.end_at > (select slotbase.now()) and ${isOfBlock(tx, what)}
      ${facilityId === undefined ? tx`` : tx`and b.facility_id = ${facilityId}`}
    order by b.struck_at, b.id
    limit ${limit}
    for update skip locked
  )
  select ${columns(tx)}, slotbase.now() as now from b ${joins(tx)}
  order by b.id`

const isOfBlock = (sql: Queryable, what: "bookings" | "blocks") => sql`
  ${what === "blocks" ? sql`` : sql`not`} exists
    (select from slotbase.coach_blocks k where k.booking_id = b.id and k.facility_id = b.facility_id)`

/** The fields of a BookingRow. */
const columns = (sql: Queryable) => sql`
  b.id, b.facility_id, b.resource_id, r.name as resource_name, f.timezone, ${presentStatus(sql)} as status, b.booking_type,
  b.booker_id, u.first_name || ' ' || u.last_name as booker_name, coalesce(${addressIn(sql, sql`b.facility_id`)}, ${unreachable}) as booker_email,
  b.start_at, b.end_at, b.buffer_minutes, b.title, b.note, b.answers, b.price_amount, b.price_lines, b.price_currency, b.payment_method, b.hold_id, b.hold_expires_at, b.hold_extensions,
  b.is_recurring, b.recurring_booking_id, b.confirmed_at, b.checked_in_at, b.completed_at, b.cancelled_at, b.cancelled_by,
  b.cancellation_reason, b.no_show_at, b.struck_reason, b.judged_by_staff, b.cancellation_policy, b.approved_at, b.approved_by, b.rescheduled_at,
  b.refund_percent, b.refund_amount, b.forfeited_amount, b.created_at, b.updated_at,
  coalesce((select jsonb_agg(jsonb_build_object('userId', p.user_id, 'name', w.first_name || ' ' || w.last_name, 'role', p.role)
                             order by p.user_id)
            from slotbase.booking_participants p join slotbase.users w on w.id = p.user_id
            where p.booking_id = b.id and p.facility_id = b.facility_id), '[]') as participants`

const joins = (sql: Queryable) => sql`
  join slotbase.resources r on r.id = b.resource_id and r.facility_id = b.facility_id
  join slotbase.facilities f on f.id = b.facility_id
  join slotbase.users u on u.id = b.booker_id`

const isStruck = (sql: Queryable) => sql`b.struck_at is not null and b.status in ('held', 'pending', 'confirmed')`

const presentStatus = (sql: Queryable) => sql`
  case when b.status = 'held' and b.hold_expires_at <= (select slotbase.now()) then 'expired'
       when b.status = 'pending' and b.start_at <= (select slotbase.now()) then 'expired'
       else b.status end`

const missed = (sql: Queryable, facilityId: string | undefined) => sql`
  slotbase.booking_policies p
  cross join (select slotbase.now() as now) t
  join slotbase.bookings b
    on b.facility_id = p.facility_id and b.start_at <= t.now and b.start_at > t.now - interval '2 days'
   and b.start_at >= p.no_shows_detected_since
  where b.status = 'confirmed' and not b.judged_by_staff and b.struck_at is null and b.booking_type not in ('coach_block', 'maintenance')
    and least(b.start_at + make_interval(mins => p.check_in_grace_minutes), b.end_at) <= t.now
    and not exists (select from slotbase.coach_sessions s where s.booking_id = b.id and s.facility_id = b.facility_id)
    ${facilityId === undefined ? sql`` : sql`and p.facility_id = ${facilityId}`}`
