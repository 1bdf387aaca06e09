/**
 * The rights to write and to read feedback.
 * - Feedback belongs to the coach of its session. Administrators may write feedback in the coach's stead.
 * - A draft is readable for its writers and for staff.
 * - Published feedback is also readable for the student, and for parents with the permission.
 */
import { type Member, mayActFor } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, WrongState } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { findCoach } from "#domain/coaching/coaches.ts"
import { type FeedbackRow, findFeedback, lockFeedback } from "./rows.ts"

/** Whether the caller writes feedback in the facility at all. Throws NotAllowed. */
export async function requireMayWrite(db: Queryable, member: Member): Promise<void> {
  const { caller, facilityId } = member
  if (isAdmin(member) || (await findCoach(db, facilityId, caller.userId))) return
  throw new NotAllowed(coachOnly)
}

/** The caller writes the feedback of one session, after `requireMayWrite`. Throws NotAllowed. */
export function requireTheirs(member: Member, coachId: string): void {
  if (member.caller.userId !== coachId && !isAdmin(member)) throw new NotAllowed(coachOnly)
}

/** Feedback that the caller may read. Throws NotFound. */
export async function readableFeedback(db: Queryable, member: Member, feedbackId: string): Promise<FeedbackRow> {
  const { facilityId } = member
  const row = isId(feedbackId) ? await findFeedback(db, facilityId, feedbackId) : undefined
  if (!row || !maySee(member, row)) throw new NotFound("feedback", feedbackId)
  return row
}

/** Feedback that the caller may write, whatever its state. Throws NotFound, NotAllowed. */
export async function writableFeedback(db: Queryable, member: Member, feedbackId: string): Promise<FeedbackRow> {
  const row = await readableFeedback(db, member, feedbackId)
  await requireMayWrite(db, member)
  requireTheirs(member, row.coach_id)
  return row
}

/** A draft that the caller may write, locked. Throws NotFound, NotAllowed, WrongState `feedback_published`. */
export async function lockDraft(tx: Tx, member: Member, feedbackId: string): Promise<FeedbackRow> {
  await writableFeedback(tx, member, feedbackId)
  const row = await lockFeedback(tx, member.facilityId, feedbackId)
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

/** Whether a member of the feedback's facility may read the feedback. */
export const maySee = (member: Member, row: FeedbackRow) =>
  row.coach_id === member.caller.userId ||
  member.isStaff ||
  (row.published_at !== null && mayActFor(member, row.student_id, "view_feedback"))

const isAdmin = (member: Member) => member.isAtLeast("facility_admin")

const coachOnly = "Only the session's coach and administrators of the facility write its feedback."
