/**
 * The rows of feedback, with the levels assessed in it.
 * Writes: feedback, feedback_assessments.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { Skill } from "#domain/coaching/progress/skills.ts"
import type { MediaAnswer } from "#domain/media/answer.ts"
import { mediaOf } from "#domain/media/rows.ts"

export type AssessedSkill = Skill & { readonly level: number }

export interface FeedbackRow {
  readonly id: string
  readonly facility_id: string
  readonly session_id: string
  readonly coach_id: string
  readonly coach_name: string
  readonly student_id: string
  readonly student_name: string
  readonly text: string
  readonly skills_worked: readonly string[]
  readonly rating: number | null
  /** In the order of their skills' ids. */
  readonly assessments: readonly AssessedSkill[]
  /** The oldest first. */
  readonly media: readonly MediaAnswer[]
  readonly published_at: Date | null
  readonly published_by: string | null
  readonly created_at: Date
  readonly updated_at: Date
}

export interface NewFeedback {
  readonly id: string
  readonly facilityId: string
  readonly sessionId: string
  readonly coachId: string
  readonly studentId: string
  readonly createdBy: string
  readonly content: Content
}

/** The fields that a draft may change. */
export interface Content {
  readonly text: string
  readonly skillsWorked: readonly string[]
  readonly rating: number | null
  readonly assessments: readonly AssessedSkill[]
}

export async function insertFeedback(tx: Tx, { id, facilityId, content, ...feedback }: NewFeedback): Promise<void> {
  await tx`
    insert into slotbase.feedback
      (id, facility_id, session_id, coach_id, student_id, text, skills_worked, rating, created_by)
    values (${id}, ${facilityId}, ${feedback.sessionId}, ${feedback.coachId}, ${feedback.studentId}, ${content.text},
            ${tx.array([...content.skillsWorked])}::text[], ${content.rating}, ${feedback.createdBy})`
  await insertAssessments(tx, id, facilityId, content.assessments)
}

/** The draft must be locked. */
export async function changeContent(tx: Tx, { id, facility_id }: FeedbackRow, content: Content): Promise<void> {
  await tx`
    update slotbase.feedback
    set text = ${content.text}, skills_worked = ${tx.array([...content.skillsWorked])}::text[], rating = ${content.rating},
        updated_at = slotbase.now()
    where id = ${id} and facility_id = ${facility_id}`
  await tx`delete from slotbase.feedback_assessments where feedback_id = ${id} and facility_id = ${facility_id}`
  await insertAssessments(tx, id, facility_id, content.assessments)
}

/** The draft must be locked. */
export async function markPublished(tx: Tx, { id, facility_id }: FeedbackRow, by: string): Promise<void> {
  await tx`
    update slotbase.feedback f set published_at = t.now, published_by = ${by}, updated_at = t.now
    from (select slotbase.now() as now) t
    where f.id = ${id} and f.facility_id = ${facility_id}`
}

export async function findFeedback(
  db: Queryable,
  facilityId: string,
  feedbackId: string,
): Promise<FeedbackRow | undefined> {
  const [row] = await db<FeedbackRow[]>`
    select ${columns(db)} ${tables(db)} where f.id = ${feedbackId} and f.facility_id = ${facilityId}`
  return row
}

/** Feedback, locked: its state and its files stay the same. */
export async function lockFeedback(tx: Tx, facilityId: string, feedbackId: string): Promise<FeedbackRow | undefined> {
  // Locked first, in a separate statement: the dependent rows must be read after the wait for the lock.
  await tx`
    select from slotbase.feedback where id = ${feedbackId} and facility_id = ${facilityId} for no key update`
  return findFeedback(tx, facilityId, feedbackId)
}

export interface FeedbackFilter {
  /**
   * The feedback that the reader may see: the reader's own as the coach, and published feedback on these students.
   * Undefined: all.
   */
  readonly seenBy: { readonly coachId: string; readonly studentIds: readonly string[] } | undefined
  readonly sessionId?: string
  readonly studentId?: string
  readonly coachId?: string
  readonly status?: "draft" | "published"
  /** Id of the last feedback of the page before. */
  readonly after: string | undefined
  readonly limit: number
}

/** Feedback of a facility, the latest first. */
export async function findFeedbacks(
  db: Queryable,
  facilityId: string,
  { seenBy, sessionId, studentId, coachId, status, after, limit }: FeedbackFilter,
): Promise<readonly FeedbackRow[]> {
  const none = db``
  return db<FeedbackRow[]>`
    select ${columns(db)} ${tables(db)}
    where f.facility_id = ${facilityId}
      ${
        seenBy === undefined
          ? none
          : db`and (f.coach_id = ${seenBy.coachId}
                    or f.published_at is not null and f.student_id = any (${[...seenBy.studentIds]}::uuid[]))`
      }
      ${sessionId === undefined ? none : db`and f.session_id = ${sessionId}`}
      ${studentId === undefined ? none : db`and f.student_id = ${studentId}`}
      ${coachId === undefined ? none : db`and f.coach_id = ${coachId}`}
      ${status === undefined ? none : status === "draft" ? db`and f.published_at is null` : db`and f.published_at is not null`}
      ${after === undefined ? none : db`and f.id < ${after}`}
    order by f.id desc
    limit ${limit}`
}

async function insertAssessments(
  tx: Tx,
  feedbackId: string,
  facilityId: string,
  assessments: readonly AssessedSkill[],
): Promise<void> {
  if (assessments.length === 0) return
  await tx`
    insert into slotbase.feedback_assessments (feedback_id, facility_id, skill_id, skill_name, sport, level)
    select ${feedbackId}::uuid, ${facilityId}::uuid, a.*
    from jsonb_to_recordset(${tx.json(assessments as never)}) as a ("skillId" text, "skillName" text, sport text, level numeric(5, 2))`
}

const columns = (sql: Queryable) => sql`
  f.id, f.facility_id, f.session_id, f.coach_id, c.first_name || ' ' || c.last_name as coach_name, f.student_id,
  s.first_name || ' ' || s.last_name as student_name, f.text, f.skills_worked, f.rating, f.published_at, f.published_by,
  f.created_at, f.updated_at, ${mediaOf(sql, sql`f.id`, sql`f.facility_id`)} as media,
  (select coalesce(jsonb_agg(jsonb_build_object('skillId', a.skill_id, 'skillName', a.skill_name, 'sport', a.sport,
                                                'level', a.level) order by a.skill_id), '[]')
   from slotbase.feedback_assessments a where a.feedback_id = f.id and a.facility_id = f.facility_id) as assessments`

const tables = (sql: Queryable) => sql`
  from slotbase.feedback f
  join slotbase.users c on c.id = f.coach_id
  join slotbase.users s on s.id = f.student_id`
