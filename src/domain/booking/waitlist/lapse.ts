/** Ends wishes whose time has come without an offer. */
import type { Tx } from "#base/database/transaction.ts"
import { recordEntryEnded } from "./events.ts"
import { lapseEntries } from "./rows.ts"

/** Ends at most `limit` of them, in one facility or in all. Records waitlist.expired for each. Answers how many. */
export async function endLapsed(tx: Tx, limit: number, facilityId?: string): Promise<number> {
  const ended = await lapseEntries(tx, limit, facilityId)
  for (const entry of ended) recordEntryEnded(tx, entry)
  return ended.length
}
