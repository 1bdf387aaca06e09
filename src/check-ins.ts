/** The day of play: somebody checks in, does not show up, or has played. */
import { type Caller, requireStaff } from "./access.ts"
import { type Booking, toBooking } from "./bookings/answer.ts"
import { recordCheckedIn, recordCompleted, recordNoShow } from "./bookings/events.ts"
import type { CheckInInput } from "./bookings/input.ts"
import { changeBooking, countNoShows, type LockedBooking } from "./bookings/rows.ts"
import { lockOwn, requireStatus } from "./bookings.ts"
import type { Tx } from "./database/db.ts"
import { WrongState } from "./errors.ts"

/** Doors open this long before the booked time. */
export const checkInOpensMinutes = 30
const minuteMs = 60_000

/**
 * The booker has arrived: by their own word, or by that of staff or a key. Records booking.checked_in.
 * @throws NotFound, WrongState (booking_not_confirmed, check_in_too_early, check_in_too_late)
 */
export async function checkIn(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  bookingId: string,
  { method = "manual" }: typeof CheckInInput.Type,
): Promise<Booking> {
  const booking = await lockOwn(tx, caller, facilityId, bookingId)
  requireStatus(booking, ["confirmed"], "booking_not_confirmed", "checked in")
  const opens = new Date(booking.start_at.getTime() - checkInOpensMinutes * minuteMs)
  if (booking.now < opens) throw new WrongState("check_in_too_early", `Check-in opens at ${opens.toISOString()}.`)
  if (booking.now >= booking.end_at) {
    throw new WrongState("check_in_too_late", `The booking ended at ${booking.end_at.toISOString()}.`)
  }
  const arrived = await changeBooking(tx, booking, { status: "checked_in", checked_in_at: booking.now })
  recordCheckedIn(tx, arrived, booking.now, caller.userId === booking.booker_id ? "self" : "staff", method)
  return toBooking(arrived)
}

/**
 * Staff: nobody came. No fee and no restriction is configured yet, so none is charged or applied. Records booking.no_show.
 * @throws NotAllowed, NotFound, WrongState (booking_not_confirmed, booking_not_started)
 */
export async function markNoShow(tx: Tx, caller: Caller, facilityId: string, bookingId: string): Promise<Booking> {
  requireStaff(caller, facilityId)
  const booking = await lockOwn(tx, caller, facilityId, bookingId)
  requireStatus(booking, ["confirmed"], "booking_not_confirmed", "marked as a no-show")
  requireStarted(booking)
  const missed = await changeBooking(tx, booking, { status: "no_show", no_show_at: booking.now })
  recordNoShow(tx, missed, booking.now, await countNoShows(tx, facilityId, booking.booker_id))
  return toBooking(missed)
}

/**
 * Staff: the time was used. Records booking.completed; its duration runs from the later of start and check-in to the
 * earlier of now and the end, in whole minutes.
 * @throws NotAllowed, NotFound, WrongState (booking_not_confirmed, booking_not_started)
 */
export async function completeBooking(tx: Tx, caller: Caller, facilityId: string, bookingId: string): Promise<Booking> {
  requireStaff(caller, facilityId)
  const booking = await lockOwn(tx, caller, facilityId, bookingId)
  requireStatus(booking, ["confirmed", "checked_in"], "booking_not_confirmed", "completed")
  requireStarted(booking)
  const completed = await changeBooking(tx, booking, { status: "completed", completed_at: booking.now })
  recordCompleted(tx, completed, minutesPlayed(booking))
  return toBooking(completed)
}

function requireStarted({ start_at, now }: LockedBooking): void {
  if (now < start_at) throw new WrongState("booking_not_started", `The booking starts at ${start_at.toISOString()}.`)
}

function minutesPlayed({ start_at, end_at, checked_in_at, now }: LockedBooking): number {
  const from = Math.max(start_at.getTime(), checked_in_at?.getTime() ?? 0)
  const to = Math.min(now.getTime(), end_at.getTime())
  return Math.max(0, Math.round((to - from) / minuteMs))
}
