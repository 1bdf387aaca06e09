/**
 * Outcomes that were a mistake: staff undo a no-show, a check-in or a completion, each with its own event. The booking
 * is again what it was before. Its next outcome may come late, and staff say it: a job that marks no-shows leaves the
 * booking alone once its grace is over.
 */
import { type Member, requireStaffMember } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { WrongState } from "#base/errors.ts"
import { type Booking, toBooking } from "#domain/booking/answer.ts"
import type { BookingRow, LockedBooking, Status } from "#domain/booking/booking-row.ts"
import { recordCheckInUndone, recordCompletionUndone, recordNoShowUndone } from "#domain/booking/change-events.ts"
import { lockOwn, requireStatus } from "#domain/booking/lock-own.ts"
import { changeBooking, strikeOne } from "#domain/booking/rows.ts"
import { whyNotOpen } from "#domain/booking/struck/judge.ts"
import { graceEndOf } from "./grace.ts"
import { waiveFee } from "./no-shows.ts"
import { completedSessionOf } from "./session-held.ts"
import { undoStrike } from "./strikes.ts"

interface Why {
  readonly reason: string
}

/**
 * The booking is confirmed again. Its strike no longer counts, its fee is not due or is refunded, its restriction ends.
 * Records booking.no_show.undone.
 * @throws NotAllowed, NotFound, WrongState (booking_not_no_show)
 */
export async function undoNoShow(tx: Tx, member: Member, bookingId: string, { reason }: Why): Promise<Booking> {
  const booking = await lockFor(tx, member, bookingId, ["no_show"], "booking_not_no_show")
  const by = member.caller.userId
  const undone = await opened(tx, booking, { status: "confirmed", no_show_at: null, judged_by_staff: true })
  const { fee, strikeCount } = await undoStrike(tx, booking, by, reason)
  if (fee > 0) await waiveFee(tx, booking, fee)
  recordNoShowUndone(tx, undone, { by, at: booking.now, reason, fee, strikeCount })
  return toBooking(undone)
}

/**
 * The booking is confirmed again. Records booking.check_in.undone.
 * @throws NotAllowed, NotFound, WrongState (booking_not_checked_in)
 */
export async function undoCheckIn(tx: Tx, member: Member, bookingId: string, { reason }: Why): Promise<Booking> {
  const booking = await lockFor(tx, member, bookingId, ["checked_in"], "booking_not_checked_in")
  const judged_by_staff = await isLeftToStaff(tx, booking)
  const undone = await opened(tx, booking, { status: "confirmed", checked_in_at: null, judged_by_staff })
  recordCheckInUndone(tx, undone, { by: member.caller.userId, at: booking.now, reason })
  return toBooking(undone)
}

/**
 * The booking is checked in again, or confirmed if nobody checked in. Records booking.completion.undone. A completed
 * lesson is undone as a lesson.
 * @throws NotAllowed, NotFound, WrongState (booking_not_completed, session_completed)
 */
export async function undoCompletion(tx: Tx, member: Member, bookingId: string, why: Why): Promise<Booking> {
  const booking = await lockFor(tx, member, bookingId, ["completed"], "booking_not_completed")
  const sessionId = await completedSessionOf(tx, booking.facility_id, booking.id)
  if (sessionId !== undefined) {
    throw new WrongState(
      "session_completed",
      `The coach session ${sessionId} was held in it and is completed; undo its completion instead.`,
    )
  }
  return toBooking(await undoCompletionLocked(tx, booking, member.caller.userId, why))
}

/** The same for a locked booking that is completed. The caller has checked the permission. */
export async function undoCompletionLocked(
  tx: Tx,
  booking: LockedBooking,
  by: string,
  { reason }: Why,
): Promise<BookingRow> {
  const undone = await opened(tx, booking, {
    status: booking.checked_in_at === null ? "confirmed" : "checked_in",
    completed_at: null,
    judged_by_staff: await isLeftToStaff(tx, booking),
  })
  recordCompletionUndone(tx, undone, { by, at: booking.now, reason })
  return undone
}

async function lockFor(
  tx: Tx,
  member: Member,
  bookingId: string,
  from: readonly Status[],
  code: string,
): Promise<LockedBooking> {
  requireStaffMember(member)
  const booking = await lockOwn(tx, member, bookingId)
  requireStatus(booking, from, code, "undone")
  return booking
}

/** The booking stands again. It is struck if its time was closed meanwhile: then it is cancelled without loss. */
async function opened(
  tx: Tx,
  booking: LockedBooking,
  change: Parameters<typeof changeBooking>[2],
): Promise<BookingRow> {
  const undone = await changeBooking(tx, booking, change)
  if (undone.status !== "confirmed" || undone.struck_reason !== null) return undone
  const why = await whyNotOpen(tx, undone)
  if (why === undefined) return undone
  await strikeOne(tx, booking, why)
  return { ...undone, struck_reason: why }
}

/** Within the grace the booker may still come, and the job judges as ever. */
const isLeftToStaff = async (tx: Tx, booking: LockedBooking): Promise<boolean> =>
  booking.judged_by_staff || booking.now >= (await graceEndOf(tx, booking))
