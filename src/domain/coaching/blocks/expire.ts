/** Requests for a coach block whose time has come: nobody decided, so they end at their start. */
import type { Tx } from "#base/database/transaction.ts"
import { lockUndecided } from "#domain/booking/find.ts"
import { freedSlotOf } from "#domain/booking/holds-ended.ts"
import { changeBooking } from "#domain/booking/rows.ts"
import { afterSlotsFreed } from "#domain/booking/slots-freed.ts"
import { recordBlockExpired } from "./events.ts"
import { findBlockOf } from "./rows.ts"

/**
 * Ends at most `limit` requests of a facility, or of all, the longest due first; returns their number. Frees their
 * time. Records coach.block.expired for each.
 */
export async function expireBlocks(tx: Tx, limit: number, facilityId?: string): Promise<number> {
  const undecided = await lockUndecided(tx, "blocks", limit, facilityId)
  for (const booking of undecided) {
    const block = await findBlockOf(tx, booking)
    await changeBooking(tx, booking, { status: "expired" }, true)
    if (block) recordBlockExpired(tx, block, booking.now)
  }
  await afterSlotsFreed(tx, undecided.map(freedSlotOf))
  return undecided.length
}
