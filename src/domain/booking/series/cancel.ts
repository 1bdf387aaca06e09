/** Cancels bookings of a series: one, one and those that follow, or all that have not begun. */
import type { Member } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { WrongState } from "#base/errors.ts"
import { cancelBooking } from "#domain/booking/cancel.ts"
import { releaseHold } from "#domain/booking/holds.ts"
import { withOffersAtTheEnd } from "#domain/booking/slots-freed.ts"
import { type RecurringBooking, toSeries } from "./answer.ts"
import { recordSeriesCancelled } from "./events.ts"
import type { CancelSeriesInput } from "./input.ts"
import { lockTargets } from "./lock-own.ts"
import { changeSeries, findSeries } from "./rows.ts"

/**
 * Each booking is cancelled by itself, with its own refund and event. After `following` and `all` no more bookings
 * are made. Records recurring_booking.cancelled.
 * @throws NotFound, NotAllowed, WrongState (series_cancelled, and for `this` what cancelBooking throws)
 */
export async function cancelSeries(
  tx: Tx,
  member: Member,
  id: string,
  input: CancelSeriesInput,
): Promise<RecurringBooking> {
  const { caller, facilityId } = member
  const { scope, cancellationReason } = input
  const { series, targets } = await lockTargets(tx, member, id, input)
  if (series.status === "cancelled" && scope !== "this") {
    throw new WrongState("series_cancelled", "The series has been cancelled already.")
  }
  await withOffersAtTheEnd(tx, async () => {
    for (const { booking_id, status } of targets) {
      if (status === "held" && scope !== "this") await releaseHold(tx, member, booking_id)
      else await cancelBooking(tx, member, booking_id, { cancellationReason })
    }
    if (scope !== "this") {
      const cancelled = {
        cancelled_at: series.now,
        cancelled_by: caller.userId,
        cancellation_reason: cancellationReason,
      }
      await changeSeries(tx, series, {
        extend_at: null,
        ...{ blocked_code: null, blocked_reason: null, blocked_at: null, blocked_from: null },
        ...(scope === "all" ? { status: "cancelled", ...cancelled } : { status: "ended" }),
      })
    }
    const bookingIds = targets.map(({ booking_id }) => booking_id)
    recordSeriesCancelled(tx, series, { scope, cancelledBy: caller.userId, cancellationReason }, bookingIds)
  })
  return toSeries((await findSeries(tx, facilityId, id)) ?? series)
}
