/** Tells the waitlist that a hold was confirmed by another way than the waitlist's routes. */
import type { Tx } from "#base/database/transaction.ts"
import { recordEntryEnded } from "./events.ts"
import { settleOffers } from "./rows.ts"

/**
 * A hold has just become a booking: if the hold was an offer, the offer is accepted. Call this in the same
 * transaction, after the booking's row was changed. Records waitlist.accepted.
 */
export async function offerConfirmed(
  tx: Tx,
  booking: { readonly id: string; readonly facility_id: string },
): Promise<void> {
  for (const entry of await settleOffers(tx, booking.facility_id, booking.id)) recordEntryEnded(tx, entry)
}
