/** A slot taken again for a booking that lost it: a payment that came after its hold had died. */

import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, SlotTaken } from "#base/errors.ts"
import { closedFor } from "#domain/club/closed.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import { isCounted } from "./counted.ts"
import type { LockedBooking } from "./row.ts"
import { occupies, occupy, vacate } from "./rows.ts"
import { tryToTake, wishOf } from "./take-slot.ts"

/**
 * Occupies the booking's own time again. A hold that is dead by the clock and not released yet has its time still: true.
 * False when somebody else has it now, when it is closed then, when the time has begun, or when the facility's plan has no
 * booking left for it: what its hold had used up was given back with it. Releases dead holds in its way.
 */
export async function retakeSlot(tx: Tx, booking: LockedBooking): Promise<boolean> {
  if (await occupies(tx, booking)) return true
  if (booking.start_at <= booking.now || (await isClosed(tx, booking))) return false
  try {
    await tryToTake(tx, await wishOf(tx, booking), async () => ((await occupy(tx, booking)) ? true : undefined))
  } catch (error) {
    // Nothing was written by then but dead holds, which are rightly gone.
    if (error instanceof SlotTaken) return false
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

async function isClosed(tx: Tx, { facility_id, resource_id, start_at, end_at }: LockedBooking): Promise<boolean> {
  const [row] = await tx<[{ reason: string | null }]>`
    select ${closedFor(tx, tx`${facility_id}::uuid`, tx`${resource_id}::uuid`, start_at.toISOString(), end_at.toISOString())} as reason`
  return row.reason !== null
}
