/** The events of a series, from its row. Its bookings record events of their own. */
import type { Tx } from "#base/database/transaction.ts"
import type { RefusedOccurrence } from "#base/errors.ts"
import { record } from "#events/outbox.ts"
import type { SeriesScope } from "./input.ts"
import type { SeriesRow } from "./rows.ts"

/** The bookings that were made or moved, and the days that were skipped. */
export interface Done {
  readonly bookingIds: readonly string[]
  readonly skipped: readonly RefusedOccurrence[]
}

export function recordSeriesCreated(tx: Tx, series: SeriesRow, done: Done): string {
  const data = {
    ...templateOf(series),
    startDate: series.start_date,
    bookingType: series.booking_type,
    ...doneOf(done),
  }
  return record(tx, { type: "recurring_booking.created", facilityId: series.facility_id, data })
}

export function recordSeriesChanged(
  tx: Tx,
  series: SeriesRow,
  change: { readonly change: "extended" | "rescheduled"; readonly scope?: SeriesScope; readonly changedBy: string },
  done: Done,
): string {
  const data = { ...templateOf(series), ...change, ...doneOf(done) }
  return record(tx, { type: "recurring_booking.changed", facilityId: series.facility_id, data, about: aboutOf(series) })
}

export function recordSeriesCancelled(
  tx: Tx,
  series: SeriesRow,
  how: { readonly scope: SeriesScope; readonly cancelledBy: string; readonly cancellationReason: string },
  bookingIds: readonly string[],
): string {
  const { id: recurringBookingId, facility_id: facilityId, booker_id: bookerId } = series
  const data = { recurringBookingId, facilityId, bookerId, ...how, bookingIds }
  return record(tx, { type: "recurring_booking.cancelled", facilityId, data, about: aboutOf(series) })
}

/** The series cannot go on: its days wait, from the first one that should be booked now. */
export function recordSeriesBlocked(tx: Tx, series: SeriesRow, { code, detail, from }: Blocked): string {
  const data = {
    ...templateOf(series),
    resourceName: series.resource_name,
    bookerName: series.booker_name,
    reason: code,
    detail,
    blockedFrom: from,
  }
  return record(tx, { type: "recurring_booking.blocked", facilityId: series.facility_id, data, about: aboutOf(series) })
}

/** Why a series cannot go on, and the first local day that waits. */
export interface Blocked {
  readonly code: string
  readonly detail: string
  readonly from: string
}

const templateOf = (series: SeriesRow) => ({
  recurringBookingId: series.id,
  facilityId: series.facility_id,
  resourceId: series.resource_id,
  bookerId: series.booker_id,
  rule: series.rule,
  startTime: series.start_time,
  durationMinutes: series.duration_minutes,
  ...(series.end_time !== null && { endTime: series.end_time }),
  timezone: series.timezone,
})

const doneOf = ({ bookingIds, skipped }: Done) => ({
  bookingIds,
  skipped: skipped.map(({ startAt, endAt, code }) => ({ startAt, endAt, reason: code })),
})

const aboutOf = (series: SeriesRow) => ({ resourceId: series.resource_id, bookingType: series.booking_type })
