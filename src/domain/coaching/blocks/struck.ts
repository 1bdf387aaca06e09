/** Tells the coaches of blocks whose time is no longer open, each once. */
import type { Tx } from "#base/database/transaction.ts"
import { lockUntold } from "#domain/booking/find.ts"
import { markTold } from "#domain/booking/rows.ts"
import { recordBlockStruck } from "./events.ts"
import { findBlockOf } from "./rows.ts"

/** Records coach.block.struck for at most `limit` blocks of a facility, or of all. Answers how many. */
export async function tellStruckBlocks(tx: Tx, limit: number, facilityId?: string): Promise<number> {
  const untold = await lockUntold(tx, "blocks", limit, facilityId)
  for (const booking of untold) {
    const block = await findBlockOf(tx, booking)
    if (block) recordBlockStruck(tx, block, booking.struck_reason ?? "", booking.now)
  }
  await markTold(tx, untold)
  return untold.length
}
