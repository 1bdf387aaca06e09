/** What follows when a stretch of a resource becomes free: who waits for it is offered it, in the same transaction. */
import type { Tx } from "#base/database/transaction.ts"
import type { FreedSlot } from "./freed-slot.ts"
import { offerFreed } from "./waitlist/offers.ts"

/**
 * Call it after the occupancies are gone, in the transaction that frees them, as the last thing that a command does: it locks
 * the facility's waitlist. Who frees a slot in order to take it himself calls it when he has it. Never fails because of those
 * who wait. Records waitlist.offered and booking.hold.created for each offer, and what became of offers that ended with it
 * (waitlist.expired, waitlist.declined).
 */
export async function afterSlotsFreed(tx: Tx, freed: readonly FreedSlot[]): Promise<void> {
  const later = collecting.get(tx)
  if (later) later.push(...freed)
  else if (freed.length > 0) await offerFreed(tx, freed)
}

/**
 * Runs work that frees many slots one by one; they are offered together when all of it is done, so that nothing is offered
 * which the rest of the work still takes, and the waitlist is locked after everything else.
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
