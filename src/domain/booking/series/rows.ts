/**
 * The rows of a series. Writes: recurring_bookings, recurring_occurrences.
 * Lock order: the series' row before the rows of its bookings. The lock is "for no key update", so new bookings of
 * the series can still refer to it.
 */

import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { KeptAnswer } from "#domain/booking/booking-row.ts"
import type { BookingType, PaymentMethod } from "#domain/booking/input.ts"
import type { RecurringInput, SeriesScope, SeriesStatus } from "./input.ts"

export interface SeriesRow {
  readonly id: string
  readonly facility_id: string
  readonly timezone: string
  readonly resource_id: string
  readonly resource_name: string
  readonly booking_type: typeof BookingType.Type
  readonly booker_id: string
  readonly booker_name: string
  readonly participants: NonNullable<RecurringInput["participants"]>
  readonly payment_method: typeof PaymentMethod.Type
  /** Of each of its bookings. */
  readonly title: string | null
  readonly note: string | null
  readonly answers: readonly KeptAnswer[]
  readonly rule: string
  /** YYYY-MM-DD. */
  readonly start_date: string
  /** HH:MM. */
  readonly start_time: string
  /** Elapsed minutes; with an end_time those of a day without a clock change. */
  readonly duration_minutes: number
  /** HH:MM or 24:00; null: after duration_minutes. */
  readonly end_time: string | null
  readonly window_days: number
  /** YYYY-MM-DD. */
  readonly considered_until: string
  readonly status: typeof SeriesStatus.Type
  readonly created_by: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly cancelled_at: Date | null
  readonly cancelled_by: string | null
  readonly cancellation_reason: string | null
  /** Staff made it for its booker. */
  readonly is_granted: boolean
  /** Why it cannot go on; null, as the three below: it goes on. */
  readonly blocked_code: string | null
  readonly blocked_reason: string | null
  readonly blocked_at: Date | null
  /** YYYY-MM-DD. */
  readonly blocked_from: string | null
  /** When it was read, by the database's clock. */
  readonly now: Date
}

export type NewSeries = Pick<
  SeriesRow,
  | "id"
  | "facility_id"
  | "resource_id"
  | "booking_type"
  | "booker_id"
  | "participants"
  | "payment_method"
  | "title"
  | "note"
  | "answers"
  | "rule"
  | "start_date"
  | "start_time"
  | "duration_minutes"
  | "end_time"
  | "is_granted"
  | "window_days"
  | "considered_until"
  | "created_by"
> & {
  /** When the window moves on; null when there are no more occurrences. */
  readonly extend_at: Date | null
}

export interface OccurrenceRow {
  /** YYYY-MM-DD. */
  readonly occurs_on: string
  readonly booking_id: string | null
  readonly skipped_code: string | null
  readonly skipped_reason: string | null
  /** The status of its booking. */
  readonly status: string | null
  readonly start_at: Date | null
  readonly end_at: Date | null
  /** Its booking was moved by itself. */
  readonly moved_alone: boolean
}

export const insertSeries = (tx: Tx, row: NewSeries) => tx`
  insert into slotbase.recurring_bookings (id, facility_id, resource_id, booking_type, booker_id, participants, payment_method, rule,
    start_date, start_time, duration_minutes, end_time, is_granted, window_days, considered_until, extend_at, status, created_by,
    title, note, answers)
  values (${row.id}, ${row.facility_id}, ${row.resource_id}, ${row.booking_type}, ${row.booker_id},
    ${tx.json(row.participants as never)}, ${row.payment_method}, ${row.rule}, ${row.start_date}::date, ${row.start_time},
    ${row.duration_minutes}, ${row.end_time}, ${row.is_granted}, ${row.window_days}, ${row.considered_until}::date, ${row.extend_at?.toISOString() ?? null}::timestamptz,
    ${row.extend_at === null ? "ended" : "active"}, ${row.created_by}, ${row.title}, ${row.note}, ${tx.json(row.answers as never)})`

export async function findSeries(db: Queryable, facilityId: string, id: string): Promise<SeriesRow | undefined> {
  const [row] = await db<SeriesRow[]>`
    select ${columns(db)} from slotbase.recurring_bookings s ${joins(db)} where s.id = ${id} and s.facility_id = ${facilityId}`
  return row
}

/** Locks the series, then reads it: its state is judged after the wait. */
export async function lockSeries(tx: Tx, facilityId: string, id: string): Promise<SeriesRow | undefined> {
  await tx`select from slotbase.recurring_bookings where id = ${id} and facility_id = ${facilityId} for no key update`
  return findSeries(tx, facilityId, id)
}

