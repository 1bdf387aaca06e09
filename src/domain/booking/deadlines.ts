/**
 * The next instants at which a hold, a request for approval or a reminder comes due. The job of each is the safety net:
 * it looks once a minute. Reads only.
 */
import type { Queryable } from "#base/database/db.ts"

export interface Deadlines {
  /** The database's clock. */
  readonly now: Date
  /** The end of the next hold; null: there is none. An offer to the waitlist is a hold. */
  readonly holds: Date | null
  /** The next start of a booking, or of a coach's block, that still waits for approval. */
  readonly requests: Date | null
}

/** The first rows of two partial indexes. */
export async function nextDeadlines(db: Queryable): Promise<Deadlines> {
  const [row] = await db<[Deadlines]>`
    select slotbase.now() as now,
      (select hold_expires_at from slotbase.bookings
       where status = 'held' and hold_expires_at is not null order by hold_expires_at limit 1) as holds,
      (select start_at from slotbase.bookings where status = 'pending' order by start_at limit 1) as requests`
  return row
}
