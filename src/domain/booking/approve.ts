/**
 * Approval: a booking that needs it is pending, and occupies its slot until staff decide. The decision and its
 * consequence are two events:
 * - granted, then confirmed, or held where an online payment is due first;
 * - rejected, then cancelled.
 * A request about which nobody decides expires at its start (`requests-expired.ts`).
 */
import { type Member, requireStaffMember } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { countMember } from "#domain/people/roles.ts"
import { accountOf } from "./account.ts"
import { type Booking, toBooking } from "./answer.ts"
import type { BookingRow, LockedBooking } from "./booking-row.ts"
import { cancelLocked } from "./cancel.ts"
import { recordApprovalGranted, recordApprovalRejected } from "./change-events.ts"
import { recordConfirmed, recordHeld } from "./events.ts"
import { lockOwn, requireOpen, requireStatus } from "./lock-own.ts"
import { changeBooking } from "./rows.ts"

/** How long an approved booking waits for its online payment; never beyond its start. */
const paymentMs = 24 * 60 * 60_000

/**
 * Staff approve a booking. Records booking.approval.granted and booking.confirmed. A booking with an online payment
 * still due is held instead, which records booking.hold.created.
 * @throws NotAllowed, NotFound, WrongState (booking_not_pending, booking_started, booking_is_coach_block)
 * @throws RuleBroken facility_closed
 */
export async function approveBooking(tx: Tx, member: Member, bookingId: string): Promise<Booking> {
  const booking = await lockPending(tx, member, bookingId, "approved")
  requireOpen(booking)
  recordApprovalGranted(tx, booking, member.caller.userId)
  return toBooking(await confirmOrHold(tx, booking, member.caller.userId))
}

/**
 * Staff reject a booking. Frees the slot and refunds every payment. Records booking.approval.rejected and
 * booking.cancelled.
 * @throws NotAllowed, NotFound, WrongState (booking_not_pending, booking_started, booking_is_coach_block)
 */
export async function rejectBooking(
  tx: Tx,
  member: Member,
  bookingId: string,
  { rejectionReason }: { readonly rejectionReason: string },
): Promise<Booking> {
  const booking = await lockPending(tx, member, bookingId, "rejected")
  recordApprovalRejected(tx, booking, member.caller.userId, rejectionReason)
  return toBooking(await cancelLocked(tx, booking, member.caller, rejectionReason))
}

async function lockPending(tx: Tx, member: Member, bookingId: string, what: string): Promise<LockedBooking> {
  requireStaffMember(member)
  const booking = await lockOwn(tx, member, bookingId)
  if (booking.status === "expired" && booking.hold_id === null) {
    throw new WrongState("booking_started", "The booking's time came without a decision: the request has expired.")
  }
  requireStatus(booking, ["pending"], "booking_not_pending", what)
  return booking
}

async function confirmOrHold(tx: Tx, booking: LockedBooking, approvedBy: string): Promise<BookingRow> {
  const approved = { approved_at: booking.now, approved_by: approvedBy }
  const paymentMethod = booking.payment_method ?? "online"
  if (paymentMethod === "online" && !(await isPaid(tx, booking))) {
    const until = new Date(Math.min(booking.start_at.getTime(), booking.now.getTime() + paymentMs))
    const hold = { status: "held", hold_id: newId(), hold_expires_at: until, ...approved } as const
    const held = await changeBooking(tx, booking, hold)
    recordHeld(tx, held)
    return held
  }
  const [confirmed] = await Promise.all([
    changeBooking(tx, booking, { status: "confirmed", confirmed_at: booking.now, ...approved }),
    countMember(tx, booking.facility_id, booking.booker_id),
  ])
  recordConfirmed(tx, confirmed, paymentMethod)
  return confirmed
}

/** Whether the payments for a locked booking cover its price. */
export async function isPaid(tx: Tx, booking: LockedBooking): Promise<boolean> {
  if (booking.price_amount === 0) return true
  const { live } = await accountOf(tx, booking)
  return live >= booking.price_amount
}
