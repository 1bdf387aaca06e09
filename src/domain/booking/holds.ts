/**
 * Holds: a slot kept for somebody for a few minutes. A hold is a booking in the state "held", and expires by the clock
 * alone. The next booking of its slot, or the job hold-expiration, then releases it.
 */
import type { Member } from "#access/caller.ts"
import { reached } from "#base/crash-points.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken } from "#base/errors.ts"
import type { Hooked } from "#base/hooks.ts"
import { newId } from "#base/ids.ts"
import { requireChargeable } from "#base/money.ts"
import { type Booking, toBooking } from "./answer.ts"
import { recordHeld, recordReleased } from "./events.ts"
import { afterHoldsEnded, recordHoldsExpired } from "./holds-ended.ts"
import type { HoldInput } from "./input.ts"
import { insertPlanned } from "./insert-planned.ts"
import { lockOwn, requireLiveHold } from "./lock-own.ts"
import type { MayBook } from "./may-book.ts"
import { planBooking } from "./plan.ts"
import { changeBooking, expireHoldsAnywhere } from "./rows.ts"

/**
 * Holds a slot for the facility's `holdMinutes`. Records booking.hold.created. A booking that staff must approve cannot
 * be held: it is requested with POST …/bookings.
 * @throws NotAllowed, NotFound, InvalidInput, RuleBroken, SlotTaken
 */
export async function createHold(tx: Tx, mayBook: MayBook, wanted: Hooked<HoldInput>): Promise<Booking> {
  const plan = await planBooking(tx, mayBook, wanted)
  if (plan.needsApproval) {
    const message =
      "Such a booking is approved by staff: ask for it with POST …/bookings; it keeps the slot until then."
    throw new RuleBroken("approval_required", message)
  }
  // Members pay for a hold by card; staff may also take the money at the desk.
  if (!mayBook.member.isStaff) requireChargeable(plan.price, plan.currency, "body.endAt")
  const hold = await insertPlanned(tx, plan, { status: "held", payment_method: null, hold_id: newId() })
  recordHeld(tx, hold)
  return toBooking(hold)
}

/**
 * Gives a live hold back. Records booking.hold.released with the reason "released".
 * @throws NotFound, WrongState (booking_not_held, hold_expired)
 */
export async function releaseHold(tx: Tx, member: Member, bookingId: string): Promise<Booking> {
  const hold = await lockOwn(tx, member, bookingId)
  requireLiveHold(hold, "released")
  const released = await changeBooking(tx, hold, { status: "released" }, true)
  recordReleased(tx, released)
  await afterHoldsEnded(tx, [released])
  return toBooking(released)
}

/**
 * Releases at most `limit` expired holds of a facility, or of all, the oldest first; returns their number. Records
 * booking.hold.released for each.
 */
export async function expireHolds(tx: Tx, limit: number, facilityId?: string): Promise<number> {
  const expired = await expireHoldsAnywhere(tx, limit, facilityId)
  recordHoldsExpired(tx, expired)
  await afterHoldsEnded(tx, expired)
  if (expired.length > 0) reached("holds-expired")
  return expired.length
}