/** Series of a facility, the oldest first. */
export async function findManySeries(
  db: Queryable,
  facilityId: string,
  filter: {
    readonly resourceId?: string
    readonly bookerIds: readonly string[] | undefined
    readonly status?: typeof SeriesStatus.Type
    readonly after: string | undefined
    readonly limit: number
  },
): Promise<readonly SeriesRow[]> {
  const { resourceId, bookerIds, status, after, limit } = filter
  const none = db``
  return db<SeriesRow[]>`
    select ${columns(db)} from slotbase.recurring_bookings s ${joins(db)}
    where s.facility_id = ${facilityId}
      ${resourceId === undefined ? none : db`and s.resource_id = ${resourceId}`}
      ${bookerIds === undefined ? none : db`and s.booker_id = any (${[...bookerIds]}::uuid[])`}
      ${status === undefined ? none : db`and s.status = ${status}`}
      ${after === undefined ? none : db`and s.id > ${after}`}
    order by s.id
    limit ${limit}`
}

/** A place in the queue of due series. */
export interface DueSeries {
  readonly id: string
  readonly facility_id: string
  /** As text, with the database's microseconds. */
  readonly due: string
}

/** Series whose window has moved on, the longest due first; those after a place in that order. */
export const findDueSeries = (db: Queryable, limit: number, facilityId?: string, after?: DueSeries) => db<DueSeries[]>`
  select id, facility_id, extend_at::text as due from slotbase.recurring_bookings
  where extend_at <= (select slotbase.now()) ${facilityId === undefined ? db`` : db`and facility_id = ${facilityId}`}
    ${after === undefined ? db`` : db`and (extend_at, id) > (${after.due}::timestamptz, ${after.id}::uuid)`}
  order by extend_at, id
  limit ${limit}`

/** How many series the next pass of the job recurring-extension would consider. */
export async function countDueSeries(db: Queryable): Promise<number> {
  const [row] = await db<{ count: number }[]>`
    select count(*)::integer as count from slotbase.recurring_bookings where extend_at <= (select slotbase.now())`
  return row?.count ?? 0
}

type NewOccurrence = Pick<OccurrenceRow, "occurs_on" | "booking_id" | "skipped_code" | "skipped_reason"> &
  (PlaceOfDay | { readonly [Name in keyof PlaceOfDay]: null })

/** Where a series put a booking. */
export interface PlaceOfDay {
  readonly placed_start_at: Date
  readonly placed_end_at: Date
  readonly placed_resource_id: string
}

export const insertOccurrences = (tx: Tx, series: SeriesKey, occurrences: readonly NewOccurrence[]) => tx`
  insert into slotbase.recurring_occurrences (recurring_booking_id, facility_id, occurs_on, booking_id, skipped_code, skipped_reason,
    placed_start_at, placed_end_at, placed_resource_id)
  select ${series.id}, ${series.facility_id}, o.occurs_on, o.booking_id, o.skipped_code, o.skipped_reason,
    o.placed_start_at, o.placed_end_at, o.placed_resource_id
  from jsonb_to_recordset(${tx.json(occurrences as never)})
    as o (occurs_on date, booking_id uuid, skipped_code text, skipped_reason text,
      placed_start_at timestamptz, placed_end_at timestamptz, placed_resource_id uuid)
  order by o.occurs_on`

/** Writes where a series put bookings that it has moved. */
export const changePlaced = (
  tx: Tx,
  series: SeriesKey,
  placed: readonly (PlaceOfDay & { readonly occurs_on: string })[],
) => tx`
  update slotbase.recurring_occurrences o
  set placed_start_at = p.placed_start_at, placed_end_at = p.placed_end_at, placed_resource_id = p.placed_resource_id
  from jsonb_to_recordset(${tx.json(placed as never)})
    as p (occurs_on date, placed_start_at timestamptz, placed_end_at timestamptz, placed_resource_id uuid)
  where o.recurring_booking_id = ${series.id} and o.facility_id = ${series.facility_id} and o.occurs_on = p.occurs_on`

