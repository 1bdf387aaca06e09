/**
 * Booking a slot: first the plan (plan.ts), then the row with its slot (insert-planned.ts), then the event. A new
 * booking is confirmed, held until it is paid online, or pending until staff approve it.
 */

import type { Member } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { Hooked } from "#base/hooks.ts"
import { newId } from "#base/ids.ts"
import { requireChargeable } from "#base/money.ts"
import { countMember } from "#domain/people/roles.ts"
import { audit } from "#events/audit.ts"
import { type Booking, toBooking } from "./answer.ts"
import type { BookingRow } from "./booking-row.ts"
import { recordApprovalRequested } from "./change-events.ts"
import { discountIn } from "./discount.ts"
import { recordConfirmed, recordHeld } from "./events.ts"
import type { BookingInput } from "./input.ts"
import { insertPlanned } from "./insert-planned.ts"
import { requireMayPay } from "./lock-own.ts"
import type { MayBook } from "./may-book.ts"
import { planBooking } from "./plan.ts"
import type { BookingPlan } from "./planned.ts"
import { linesOf } from "./price-lines.ts"
import type { NewBooking } from "./rows.ts"

/**
 * Books a slot without a hold before. Records booking.confirmed. For a booking that must be paid online first it
 * records booking.hold.created, and for one that staff must approve booking.approval.requested.
 * @throws NotAllowed, NotFound, InvalidInput, RuleBroken, SlotTaken
 */
export async function createBooking(tx: Tx, mayBook: MayBook, wanted: Hooked<BookingInput>): Promise<Booking> {
  const { paymentMethod } = wanted.input
  requireMayPay(mayBook.member, paymentMethod)
  const plan = await planBooking(tx, mayBook, wanted)
  const booking = await bookPlanned(tx, plan, paymentMethod)
  auditPrice(tx, mayBook.member, booking)
  return toBooking(booking)
}

/**
 * The audit trail names who gave a discount, and who waived somebody else's price. A row is one more statement of a
 * booking. Staff who book for themselves are named by booking.confirmed, which says "waived" too, and no discount.
 */
export function auditPrice(tx: Tx, { caller }: Member, booking: BookingRow): void {
  const { id, facility_id: facilityId, payment_method, price_amount: price, price_currency: currency } = booking
  const about = { facilityId, subjectId: id, actorId: caller.userId }
  const discount = discountIn(linesOf(booking))
  if (discount) {
    const { percent } = discount
    audit(tx, { ...about, action: "booking.discounted", after: { discountPercent: percent, price, currency } })
  }
  if (payment_method !== "waived" || price === 0 || booking.booker_id === caller.userId) return
  audit(tx, { ...about, action: "booking.waived", after: { price, currency } })
}

/**
 * Makes a booking of a plan. Records booking.approval.requested when staff must approve it, booking.hold.created when
 * it must be paid online first, and booking.confirmed otherwise.
 * @throws SlotTaken, RuleBroken (limit_reached, amount_not_chargeable)
 */
export async function bookPlanned(
  tx: Tx,
  plan: BookingPlan,
  paymentMethod: "online" | "offline" | "waived",
  recurringBookingId: string | null = null,
): Promise<BookingRow> {
  // Before anything is held: a payment of it could only fail.
  if (paymentMethod === "online") requireChargeable(plan.price, plan.currency, "body.paymentMethod")
  const make = (status: NewBooking["status"], holdId: string | null = null) =>
    insertPlanned(tx, plan, {
      status,
      payment_method: paymentMethod,
      hold_id: holdId,
      recurring_booking_id: recurringBookingId,
    })
  if (plan.needsApproval) {
    const pending = await make("pending")
    recordApprovalRequested(tx, pending)
    return pending
  }
  if (paymentMethod === "online" && plan.price > 0) {
    const hold = await make("held", newId())
    recordHeld(tx, hold)
    return hold
  }
  const booking = await make("confirmed")
  recordConfirmed(tx, booking, paymentMethod)
  if (plan.isFirstOfBooker) await countMember(tx, plan.facilityId, booking.booker_id)
  return booking
}
