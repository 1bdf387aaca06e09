/**
 * Confirming a hold: by a command, or because it was paid. The hold is locked, and its event recorded in the same
 * transaction.
 */

import type { Member } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { WrongState } from "#base/errors.ts"
import { countMember } from "#domain/people/roles.ts"
import { noteChange } from "#events/audit.ts"
import { type Booking, toBooking } from "./answer.ts"
import { isPaid } from "./approve.ts"
import type { BookingRow, LockedBooking } from "./booking-row.ts"
import { recordConfirmed } from "./events.ts"
import type { ConfirmInput } from "./input.ts"
import { lockOwn, requireLiveHold, requireMayPay, requireOpen, requireStatus } from "./lock-own.ts"
import { retakeSlot } from "./retake-slot.ts"
import { changeBooking } from "./rows.ts"
import { offerConfirmed } from "./waitlist/accept-by-confirming.ts"

/**
 * Makes a live hold a booking. With `online` the booking must be paid, or cost nothing. Records booking.confirmed. An
 * expired hold stays as it is: the next booking of its slot, or the job hold-expiration, releases it.
 * @throws NotFound, NotAllowed, WrongState (booking_not_held, hold_expired, booking_not_paid, booking_is_coach_block)
 * @throws RuleBroken facility_closed
 */
export async function confirmBooking(
  tx: Tx,
  member: Member,
  bookingId: string,
  { paymentMethod }: typeof ConfirmInput.Type,
): Promise<Booking> {
  const booking = await lockOwn(tx, member, bookingId)
  requireMayPay(member, paymentMethod)
  requireLiveHold(booking, "confirmed")
  requireOpen(booking)
  if (paymentMethod === "online" && !(await isPaid(tx, booking))) {
    const price = `${booking.price_amount} ${booking.price_currency} (minor units)`
    throw new WrongState(
      "booking_not_paid",
      `It costs ${price}, which are not paid: POST …/payments with its id as referenceId, and it is confirmed by itself.`,
    )
  }
  noteChange(tx, { after: { paymentMethod, price: booking.price_amount, currency: booking.price_currency } })
  return toBooking(await confirmLocked(tx, booking, paymentMethod))
}

/**
 * Makes a hold a booking because it was paid, online or at the desk. The hold is live, or it has expired and
 * `retakeSlot` takes its slot again. Records booking.confirmed.
 * @throws WrongState (booking_not_held, hold_expired when somebody else has its slot), RuleBroken facility_closed
 */
export async function confirmPaidHold(
  tx: Tx,
  booking: LockedBooking,
  paymentMethod: "online" | "offline" = "online",
): Promise<BookingRow> {
  requireStatus(booking, ["held", "expired"], "booking_not_held", "confirmed")
  requireOpen(booking)
  if (booking.status === "expired" && !(await retakeSlot(tx, booking))) {
    throw new WrongState("hold_expired", "The hold has expired, and somebody else has its slot.")
  }
  return confirmLocked(tx, booking, paymentMethod)
}

async function confirmLocked(
  tx: Tx,
  booking: LockedBooking,
  paymentMethod: "online" | "offline" | "waived",
): Promise<BookingRow> {
  const [confirmed] = await Promise.all([
    changeBooking(tx, booking, { status: "confirmed", payment_method: paymentMethod, confirmed_at: booking.now }),
    countMember(tx, booking.facility_id, booking.booker_id),
  ])
  recordConfirmed(tx, confirmed, paymentMethod)
  await offerConfirmed(tx, confirmed)
  return confirmed
}
