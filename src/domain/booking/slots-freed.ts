/** When a stretch of a resource becomes free, it is offered to the waitlist in the same transaction. */
import type { Tx } from "#base/database/transaction.ts"
import type { FreedSlot } from "./freed-slot.ts"
import { offerFreed } from "./waitlist/offers.ts"

/**
 * Call it in the transaction that frees the slots, after the occupancies are gone, as the command's last step. It
 * locks the facility's waitlist. A command that frees a slot for itself calls it after it has taken the slot. A
 * failed offer never fails the transaction.
 * Records waitlist.offered and booking.hold.created for each offer. Records waitlist.expired or waitlist.declined for
 * each offer that ended with its hold.
 */
export async function afterSlotsFreed(tx: Tx, freed: readonly FreedSlot[]): Promise<void> {
  const later = collecting.get(tx)
  if (later) later.push(...freed)
  else if (freed.length > 0) await offerFreed(tx, freed)
}

/**
 * Runs work that frees many slots one by one, then offers them together. So nothing is offered that the rest of the
 * work still takes, and the waitlist is locked after everything else.
 */
export async function withOffersAtTheEnd<T>(tx: Tx, work: () => Promise<T>): Promise<T> {
  if (collecting.has(tx)) return work()
  const freed: FreedSlot[] = []
  collecting.set(tx, freed)
  try {
    const result = await work()
    if (freed.length > 0) await offerFreed(tx, freed)
    return result
  } finally {
    collecting.delete(tx)
  }
}

const collecting = new WeakMap<Tx, FreedSlot[]>()
