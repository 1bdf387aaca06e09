/** The grace of a facility: until when a booker is in time. */
import type { Queryable } from "#base/database/db.ts"
import type { BookingRow } from "#domain/booking/booking-row.ts"

const minuteMs = 60_000

/** The end of the booking's grace by the facility's present policy. It ends with the booking at the latest. */
export async function graceEndOf(db: Queryable, { facility_id, start_at, end_at }: BookingRow): Promise<Date> {
  const [policy] = await db<{ minutes: number | null }[]>`
    select check_in_grace_minutes as minutes from slotbase.booking_policies where facility_id = ${facility_id}`
  return new Date(Math.min(start_at.getTime() + (policy?.minutes ?? 0) * minuteMs, end_at.getTime()))
}
