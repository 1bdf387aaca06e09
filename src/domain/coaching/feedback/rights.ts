/**
 * The rights to write and to read feedback.
 * - Feedback belongs to the coach of its session. Administrators may write feedback in the coach's stead.
 * - A draft is readable for its writers and for staff.
 * - Published feedback is also readable for the student, and for parents with the permission.
 */
import { bestRole, type Caller, isAtLeast, isStaff, mayActFor, requireMember } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, WrongState } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { findCoach } from "#domain/coaching/coaches.ts"
import { type FeedbackRow, findFeedback, lockFeedback } from "./rows.ts"

/** Whether the caller writes feedback in the facility at all. Throws NotFound for strangers, NotAllowed. */
export async function requireMayWrite(db: Queryable, caller: Caller, facilityId: string): Promise<void> {
  requireMember(caller, facilityId)
  if (isAdmin(caller, facilityId) || (await findCoach(db, facilityId, caller.userId))) return
  throw new NotAllowed(coachOnly)
}

/** The caller writes the feedback of one session, after `requireMayWrite`. Throws NotAllowed. */
export function requireTheirs(caller: Caller, facilityId: string, coachId: string): void {
  if (caller.userId !== coachId && !isAdmin(caller, facilityId)) throw new NotAllowed(coachOnly)
}

/** Feedback that the caller may read. Throws NotFound. */
export async function readableFeedback(
  db: Queryable,
  caller: Caller,
  facilityId: string,
  feedbackId: string,
): Promise<FeedbackRow> {
  requireMember(caller, facilityId)
  const row = isId(feedbackId) ? await findFeedback(db, facilityId, feedbackId) : undefined
  if (!row || !maySee(caller, row)) throw new NotFound("feedback", feedbackId)
  return row
}

/** Feedback that the caller may write, whatever its state. Throws NotFound, NotAllowed. */
export async function writableFeedback(
  db: Queryable,
  caller: Caller,
  facilityId: string,
  feedbackId: string,
): Promise<FeedbackRow> {
  const row = await readableFeedback(db, caller, facilityId, feedbackId)
  await requireMayWrite(db, caller, facilityId)
  requireTheirs(caller, facilityId, row.coach_id)
  return row
}

/** A draft that the caller may write, locked. Throws NotFound, NotAllowed, WrongState `feedback_published`. */
export async function lockDraft(tx: Tx, caller: Caller, facilityId: string, feedbackId: string): Promise<FeedbackRow> {
  await writableFeedback(tx, caller, facilityId, feedbackId)
  const row = await lockFeedback(tx, facilityId, feedbackId)
  if (!row) throw new NotFound("feedback", feedbackId)
  requireDraft(row)
  return row
}

/** Throws WrongState `feedback_published`. */
export function requireDraft(row: FeedbackRow): void {
  if (row.published_at === null) return
  throw new WrongState(
    "feedback_published",
    `The feedback was published at ${row.published_at.toISOString()}; it stays as it is.`,
  )
}

/** Whether the caller, a member of the feedback's facility, may read the feedback. */
export const maySee = (caller: Caller, row: FeedbackRow) =>
  row.coach_id === caller.userId ||
  isStaff(caller, row.facility_id) ||
  (row.published_at !== null && mayActFor(caller, row.student_id, "view_feedback"))

const isAdmin = (caller: Caller, facilityId: string) => isAtLeast(bestRole(caller, facilityId), "facility_admin")

const coachOnly = "Only the session's coach and administrators of the facility write its feedback."
