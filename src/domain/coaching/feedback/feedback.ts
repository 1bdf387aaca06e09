/**
 * A coach's feedback on a student after a session: written as a draft, with files (files.ts), published once, and never
 * changed after. So ProgressUpdateHandler can turn its assessments into progress later.
 */

import * as Schema from "effect/Schema"
import { childrenOf, type Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { skillOf } from "#domain/coaching/progress/skills.ts"
import { findSession } from "#domain/coaching/sessions/rows.ts"
import { insertMedia, type StoredFile } from "#domain/media/rows.ts"
import { parentsOf } from "#domain/people/children/parents.ts"
import { record } from "#events/outbox.ts"
import { type Feedback, toFeedback, workedOn } from "./answer.ts"
import { recordUploaded } from "./files.ts"
import type { Assessment, FeedbackChange, FeedbackInput, FeedbackQuery } from "./input.ts"
import { lockDraft, readableFeedback, requireMayWrite, requireTheirs } from "./rights.ts"
import {
  type AssessedSkill,
  changeContent,
  type FeedbackRow,
  findFeedback,
  findFeedbacks,
  insertFeedback,
  markPublished,
} from "./rows.ts"

/**
 * Writes a draft on a student of a session, with the files of the same request.
 * Records feedback.created, and media.uploaded for each file.
 * @throws NotFound, NotAllowed, WrongState (session_not_held), RuleBroken (student_not_in_session, sport_unknown)
 */
export async function createFeedback(
  tx: Tx,
  member: Member,
  input: FeedbackInput,
  files: readonly StoredFile[] = [],
): Promise<Feedback> {
  const { caller, facilityId } = member
  await requireMayWrite(tx, member)
  const session = await findSession(tx, facilityId, input.sessionId.toLowerCase())
  if (!session) throw new NotFound("coach session", input.sessionId)
  const { id: sessionId, coachId } = session
  requireTheirs(member, coachId)
  if (session.status === "cancelled" || session.status === "missed") {
    throw new WrongState("session_not_held", `The session is ${session.status}; there is nothing to say about it.`)
  }
  const studentId = input.studentId.toLowerCase()
  if (!session.students.some(({ userId }) => userId === studentId)) {
    const fault = { path: "body.studentId", message: "Expected the id of a student of the session" }
    throw new RuleBroken("student_not_in_session", "The person is no student of the session.", [fault])
  }
  const { text = "", skillsWorked = [], rating = null, assessments = [] } = input
  const id = newId()
  await insertFeedback(tx, {
    ...{ id, facilityId, sessionId, coachId, studentId },
    createdBy: caller.userId,
    content: { text, skillsWorked, rating, assessments: await skillsOf(tx, facilityId, assessments) },
  })
  record(tx, {
    type: "feedback.created",
    facilityId,
    data: {
      ...{ feedbackId: id, sessionId, coachId, facilityId },
      hasVoiceNote: files.some(({ isVoiceNote }) => isVoiceNote),
      hasMedia: files.some(({ isVoiceNote }) => !isVoiceNote),
    },
  })
  for (const file of files) {
    recordUploaded(
      tx,
      facilityId,
      await insertMedia(tx, { facilityId, feedbackId: id, uploadedBy: caller.userId }, file),
    )
  }
  return toFeedback(await written(tx, facilityId, id))
}

/** Changes a draft; fields left out stay. Throws NotFound, NotAllowed, WrongState, RuleBroken (sport_unknown). */
export async function changeFeedback(
  tx: Tx,
  member: Member,
  feedbackId: string,
  change: FeedbackChange,
): Promise<Feedback> {
  const { facilityId } = member
  const row = await lockDraft(tx, member, feedbackId)
  await changeContent(tx, row, {
    text: change.text ?? row.text,
    skillsWorked: change.skillsWorked ?? row.skills_worked,
    rating: change.rating === undefined ? row.rating : change.rating,
    assessments:
      change.assessments === undefined ? row.assessments : await skillsOf(tx, facilityId, change.assessments),
  })
  return toFeedback(await written(tx, facilityId, row.id))
}

/**
 * Shows the feedback to the student and the parents, once and for good. Records feedback.published.
 * @throws NotFound, NotAllowed, WrongState (feedback_published), RuleBroken (feedback_empty)
 */
export async function publishFeedback(tx: Tx, member: Member, feedbackId: string): Promise<Feedback> {
  const { caller, facilityId } = member
  const draft = await lockDraft(tx, member, feedbackId)
  if (isEmpty(draft)) throw new RuleBroken("feedback_empty", "There is nothing in it: no text, rating, skill or file.")
  await markPublished(tx, draft, caller.userId)
  const [row, parents] = [await written(tx, facilityId, draft.id), await parentsOf(tx, facilityId, [draft.student_id])]
  record(tx, {
    type: "feedback.published",
    facilityId,
    data: {
      feedbackId: row.id,
      sessionId: row.session_id,
      coachId: row.coach_id,
      coachName: row.coach_name,
      facilityId,
      studentId: row.student_id,
      studentName: row.student_name,
      parentIds: [...(parents.get(row.student_id) ?? [])],
      hasVideo: row.media.some(({ mediaType }) => mediaType === "video"),
      hasPhotos: row.media.some(({ mediaType }) => mediaType === "photo"),
      skillsWorked: workedOn(row),
    },
  })
  return toFeedback(row)
}

/** Throws NotFound for feedback that the caller may not see. */
export async function getFeedback(db: Queryable, member: Member, feedbackId: string): Promise<Feedback> {
  return toFeedback(await readableFeedback(db, member, feedbackId))
}

/**
 * The latest first. Staff see all, coaches their own, others the published feedback on themselves and their children.
 */
export async function listFeedback(db: Queryable, member: Member, query: FeedbackQuery): Promise<Page<Feedback>> {
  const { caller, facilityId } = member
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? []
  const mine = { coachId: caller.userId, studentIds: [caller.userId, ...childrenOf(member, "view_feedback")] }
  const seenBy = member.isStaff ? undefined : mine
  const rows = await findFeedbacks(db, facilityId, { ...query, seenBy, after, limit: limit + 1 })
  return pageOf(
    rows,
    limit,
    (row) => [row.id],
    (row) => toFeedback(row),
  )
}

const isEmpty = (row: FeedbackRow) =>
  row.text.trim() === "" && row.rating === null && row.media.length === 0 && workedOn(row).length === 0

/** The assessments with their skills' names and sports. */
async function skillsOf(
  tx: Tx,
  facilityId: string,
  assessments: readonly Assessment[],
): Promise<readonly AssessedSkill[]> {
  if (assessments.length === 0) return []
  const [facility] = await tx<{ sport_types: string[] }[]>`
    select sport_types from slotbase.facilities where id = ${facilityId}`
  return assessments.map((assessment, i) => ({
    ...skillOf(assessment, facility?.sport_types ?? [], `body.assessments.${i}`),
    level: assessment.level,
  }))
}

async function written(tx: Tx, facilityId: string, feedbackId: string): Promise<FeedbackRow> {
  const row = await findFeedback(tx, facilityId, feedbackId)
  if (!row) throw new Error(`feedback ${feedbackId} was written and is not there`)
  return row
}
