/** The bookings that a calendar feed shows, as its owner may see them now. Reads only. */
import { childrenOf, type Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Pattern } from "#domain/booking/series/occurrences.ts"
import { ruleOf } from "#domain/booking/series/rule.ts"
import type { FeedRow } from "./rows.ts"

export interface FeedBooking {
  readonly id: string
  readonly status: "pending" | "confirmed" | "checked_in" | "completed" | "no_show" | "cancelled"
  readonly start_at: Date
  readonly end_at: Date
  readonly title: string | null
  readonly resource_name: string
  readonly booker_name: string
  /** When a calendar had to follow last: made, confirmed, moved or cancelled. */
  readonly changed_at: Date
  readonly updated_at: Date
  readonly recurring_booking_id: string | null
  /** The local day of its series (YYYY-MM-DD). */
  readonly occurs_on: string | null
}

/** A feed shows at most so many bookings, the first ones from its beginning on. About 3 MB. */
export const maxFeedBookings = 10_000

/**
 * The bookings since the beginning of the month before, by start. One that is held is none yet, and one that was
 * released never was one. A cancelled one stays, so that calendars take it out.
 */
export const bookingsOfFeed = (db: Queryable, feed: FeedRow, member: Member) => db<FeedBooking[]>`
  select b.id, b.status, b.start_at, b.end_at, b.title, r.name as resource_name,
         u.first_name || ' ' || u.last_name as booker_name,
         greatest(b.created_at, b.confirmed_at, b.rescheduled_at, b.cancelled_at) as changed_at, b.updated_at,
         b.recurring_booking_id, o.occurs_on::text as occurs_on
  from slotbase.bookings b
  join slotbase.resources r on r.id = b.resource_id and r.facility_id = b.facility_id
  join slotbase.users u on u.id = b.booker_id
  left join slotbase.recurring_occurrences o
    on o.recurring_booking_id = b.recurring_booking_id and o.facility_id = b.facility_id and o.booking_id = b.id
  where b.facility_id = ${feed.facility_id}
    and b.start_at >= ${beginning(db)}
    and (b.status in ('confirmed', 'checked_in', 'completed', 'no_show', 'cancelled')
         or b.status = 'pending' and b.start_at > (select slotbase.now()))
    and ${feed.resource_id === null ? ofPeople(db, feed.facility_id, [feed.user_id, ...childrenOf(member, "book")]) : db`b.resource_id = ${feed.resource_id}`}
  order by b.start_at, b.id
  limit ${maxFeedBookings}`

const beginning = (sql: Queryable) =>
  sql`date_trunc('month', (select slotbase.now()) at time zone 'UTC' - interval '1 month') at time zone 'UTC'`

/** Those who book, who play along, and who coach. */
const ofPeople = (db: Queryable, facilityId: string, people: readonly string[]) => db`
  b.id in (
    select x.id from slotbase.bookings x
    where x.facility_id = ${facilityId} and x.booker_id = any (${[...people]}::uuid[]) and x.start_at >= ${beginning(db)}
    union all
    select p.booking_id from slotbase.booking_participants p
    where p.facility_id = ${facilityId} and p.user_id = any (${[...people]}::uuid[])
    union all
    select s.booking_id from slotbase.coach_sessions s
    where s.facility_id = ${facilityId} and s.coach_id = any (${[...people]}::uuid[]) and s.booking_id is not null)`

/** The patterns of series by their ids. */
export async function patternsOf(
  db: Queryable,
  facilityId: string,
  seriesIds: readonly string[],
): Promise<ReadonlyMap<string, Pattern>> {
  if (seriesIds.length === 0) return new Map()
  const rows = await db<PatternRow[]>`
    select id, rule, start_date::text as start_date, start_time, duration_minutes, end_time from slotbase.recurring_bookings
    where facility_id = ${facilityId} and id = any (${[...seriesIds]}::uuid[])`
  return new Map(rows.map((row) => [row.id, patternOf(row)]))
}

interface PatternRow {
  readonly id: string
  readonly rule: string
  readonly start_date: string
  readonly start_time: string
  readonly duration_minutes: number
  readonly end_time: string | null
}

const patternOf = (row: PatternRow): Pattern => ({
  rule: ruleOf(row.rule),
  startDate: row.start_date,
  startTime: row.start_time,
  durationMinutes: row.duration_minutes,
  endTime: row.end_time,
})
