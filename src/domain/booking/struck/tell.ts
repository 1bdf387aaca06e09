/** Tells the bookers of struck bookings, each once. Coach blocks are in `coaching/blocks/struck.ts`. */
import type { Tx } from "#base/database/transaction.ts"
import { recordStruck } from "#domain/booking/change-events.ts"
import { lockUntold } from "#domain/booking/find.ts"
import { markTold } from "#domain/booking/rows.ts"

/**
 * Records booking.struck for at most `limit` bookings of a facility, or of all, those that were struck first. Answers
 * how many. The job hold-expiration tells the others.
 */
export async function tellStruck(tx: Tx, limit: number, facilityId?: string): Promise<number> {
  const untold = await lockUntold(tx, "bookings", limit, facilityId)
  for (const booking of untold) recordStruck(tx, booking)
  await markTold(tx, untold)
  return untold.length
}