/** The occurrences from a local day on, in order, at most `limit`. */
export const findOccurrences = (db: Queryable, series: SeriesKey, from: string, limit: number) => db<OccurrenceRow[]>`
  select o.occurs_on::text as occurs_on, o.booking_id, o.skipped_code, o.skipped_reason, b.start_at, b.end_at,
         b.id is not null and (b.start_at, b.end_at, b.resource_id)
           is distinct from (o.placed_start_at, o.placed_end_at, o.placed_resource_id) as moved_alone,
         case when b.status = 'held' and b.hold_expires_at <= (select slotbase.now()) then 'expired' else b.status end as status
  from slotbase.recurring_occurrences o
  left join slotbase.bookings b on b.id = o.booking_id and b.facility_id = o.facility_id
  where o.recurring_booking_id = ${series.id} and o.facility_id = ${series.facility_id} and o.occurs_on >= ${from}::date
  order by o.occurs_on
  limit ${limit}`

/** A booking of a series that may still be cancelled or moved, with its day. */
export interface SeriesTarget {
  readonly booking_id: string
  readonly occurs_on: string
  readonly status: string
  readonly start_at: Date
  readonly end_at: Date
  readonly resource_id: string
  /** Null, as the two below: not known. */
  readonly placed_start_at: Date | null
  readonly placed_end_at: Date | null
  readonly placed_resource_id: string | null
}

/**
 * The bookings that a scope means, by their day. `following` and `all` leave out bookings that have begun or are
 * over.
 */
export const findTargets = (tx: Tx, series: SeriesKey, scope: SeriesScope, bookingId: string | undefined) => tx<
  SeriesTarget[]
>`
  select o.booking_id, o.occurs_on::text as occurs_on, b.status, b.start_at, b.end_at, b.resource_id,
         o.placed_start_at, o.placed_end_at, o.placed_resource_id
  from slotbase.recurring_occurrences o
  join slotbase.bookings b on b.id = o.booking_id and b.facility_id = o.facility_id
  where o.recurring_booking_id = ${series.id} and o.facility_id = ${series.facility_id}
    and ${
      scope === "this"
        ? tx`o.booking_id = ${bookingId ?? null}`
        : tx`b.status in ('held', 'pending', 'confirmed') and b.start_at > (select slotbase.now())`
    }
    ${
      scope === "following"
        ? tx`and o.occurs_on >= (select p.occurs_on from slotbase.recurring_occurrences p
        where p.recurring_booking_id = ${series.id} and p.facility_id = ${series.facility_id} and p.booking_id = ${bookingId ?? null})`
        : tx``
    }
  order by o.occurs_on`

/** The local day of a booking in its series; undefined when the booking is not part of the series. */
export async function dayOfBooking(tx: Tx, series: SeriesKey, bookingId: string): Promise<string | undefined> {
  const [row] = await tx<{ occurs_on: string }[]>`
    select occurs_on::text as occurs_on from slotbase.recurring_occurrences
    where recurring_booking_id = ${series.id} and facility_id = ${series.facility_id} and booking_id = ${bookingId}`
  return row?.occurs_on
}

export type SeriesChange = Partial<
  Pick<
    SeriesRow,
    | "resource_id"
    | "start_time"
    | "duration_minutes"
    | "end_time"
    | "blocked_code"
    | "blocked_reason"
    | "blocked_at"
    | "blocked_from"
    | "considered_until"
    | "status"
    | "cancelled_at"
    | "cancelled_by"
    | "cancellation_reason"
  >
> & { readonly extend_at?: Date | null }

/** Changes a locked series. */
export async function changeSeries(
  tx: Tx,
  series: SeriesKey & Pick<SeriesRow, "now">,
  change: SeriesChange,
): Promise<void> {
  const set = { ...change, updated_at: new Date(series.now) }
  await tx`update slotbase.recurring_bookings set ${tx(set)} where id = ${series.id} and facility_id = ${series.facility_id}`
}

type SeriesKey = Pick<SeriesRow, "id" | "facility_id">

const columns = (sql: Queryable) => sql`
  s.id, s.facility_id, f.timezone, s.resource_id, r.name as resource_name, s.booking_type, s.booker_id,
  u.first_name || ' ' || u.last_name as booker_name, s.participants, s.payment_method, s.title, s.note, s.answers, s.rule,
  s.start_date::text as start_date, s.start_time, s.duration_minutes, s.end_time, s.is_granted, s.blocked_code, s.blocked_reason, s.blocked_at,
  s.blocked_from::text as blocked_from, s.window_days, s.considered_until::text as considered_until, s.status, s.created_by,
  s.created_at, s.updated_at, s.cancelled_at, s.cancelled_by, s.cancellation_reason, slotbase.now() as now`

const joins = (sql: Queryable) => sql`
  join slotbase.facilities f on f.id = s.facility_id
  join slotbase.resources r on r.id = s.resource_id and r.facility_id = s.facility_id
  join slotbase.users u on u.id = s.booker_id`
