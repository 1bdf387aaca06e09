/** What follows when holds have died or were given back: their events, what they had used up, and offers to who waits. */
import type { Tx } from "#base/database/transaction.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import { isCounted } from "./counted.ts"
import { recordExpired } from "./events.ts"
import type { FreedSlot } from "./freed-slot.ts"
import type { BookingRow } from "./row.ts"
import type { ExpiredHold } from "./rows.ts"
import { afterSlotsFreed } from "./slots-freed.ts"

type Place = Pick<BookingRow, "facility_id" | "resource_id" | "start_at" | "end_at">

/** Records booking.hold.released for each. */
export function recordHoldsExpired(tx: Tx, holds: readonly ExpiredHold[]): void {
  for (const hold of holds) recordExpired(tx, hold)
}

/**
 * A hold that never became a booking is not counted in the month's bookings, and its slot is offered to who waits for it:
 * towards the end of a command, for it locks the facility's waitlist. Who freed the slot to take it has it by then.
 */
export async function afterHoldsEnded(
  tx: Tx,
  holds: readonly (Place & Pick<BookingRow, "booking_type">)[],
): Promise<void> {
  if (holds.length === 0) return
  for (const facilityId of [...new Set(holds.map((hold) => hold.facility_id))].sort()) {
    const count = holds.filter((hold) => hold.facility_id === facilityId && isCounted(hold)).length
    if (count > 0) await useEntitlement(tx, facilityId, "bookings_per_month", -count)
  }
  await afterSlotsFreed(tx, holds.map(freedSlotOf))
}

/** The stretch that a booking no longer takes. */
export const freedSlotOf = (booking: Place): FreedSlot => ({
  facilityId: booking.facility_id,
  resourceId: booking.resource_id,
  startAt: booking.start_at,
  endAt: booking.end_at,
})
