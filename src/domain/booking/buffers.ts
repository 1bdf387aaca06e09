/**
 * Buffers: the time for which a resource stays free after a booking, such as ten minutes for cleaning. A buffer is a
 * part of the booking's occupancy, so the constraint slot_taken_once decides about it. It is not paid for, and may
 * reach beyond the closing time. A booking keeps the buffer with which it was made or moved.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Span } from "#base/local-days.ts"

/** So far a booking reaches beyond its end at most. */
export const maxBufferMinutes = 120
export const maxBuffers = 100

const minuteMs = 60_000

/** The time that a booking takes from its resource. */
export const occupiedBy = ({ start, end }: Span, bufferMinutes: number): Span => ({
  start,
  end: end + bufferMinutes * minuteMs,
})

/** The same for the columns of a booking. */
export const occupancyOf = (booking: {
  readonly start_at: Date
  readonly end_at: Date
  readonly buffer_minutes: number
}): { readonly startAt: Date; readonly endAt: Date } => ({
  startAt: booking.start_at,
  endAt: new Date(booking.end_at.getTime() + booking.buffer_minutes * minuteMs),
})

/** An entry of the policy. Left out: for all resources, or for all types. */
export interface BufferRule {
  readonly minutes: number
  readonly resourceId?: string
  readonly bookingType?: string
}

/** The same as `bufferOf`, of a policy that has been read. */
export function bufferIn(buffers: readonly BufferRule[], resourceId: string, bookingType: string): number {
  const fitting = buffers.filter(
    (each) => (each.resourceId ?? resourceId) === resourceId && (each.bookingType ?? bookingType) === bookingType,
  )
  const weightOf = (each: BufferRule) =>
    (each.resourceId === undefined ? 0 : 2) + (each.bookingType === undefined ? 0 : 1)
  return fitting.toSorted((a, b) => weightOf(b) - weightOf(a))[0]?.minutes ?? 0
}

/** SQL: a value or a column. */
type Fragment = ReturnType<Queryable>

/**
 * SQL, integer: the present buffer of a booking type on a resource, minutes. The most specific entry holds: one for the
 * resource, then one for the type. The arguments are a facility's id, a resource's id and a text.
 */
export const bufferOf = (
  sql: Queryable,
  facility: Fragment,
  resource: Fragment,
  bookingType: Fragment,
): Fragment => sql`
  coalesce((select (x ->> 'minutes')::integer
            from slotbase.booking_policies y cross join jsonb_array_elements(y.buffers) x
            where y.facility_id = ${facility} and coalesce(x ->> 'resourceId', ${resource}::text) = ${resource}::text
              and coalesce(x ->> 'bookingType', ${bookingType}) = ${bookingType}
            order by x ->> 'resourceId' nulls last, x ->> 'bookingType' nulls last
            limit 1), 0)`

/** SQL, timestamptz: an instant and so many minutes. */
export const minutesLater = (sql: Queryable, at: Fragment, minutes: Fragment): Fragment =>
  sql`(${at} + make_interval(mins => ${minutes}))`

/**
 * The time that a booking of a facility may have taken or blocked: the slots in this time depend on it. A buffer before
 * the booking is that of a booking that ends there.
 * @param longestBuffer the longest that the facility has ever had, minutes
 */
export const touchedBy = ({ start, end }: Span, longestBuffer: number): Span => ({
  start: start - longestBuffer * minuteMs,
  end: end + longestBuffer * minuteMs,
})

/** The longest buffers that facilities have ever had, minutes; a facility that never had one is missing. */
export async function longestBuffers(
  db: Queryable,
  facilityIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const ids = [...new Set(facilityIds)]
  const rows = await db<{ id: string; minutes: number }[]>`
    select facility_id as id, longest_buffer_minutes as minutes from slotbase.booking_policies
    where facility_id = any (${ids}::uuid[]) and longest_buffer_minutes > 0`
  return new Map(rows.map(({ id, minutes }) => [id, minutes]))
}
