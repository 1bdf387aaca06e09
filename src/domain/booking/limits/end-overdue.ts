/**
 * Ends the lapsed holds on whose end a booking counts. A late payment could otherwise confirm one of them beside the
 * booking, and the person would hold more than a limit allows.
 */
import type { Tx } from "#base/database/transaction.ts"
import { afterHoldsEnded, recordHoldsExpired } from "#domain/booking/holds-ended.ts"
import type { BookingPlan } from "#domain/booking/planned.ts"
import { expireHoldsNamed } from "#domain/booking/rows.ts"
import { requireWithinLimits, withLapsed } from "./check.ts"

/**
 * Call it when the slot is taken: from here on the transaction waits for no other booking. Records
 * booking.hold.released for each.
 * @throws RuleBroken `member_limit_reached` when a hold is just being paid or confirmed
 */
export async function endOverdue(
  tx: Tx,
  plan: Pick<BookingPlan, "facilityId" | "standing" | "overdue" | "span" | "timezone" | "now">,
  moving?: string,
): Promise<void> {
  const { facilityId, standing, overdue } = plan
  if (overdue.length === 0 || standing === null) return
  const ended = await expireHoldsNamed(tx, facilityId, overdue)
  recordHoldsExpired(tx, ended)
  const bookings = standing.bookings.filter(({ id }) => !ended.some((hold) => hold.id === id))
  requireWithinLimits(withLapsed({ ...standing, bookings }), { ...plan, moving })
  await afterHoldsEnded(tx, ended)
}
