/**
 * After holds have expired or were released: records their events, returns their use of the plan, offers their slots.
 */
import type { Tx } from "#base/database/transaction.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import type { BookingRow } from "./booking-row.ts"
import { occupancyOf } from "./buffers.ts"
import { isCounted } from "./counted.ts"
import { recordExpired } from "./events.ts"
import type { FreedSlot } from "./freed-slot.ts"
import type { ExpiredHold } from "./rows.ts"
import { afterSlotsFreed } from "./slots-freed.ts"

type Place = Pick<BookingRow, "facility_id" | "resource_id" | "start_at" | "end_at" | "buffer_minutes">

/** Records booking.hold.released for each. */
export function recordHoldsExpired(tx: Tx, holds: readonly ExpiredHold[]): void {
  for (const hold of holds) recordExpired(tx, hold)
}

/**
 * A hold that never became a booking no longer counts in the month's bookings, and its slot is offered to the
 * waitlist. Call it towards the end of a command: it locks the facility's waitlist. A command that freed the slot for
 * itself has taken the slot by then.
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

/** The stretch that a booking no longer occupies, with its buffer. */
export const freedSlotOf = (booking: Place): FreedSlot => ({
  facilityId: booking.facility_id,
  resourceId: booking.resource_id,
  ...occupancyOf(booking),
})
