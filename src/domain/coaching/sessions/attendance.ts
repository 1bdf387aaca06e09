/**
 * The attendance, completion and cancellation of a coach session, by its coach or by staff.
 * Every command locks the session's booking first: the second of two completions sees the first.
 */
import { type Member, requireStaffMember } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound, WrongState } from "#base/errors.ts"
import { completeLocked } from "#domain/booking/attendance/check-in.ts"
import { undoCompletionLocked } from "#domain/booking/attendance/undo.ts"
import { cancelLocked } from "#domain/booking/cancel.ts"
import type { UndoInput } from "#domain/booking/input.ts"
import { parentsOf } from "#domain/people/children/parents.ts"
import { recordCompletedSession, recordSessionCancelled, recordSessionCompletionUndone } from "./events.ts"
import type { AttendanceInput, CancelSessionInput, CompleteInput } from "./input.ts"
import {
  type CoachSession,
  countOpen,
  findSession,
  keepAttendance,
  type LockedSession,
  lockSession,
  markCancelled,
  markCompleted,
  mayHoldSession,
  maySeeSession,
  unmarkCompleted,
} from "./rows.ts"

/**
 * Stores the attendance, from the start until the session is completed.
 * @throws NotFound, NotAllowed, InvalidInput, WrongState (session_not_scheduled, session_not_started)
 */
export async function recordAttendance(
  tx: Tx,
  member: Member,
  sessionId: string,
  { attendance }: typeof AttendanceInput.Type,
): Promise<CoachSession> {
  const locked = await lockHeld(tx, member, sessionId)
  requireScheduled(locked, "attended")
  requireStarted(locked)
  const { session } = locked
  const said = attendance.map(({ userId, attended }) => ({ userId: userId.toLowerCase(), attended }))
  requireStudentsOf(
    session,
    said.map(({ userId }) => userId),
    (i) => `body.attendance.${i}.userId`,
  )
  await keepAttendance(tx, session, said)
  return readSession(tx, session)
}

/**
 * Completes a session after its start, once. Records coach.session.completed.
 * Also completes its booking, unless that is complete (booking.completed). The booking of a block is completed with the
 * block's last session.
 * @throws NotFound, NotAllowed, InvalidInput, WrongState (session_not_scheduled, session_not_started)
 */
export async function completeSession(
  tx: Tx,
  member: Member,
  sessionId: string,
  { attendedStudents }: typeof CompleteInput.Type,
): Promise<CoachSession> {
  const { caller, facilityId } = member
  const locked = await lockHeld(tx, member, sessionId)
  requireScheduled(locked, "completed")
  requireStarted(locked)
  const { session, booking } = locked
  const named = attendedStudents?.map((userId) => userId.toLowerCase())
  if (named) requireStudentsOf(session, named, (i) => `body.attendedStudents.${i}`)
  const attendance = session.students.map(({ userId, attended }) => ({
    userId,
    attended: named ? named.includes(userId) : attended === true,
  }))
  await keepAttendance(tx, session, attendance)
  await markCompleted(tx, session, booking.now, caller.userId)
  const parents = await parentsOf(
    tx,
    facilityId,
    session.students.map(({ userId }) => userId),
  )
  const attended = attendance.filter((each) => each.attended).map(({ userId }) => userId)
  recordCompletedSession(tx, session, parents, attended)
  const isOpen = booking.status === "confirmed" || booking.status === "checked_in"
  if (isOpen && (await countOpen(tx, facilityId, booking.id)) === 0) await completeLocked(tx, booking)
  return readSession(tx, session)
}

/**
 * Undoes a completion that was a mistake: for staff. The attendance stays, and may be changed again. A booking that was
 * completed with the session is open again (booking.completion.undone). Records coach.session.completion.undone.
 * @throws NotFound, NotAllowed, WrongState (session_not_completed)
 */
