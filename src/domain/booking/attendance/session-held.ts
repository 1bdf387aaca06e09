/** The coach sessions that are held in a booking. */
import type { Queryable } from "#base/database/db.ts"

/**
 * The id of the session that is held in the booking. A block may hold several: the last one then. Undefined when
 * there is none.
 */
export async function sessionOf(db: Queryable, facilityId: string, bookingId: string): Promise<string | undefined> {
  const [row] = await db<{ id: string }[]>`
    select id from slotbase.coach_sessions
    where booking_id = ${bookingId} and facility_id = ${facilityId} and cancelled_at is null
    order by start_at desc, id desc limit 1`
  return row?.id
}

/** The id of a completed session that was held in the booking; undefined when there is none. */
export async function completedSessionOf(
  db: Queryable,
  facilityId: string,
  bookingId: string,
): Promise<string | undefined> {
  const [row] = await db<{ id: string }[]>`
    select id from slotbase.coach_sessions
    where booking_id = ${bookingId} and facility_id = ${facilityId} and completed_at is not null
    order by completed_at desc, id desc limit 1`
  return row?.id
}
