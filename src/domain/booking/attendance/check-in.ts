/** The day of play: the booker checks in, or the booking is completed. No-shows are in `no-shows.ts`. */
import { type Member, mayActFor, requireStaffMember } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { WrongState } from "#base/errors.ts"
import { type Booking, toBooking } from "#domain/booking/answer.ts"
import type { BookingRow, LockedBooking } from "#domain/booking/booking-row.ts"
import { recordCheckedIn, recordCompleted } from "#domain/booking/events.ts"
import type { CheckInInput } from "#domain/booking/input.ts"
import { lockOwn, requireStarted, requireStatus } from "#domain/booking/lock-own.ts"
import { changeBooking } from "#domain/booking/rows.ts"
import { sessionOf } from "./session-held.ts"

/** Check-in opens this long before the start. */
const checkInOpensMinutes = 30
const minuteMs = 60_000

/**
 * The booker has arrived: the booker, a parent, staff or an API key says so. The caller of this function has checked
 * the code that the method needs (`codes.ts`). Records booking.checked_in. An API key that was shown a code counts as
 * a door: the booker checked in by themself.
 * @throws NotFound, NotAllowed, WrongState (booking_not_confirmed, check_in_too_early, check_in_too_late)
 */
export async function checkIn(
  tx: Tx,
  member: Member,
  bookingId: string,
  { method = "manual" }: typeof CheckInInput.Type,
): Promise<Booking> {
  const { caller } = member
  const booking = await lockOwn(tx, member, bookingId)
  requireStatus(booking, ["confirmed"], "booking_not_confirmed", "checked in")
  const opens = new Date(booking.start_at.getTime() - checkInOpensMinutes * minuteMs)
  if (booking.now < opens) throw new WrongState("check_in_too_early", `Check-in opens at ${opens.toISOString()}.`)
  const isLate = booking.now >= booking.end_at
  // Staff undid an outcome: only they know that the booker came.
  if (isLate && !(member.isStaff && booking.judged_by_staff)) {
    throw new WrongState("check_in_too_late", `The booking ended at ${booking.end_at.toISOString()}.`)
  }
  const arrived = await changeBooking(tx, booking, { status: "checked_in", checked_in_at: booking.now })
  const atADoor = caller.kind !== "person" && method !== "manual"
  const self = mayActFor(member, booking.booker_id, "book") || atADoor
  recordCheckedIn(tx, arrived, booking.now, self ? "self" : "staff", method)
  return toBooking(arrived)
}

/**
 * Staff: the time was used. Records booking.completed. The duration counts whole minutes. It runs from the later of
 * start and check-in to the earlier of now and the end.
 * @throws NotAllowed, NotFound, WrongState (booking_not_confirmed, booking_not_started)
 */
export async function completeBooking(tx: Tx, member: Member, bookingId: string): Promise<Booking> {
  requireStaffMember(member)
  return toBooking(await completeLocked(tx, await lockOwn(tx, member, bookingId)))
}

/**
 * The same for a locked booking. The caller has checked the permission, for instance that of a lesson's coach. Throws
 * the WrongStates of completeBooking.
 */
export async function completeLocked(tx: Tx, booking: LockedBooking): Promise<BookingRow> {
  requireStatus(booking, ["confirmed", "checked_in"], "booking_not_confirmed", "completed")
  requireStarted(booking)
  const completed = await changeBooking(tx, booking, { status: "completed", completed_at: booking.now })
  recordCompleted(tx, completed, minutesPlayed(booking), await sessionOf(tx, booking.facility_id, booking.id))
  return completed
}

function minutesPlayed({ start_at, end_at, checked_in_at, now }: LockedBooking): number {
  const from = Math.max(start_at.getTime(), checked_in_at?.getTime() ?? 0)
  const to = Math.min(now.getTime(), end_at.getTime())
  return Math.max(0, Math.round((to - from) / minuteMs))
}