export async function undoSessionCompletion(
  tx: Tx,
  member: Member,
  sessionId: string,
  why: typeof UndoInput.Type,
): Promise<CoachSession> {
  requireStaffMember(member)
  const { session, booking } = await lockHeld(tx, member, sessionId)
  if (session.status !== "completed") {
    const message = `The session is ${session.status}; only one that is completed can be undone.`
    throw new WrongState("session_not_completed", message)
  }
  const { userId } = member.caller
  await unmarkCompleted(tx, session)
  recordSessionCompletionUndone(tx, session, { by: userId, at: booking.now, reason: why.reason })
  // The booking was completed with the session, at the same instant, and not by itself.
  if (booking.status === "completed" && booking.completed_at?.toISOString() === session.completedAt) {
    await undoCompletionLocked(tx, booking, userId, why)
  }
  return readSession(tx, session)
}

/**
 * Cancels a session: its coach until it starts, staff also later.
 * - A session with its own booking: the booking is cancelled and refunded whole (booking.cancelled).
 * - A session inside a block: only the session is cancelled (coach.session.cancelled), and the block stays.
 *
 * @throws NotFound, NotAllowed, WrongState (session_not_scheduled, session_started, and those of cancelling a booking)
 */
export async function cancelSession(
  tx: Tx,
  member: Member,
  sessionId: string,
  { cancellationReason }: typeof CancelSessionInput.Type,
): Promise<CoachSession> {
  const { caller } = member
  const locked = await lockHeld(tx, member, sessionId)
  const { session, booking } = locked
  requireScheduled(locked, "cancelled")
  if (hasStarted(locked) && !member.isStaff) {
    throw new WrongState("session_started", "The session has begun; only staff can cancel it now.")
  }
  const { blockId } = session
  if (blockId === null) {
    // The payer is not to blame: everything is refunded, whatever the policy says about cancellations.
    await cancelLocked(tx, booking, caller, cancellationReason, wholeRefund)
  } else {
    await markCancelled(tx, session, booking.now, caller.userId, cancellationReason)
    const what = { blockId, by: caller.userId, at: booking.now, reason: cancellationReason }
    recordSessionCancelled(tx, session, what)
  }
  return readSession(tx, session)
}

const wholeRefund = 100

/**
 * Locks a session for a decision of the caller. Throws NotAllowed for a caller who may only see the session, NotFound
 * for others.
 */
async function lockHeld(tx: Tx, member: Member, sessionId: string): Promise<LockedSession> {
  const { facilityId } = member
  const locked = await lockSession(tx, facilityId, sessionId)
  if (!maySeeSession(member, locked.session)) throw new NotFound("coach session", sessionId)
  if (!mayHoldSession(member, locked.session)) throw new NotAllowed("This is for the session's coach and for staff.")
  return locked
}

function requireScheduled({ session }: LockedSession, what: string): void {
  if (session.status === "scheduled") return
  const message = `The session is ${session.status}; only one that is scheduled can be ${what}.`
  throw new WrongState("session_not_scheduled", message)
}

function requireStarted(locked: LockedSession): void {
  if (hasStarted(locked)) return
  throw new WrongState("session_not_started", `The session starts at ${locked.session.startAt}.`)
}

const hasStarted = ({ session, booking }: LockedSession) => booking.now.getTime() >= Date.parse(session.startAt)

/** Each named person must be a student of the session, and be named once. */
function requireStudentsOf({ students }: CoachSession, named: readonly string[], pathOf: (i: number) => string): void {
  const faults = named.flatMap((id, i) => {
    if (named.indexOf(id) < i) return [{ path: pathOf(i), message: "is named twice" }]
    return students.some(({ userId }) => userId === id)
      ? []
      : [{ path: pathOf(i), message: "is no student of the session" }]
  })
  if (faults.length > 0) throw new InvalidInput(faults)
}

async function readSession(tx: Tx, { facilityId, id }: CoachSession): Promise<CoachSession> {
  const session = await findSession(tx, facilityId, id)
  if (!session) throw new NotFound("coach session", id)
  return session
}
