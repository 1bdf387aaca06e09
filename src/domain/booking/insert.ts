/**
 * New bookings from plans: the row with its slot, and the event of what it is at first: confirmed, held until it is paid
 * online, or pending until staff approve it.
 */
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import { recordApprovalRequested } from "./change-events.ts"
import { isCounted } from "./counted.ts"
import { recordConfirmed, recordHeld } from "./events.ts"
import { type Kind, newBookingOf, rowOf } from "./new-booking.ts"
import type { BookingPlan } from "./planned.ts"
import type { BookingRow } from "./row.ts"
import type { NewBooking } from "./rows.ts"
import { takeSlot } from "./take-slot.ts"

/** Inserts what was planned and answers its row. Records nothing. Throws SlotTaken, RuleBroken limit_reached. */
export async function insertPlanned(tx: Tx, plan: BookingPlan, kind: Kind): Promise<BookingRow> {
  const booking = newBookingOf(plan, kind)
  const inserted = await takeSlot(tx, plan, booking)
  // After the slot: all bookings of a facility share one counter, and whoever has it must not wait for a slot.
  if (plan.isLimited && isCounted(booking)) await useEntitlement(tx, plan.facilityId, "bookings_per_month")
  return rowOf(plan, booking, inserted)
}

/**
 * Makes a booking of a plan. Records booking.approval.requested when staff must approve it, booking.hold.created when it
 * must be paid online first, and booking.confirmed otherwise. Throws SlotTaken, RuleBroken limit_reached.
 */
export async function bookPlanned(
  tx: Tx,
  plan: BookingPlan,
  paymentMethod: "online" | "offline" | "waived",
  recurringBookingId: string | null = null,
): Promise<BookingRow> {
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
  return booking
}
