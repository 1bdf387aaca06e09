/** New bookings from plans: the row with its slot, counted on the facility's plan. `book.ts` records the events. */
import type { Tx } from "#base/database/transaction.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import type { BookingRow } from "./booking-row.ts"
import { isCounted } from "./counted.ts"
import { endOverdue } from "./limits/end-overdue.ts"
import { type Kind, newBookingOf, rowOf } from "./new-booking.ts"
import type { BookingPlan } from "./planned.ts"
import { takeSlot } from "./take-slot.ts"

/** Inserts the planned booking and answers its row. Records nothing. Throws SlotTaken, RuleBroken limit_reached, member_limit_reached. */
export async function insertPlanned(tx: Tx, plan: BookingPlan, kind: Kind): Promise<BookingRow> {
  const booking = newBookingOf(plan, kind)
  const inserted = await takeSlot(tx, plan, booking)
  await endOverdue(tx, plan)
  // After the slot: all bookings of a facility share one counter, and a transaction that has locked it must not wait
  // for a slot.
  if (plan.isLimited && isCounted(booking)) await useEntitlement(tx, plan.facilityId, "bookings_per_month")
  return rowOf(plan, booking, inserted)
}
