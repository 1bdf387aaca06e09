/** Takes a slot again for a booking that lost it: the payment came after the hold had expired. */

import type { Tx } from "#base/database/transaction.ts"
import { CoachTaken, RuleBroken, SlotTaken } from "#base/errors.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import type { LockedBooking } from "./booking-row.ts"
import { coachOf } from "./coach-time.ts"
import { isCounted } from "./counted.ts"
import { fitsLimits } from "./limits/fits-limits.ts"
import { occupies, occupyWithCoach, vacate } from "./rows.ts"
import { whyNotOpen } from "./struck/judge.ts"
import { tryToTake, wishOf } from "./take-slot.ts"

/**
 * Occupies the booking's own time again. True also for an expired hold that was not released yet: its time is still
 * its own. Releases other expired holds in the way. False in these cases:
 * - another booking has the time now, or another lesson has its coach;
 * - the time is not open, or has begun;
 * - the booker would have more than the facility's limits allow;
 * - the facility's plan has no booking left. (The expired hold gave back the one that it used.)
 */
export async function retakeSlot(tx: Tx, booking: LockedBooking): Promise<boolean> {
  if (booking.struck_reason !== null) return false
  if (await occupies(tx, booking)) return true
  if (booking.start_at <= booking.now || (await whyNotOpen(tx, booking)) !== undefined) return false
  if (!(await fitsLimits(tx, booking))) return false
  try {
    const coachId = await coachOf(tx, booking)
    const wish = { ...(await wishOf(tx, booking)), ...(coachId !== undefined && { coachId }) }
    await tryToTake(tx, wish, async () => ((await occupyWithCoach(tx, booking, coachId)) ? true : undefined))
  } catch (error) {
    // Up to here only expired holds were released, and their release may stay.
    if (error instanceof SlotTaken || error instanceof CoachTaken) return false
    throw error
  }
  return countAgain(tx, booking)
}

async function countAgain(tx: Tx, booking: LockedBooking): Promise<boolean> {
  if (!isCounted(booking)) return true
  try {
    await useEntitlement(tx, booking.facility_id, "bookings_per_month")
    return true
  } catch (error) {
    if (!(error instanceof RuleBroken)) throw error
    await vacate(tx, booking)
    return false
  }
}
