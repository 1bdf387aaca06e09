/**
 * Struck bookings: their time is no longer open, because of a closure, other opening hours, or a resource out of use.
 * Whatever changes that calls `judgeAgain`, which marks the bookings concerned and unmarks those whose time is open
 * again. A struck booking is no no-show, gets no reminder, and is cancelled without loss.
 */

import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { inSlices } from "#base/slices.ts"
import type { BookingRow } from "#domain/booking/booking-row.ts"
import { closedFor } from "#domain/club/closed.ts"
import { isOpenDuring, type OpeningHours } from "#domain/club/opening-hours.ts"
import { type Judged, maxStruckAnswered, type StruckBookings } from "./answer.ts"
import { changeStruck, outOfUse, outsideHours, spansOfStanding } from "./rows.ts"

/**
 * Judges the bookings that are not over. Three statements, however many bookings there are; the opening hours are
 * judged once for each time at which something is booked. Answers the bookings that were not struck before.
 */
export async function judgeAgain(tx: Tx, judged: Judged): Promise<StruckBookings> {
  const [facility] = await tx<{ timezone: string; opening_hours: OpeningHours }[]>`
    select timezone, opening_hours from slotbase.facilities where id = ${judged.facilityId}`
  if (!facility) return { count: 0, bookingIds: [] }
  const { timezone, opening_hours } = facility
  const spans = Object.keys(opening_hours).length === 0 ? [] : await spansOfStanding(tx, judged)
  const open = await inSlices(spans, ({ start_at, end_at }) =>
    isOpenDuring(opening_hours, timezone, { start: start_at.getTime(), end: end_at.getTime() }),
  )
  const outside = spans.filter((_, i) => !open[i])
  return changeStruck(tx, judged, outside, maxStruckAnswered)
}

/** Why the time of a booking is not open now; undefined when it is. */
export async function whyNotOpen(
  db: Queryable,
  booking: Pick<BookingRow, "facility_id" | "resource_id" | "start_at" | "end_at">,
): Promise<string | undefined> {
  const { facility_id, resource_id, start_at, end_at } = booking
  const [row] = await db<
    { closed: string | null; is_active: boolean; timezone: string; opening_hours: OpeningHours }[]
  >`
    select ${closedFor(db, db`f.id`, db`r.id`, start_at.toISOString(), end_at.toISOString())} as closed, r.is_active,
           f.timezone, f.opening_hours
    from slotbase.facilities f join slotbase.resources r on r.facility_id = f.id
    where f.id = ${facility_id} and r.id = ${resource_id}`
  if (!row) return undefined
  if (row.closed !== null) return row.closed
  if (!row.is_active) return outOfUse
  const span = { start: start_at.getTime(), end: end_at.getTime() }
  return isOpenDuring(row.opening_hours, row.timezone, span) ? undefined : outsideHours
}
