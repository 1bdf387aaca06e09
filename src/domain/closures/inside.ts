/** The bookings in a closed time: found anew at every read, and cancelled on request. */
import * as Schema from "effect/Schema"
import type { Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, WrongState } from "#base/errors.ts"
import { Id, Instant } from "#base/schema/fact-fields.ts"
import { BookingStatus } from "#domain/booking/answer.ts"
import { cancelBooking } from "#domain/booking/cancel.ts"
import { lockBooking } from "#domain/booking/find.ts"
import { releaseHold } from "#domain/booking/holds.ts"
import { BookingType } from "#domain/booking/input.ts"
import type { ClosureRow } from "#domain/club/closure-rows.ts"
import { cancelBlockOf } from "#domain/coaching/blocks/blocks.ts"

/** The limit of an answer, and of the bookings cancelled with a closure: a transaction of seconds, not of minutes. */
const maxBookingsInside = 200

export const BookingInside = Schema.Struct({
  id: Id,
  resourceId: Id,
  status: BookingStatus,
  bookingType: BookingType,
  bookerId: Id,
  bookerName: Schema.String,
  startAt: Instant,
  endAt: Instant,
})
export type BookingInside = typeof BookingInside.Type

/**
 * The bookings in closed time, by start, at most `maxBookingsInside`, and their number. A booking of which only the
 * buffer is in that time is none of them. An expired hold occupies nothing.
 */
export async function bookingsInside(
  db: Queryable,
  closure: ClosureRow,
): Promise<{ bookings: readonly BookingInside[]; bookingCount: number }> {
  const { facility_id, start_at, end_at, whole_facility, resource_ids } = closure
  const [start, end] = [start_at.toISOString(), end_at.toISOString()]
  const rows = await db<(Omit<BookingInside, "startAt" | "endAt"> & { startAt: Date; endAt: Date; all: number })[]>`
    select b.id, b.resource_id as "resourceId", b.status, b.booking_type as "bookingType", b.booker_id as "bookerId",
           u.first_name || ' ' || u.last_name as "bookerName", b.start_at as "startAt", b.end_at as "endAt",
           count(*) over () as all
    from slotbase.occupancies o
    join slotbase.bookings b on b.id = o.booking_id and b.facility_id = o.facility_id
    join slotbase.users u on u.id = b.booker_id
    where o.facility_id = ${facility_id} and o.during && tstzrange(${start}, ${end}) and b.end_at > ${start}
      ${whole_facility ? db`` : db`and o.resource_id = any (${[...resource_ids]}::uuid[])`}
      and b.status in ('held', 'pending', 'confirmed', 'checked_in')
      and not (b.status = 'held' and b.hold_expires_at <= (select slotbase.now()))
    order by b.start_at, b.id
    limit ${maxBookingsInside}`
  const bookings = rows.map(({ all: _, startAt, endAt, ...row }) => ({
    ...row,
    startAt: startAt.toISOString(),
    endAt: endAt.toISOString(),
  }))
  return { bookings, bookingCount: rows[0]?.all ?? 0 }
}

/**
 * Cancels the bookings in the closed time, each by its own command with its own events; returns the ids.
 * Everything is refunded, because the club cannot keep its promise.
 * A checked-in booking continues, and maintenance may be the reason of the closure: neither is cancelled. Throws
 * RuleBroken `too_many_bookings`.
 */
export async function cancelInside(tx: Tx, member: Member, closure: ClosureRow): Promise<string[]> {
  const { bookings, bookingCount } = await bookingsInside(tx, closure)
  if (bookingCount > maxBookingsInside) {
    const message = `${bookingCount} bookings stand in this time; at most ${maxBookingsInside} are cancelled at once. Close a shorter time, or fewer resources.`
    throw new RuleBroken("too_many_bookings", message, [
      { path: "body.cancelBookings", message: "is too much at once" },
    ])
  }
  const cancelled: string[] = []
  // In the order of their ids, so that two concurrent closures do not deadlock.
  for (const booking of bookings.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    if (await cancelOne(tx, member, closure, booking)) cancelled.push(booking.id)
  }
  return cancelled
}

async function cancelOne(tx: Tx, member: Member, closure: ClosureRow, booking: BookingInside): Promise<boolean> {
  const { caller, facilityId } = member
  const { reason: cancellationReason } = closure
  if (booking.bookingType === "maintenance" || booking.status === "checked_in") return false
  try {
    if (booking.bookingType === "coach_block") {
      const locked = await lockBooking(tx, facilityId, booking.id)
      if (await cancelBlockOf(tx, locked, caller.userId, cancellationReason)) return true
    }
    if (booking.status === "held") await releaseHold(tx, member, booking.id)
    else await cancelBooking(tx, member, booking.id, { cancellationReason, refundPercent: 100 })
    return true
  } catch (error) {
    // The booking changed while its lock was waited for. It is then reported in its new state.
    if (error instanceof WrongState) return false
    throw error
  }
}
