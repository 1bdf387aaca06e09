/** Changes the time of the day, the length or the resource of bookings of a series. */
import type { Member } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, OccurrencesRefused, RuleBroken, WrongState } from "#base/errors.ts"
import { findBooking } from "#domain/booking/find.ts"
import { minBookingMinutes } from "#domain/booking/input.ts"
import { rescheduleBooking } from "#domain/booking/reschedule.ts"
import { withOffersAtTheEnd } from "#domain/booking/slots-freed.ts"
import { type RecurringReport, toReport } from "./answer.ts"
import { type Planned, reported, type SeriesReport } from "./book.ts"
import { recordSeriesChanged } from "./events.ts"
import type { ChangeSeriesInput } from "./input.ts"
import { lockTargets } from "./lock-own.ts"
import { minutesBetween } from "./occurrences.ts"
import { newPlacedOf, newPlaceOf, type Place, presentOf, samePlace } from "./place.ts"
import { isRefusal } from "./prepare.ts"
import { changePlaced, changeSeries, findSeries, type SeriesRow, type SeriesTarget } from "./rows.ts"

/**
 * Each booking is changed by itself: it keeps what the request does not name, and what was changed in it by itself
 * before. One booking that cannot be moved refuses all. Bookings made later follow the series' own rule, in which
 * `following` and `all` change what they name. Records recurring_booking.changed, and booking.rescheduled for each
 * moved booking.
 * @throws NotFound, NotAllowed, InvalidInput, WrongState (series_cancelled, booking_started), RuleBroken
 * (nothing_to_move), OccurrencesRefused; for `this` also the errors of rescheduleBooking
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
    for (const { target, to } of inOrder(movesOf(series, targets, input))) {
      try {
        await move(tx, member, target, to)
        moved.push({ on: target.occurs_on, id: target.booking_id })
      } catch (error) {
        if (!isRefusal(error) || scope === "this") throw error
        refused.push({ occurrence: { on: target.occurs_on, ...to }, failure: error })
      }
    }
    if (refused.length > 0) throw new OccurrencesRefused(reported(refused, changed.resource_id))
    if (moved.length === 0 && scope === "this") {
      throw new RuleBroken("nothing_to_move", "The booking is at this time and place already.")
    }
    if (scope !== "this") {
      await changePlaced(
        tx,
        series,
        targets.flatMap((target) => newPlacedOf(series, target, input) ?? []),
      )
      await changeSeries(tx, series, changed)
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

type Changed = Pick<SeriesRow, "resource_id" | "start_time" | "duration_minutes" | "end_time">

/** The series' rule for later bookings. Throws InvalidInput when it would end with its start. */
function changedSeries(series: SeriesRow, input: ChangeSeriesInput): Changed {
  const { startTime, durationMinutes, resourceId } = input
  const start_time = startTime ?? series.start_time
  const end_time = input.endTime ?? (durationMinutes === undefined ? series.end_time : null)
  const duration_minutes =
    end_time === null ? (durationMinutes ?? series.duration_minutes) : minutesBetween(start_time, end_time)
  if (input.scope !== "this" && duration_minutes < minBookingMinutes) {
    const message = `must be at least ${minBookingMinutes} minutes before the end of the series, ${end_time}`
    throw new InvalidInput([{ path: startTime === undefined ? "body.endTime" : "body.startTime", message }])
  }
  return { resource_id: resourceId?.toLowerCase() ?? series.resource_id, start_time, duration_minutes, end_time }
}

interface BookingMove {
  readonly target: SeriesTarget
  readonly to: Place
}

/** The bookings that the change puts elsewhere. One whose day the zone skips stays. */
const movesOf = (series: SeriesRow, targets: readonly SeriesTarget[], input: ChangeSeriesInput): BookingMove[] =>
  targets.flatMap((target) => {
    const to = newPlaceOf(series, target, input)
    return to && !samePlace(to, presentOf(target)) ? [{ target, to }] : []
  })

/**
 * Those that start later move first, the last of them before the others; then those that do not, from the first on. So
 * no booking of the series is in the way of another that moves with it.
 */
function inOrder(moves: readonly BookingMove[]): BookingMove[] {
  const inTime = [...moves].sort((one, other) => one.target.start_at.getTime() - other.target.start_at.getTime())
  const startsLater = ({ target, to }: BookingMove) => to.start > target.start_at.getTime()
  return [...inTime.filter(startsLater).reverse(), ...inTime.filter((each) => !startsLater(each))]
}

const move = (tx: Tx, member: Member, target: SeriesTarget, { start, end, resourceId }: Place) =>
  rescheduleBooking(tx, member, target.booking_id, {
    startAt: new Date(start).toISOString(),
    endAt: new Date(end).toISOString(),
    resourceId,
  })

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
