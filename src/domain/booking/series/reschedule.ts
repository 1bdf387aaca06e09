/** Moves bookings of a series to another time of the day, length or resource. */
import type { Member } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { OccurrencesRefused, RuleBroken, WrongState } from "#base/errors.ts"
import { localDateOf, localTimeOf } from "#base/local-days.ts"
import { findBooking } from "#domain/booking/find.ts"
import { rescheduleBooking } from "#domain/booking/reschedule.ts"
import { withOffersAtTheEnd } from "#domain/booking/slots-freed.ts"
import { type RecurringReport, toReport } from "./answer.ts"
import { type Planned, reported, type SeriesReport } from "./book.ts"
import { recordSeriesChanged } from "./events.ts"
import type { ChangeSeriesInput } from "./input.ts"
import { lockTargets } from "./lock-own.ts"
import { type Occurrence, occurrenceOn } from "./occurrences.ts"
import { isRefusal } from "./prepare.ts"
import { changeSeries, findSeries, type SeriesRow, type SeriesTarget } from "./rows.ts"

/**
 * Each booking is moved by itself, on its day of the rule. One booking that cannot be moved refuses all. `following`
 * and `all` bring their bookings to the series' new time, also a booking that was moved by itself before. Bookings
 * made later get the new time too. Records recurring_booking.changed, and booking.rescheduled for each moved booking.
 * @throws NotFound, NotAllowed, WrongState (series_cancelled, booking_started), RuleBroken (nothing_to_move),
 * OccurrencesRefused; for `this` also the errors of rescheduleBooking
 */
export async function rescheduleSeries(
  tx: Tx,
  member: Member,
  id: string,
  input: ChangeSeriesInput,
): Promise<RecurringReport> {
  const { caller, facilityId } = member
  const { scope } = input
  const { series, targets } = await lockTargets(tx, member, id, input)
  if (series.status === "cancelled") throw new WrongState("series_cancelled", "The series has been cancelled.")
  const changed = changedSeries(series, input)
  return withOffersAtTheEnd(tx, async () => {
    const moved: { on: string; id: string }[] = []
    const refused: Planned["refused"][number][] = []
    for (const target of inOrderOf(series, changed, targets)) {
      const to = scope === "this" ? await placeOf(tx, series, target, input) : placeIn(series, target, changed)
      if (to === undefined) continue
      try {
        if (await move(tx, member, target, to)) moved.push({ on: target.occurs_on, id: target.booking_id })
      } catch (error) {
        if (!isRefusal(error) || scope === "this") throw error
        refused.push({ occurrence: to, failure: error })
      }
    }
    if (refused.length > 0) throw new OccurrencesRefused(reported(refused, changed.resource_id))
    if (moved.length === 0 && scope === "this") {
      throw new RuleBroken("nothing_to_move", "The booking is at this time and place already.")
    }
    if (scope !== "this") {
      const { resource_id, start_time, duration_minutes } = changed
      await changeSeries(tx, series, { resource_id, start_time, duration_minutes })
    }
    const present = (await findSeries(tx, facilityId, id)) ?? series
    const report = await reportOf(tx, present, moved)
    recordSeriesChanged(
      tx,
      present,
      { change: "rescheduled", scope, changedBy: caller.userId },
      { bookingIds: report.booked.map(({ booking }) => booking.id), skipped: [] },
    )
    return toReport(present, report)
  })
}

type Changed = Pick<SeriesRow, "resource_id" | "start_time" | "duration_minutes">

const changedSeries = (series: SeriesRow, { startTime, durationMinutes, resourceId }: ChangeSeriesInput): Changed => ({
  resource_id: resourceId?.toLowerCase() ?? series.resource_id,
  start_time: startTime ?? series.start_time,
  duration_minutes: durationMinutes ?? series.duration_minutes,
})

/** A move to a later time starts with the last booking, so that no booking is in the way of the one before. */
const inOrderOf = (series: SeriesRow, changed: Changed, targets: readonly SeriesTarget[]) =>
  changed.start_time > series.start_time ? targets.toReversed() : targets

/** Where a booking goes. */
interface Place extends Occurrence {
  /** Undefined: the booking keeps its resource. */
  readonly resourceId: string | undefined
}

/** The day of the rule, at the series' time; undefined where the zone skips the day. */
function placeIn(series: SeriesRow, target: SeriesTarget, changed: Changed): Place | undefined {
  const pattern = { startTime: changed.start_time, durationMinutes: changed.duration_minutes }
  const to = occurrenceOn(pattern, series.timezone, target.occurs_on)
  return to && { ...to, resourceId: changed.resource_id }
}

/** The day on which the booking is now. The request changes only what it names. */
async function placeOf(
  tx: Tx,
  { facility_id, timezone }: SeriesRow,
  target: SeriesTarget,
  { startTime, durationMinutes, resourceId }: ChangeSeriesInput,
): Promise<Place | undefined> {
  const booking = await findBooking(tx, facility_id, target.booking_id)
  if (!booking) return undefined
  const start = booking.start_at.getTime()
  const pattern = {
    startTime: startTime ?? localTimeOf(timezone, start),
    durationMinutes: durationMinutes ?? (booking.end_at.getTime() - booking.start_at.getTime()) / 60_000,
  }
  const to = occurrenceOn(pattern, timezone, localDateOf(timezone, start))
  return to && { ...to, resourceId }
}

/** False when the booking is there already. */
async function move(tx: Tx, member: Member, target: SeriesTarget, { start, end, resourceId }: Place): Promise<boolean> {
  const to = {
    startAt: new Date(start).toISOString(),
    endAt: new Date(end).toISOString(),
    ...(resourceId !== undefined && { resourceId }),
  }
  try {
    await rescheduleBooking(tx, member, target.booking_id, to)
    return true
  } catch (error) {
    if (error instanceof RuleBroken && error.code === "same_time") return false
    throw error
  }
}

async function reportOf(
  tx: Tx,
  series: SeriesRow,
  moved: readonly { on: string; id: string }[],
): Promise<SeriesReport> {
  const found = await Promise.all(
    moved.map(async ({ on, id }) => {
      const booking = await findBooking(tx, series.facility_id, id)
      return booking ? [{ on, booking }] : []
    }),
  )
  return { booked: found.flat().sort((a, b) => (a.on < b.on ? -1 : 1)), skipped: [] }
}
