/** Feedback as the API answers it, and the one conversion from a row. */
import * as Schema from "effect/Schema"
import { Id, Instant, Measure, Text } from "#base/schema/fact-fields.ts"
import { type MediaAnswer, MediaItem } from "#domain/media/answer.ts"
import type { FeedbackRow } from "./rows.ts"

export const Feedback = Schema.Struct({
  id: Id,
  facilityId: Id,
  sessionId: Id,
  coachId: Id,
  coachName: Text,
  studentId: Id,
  studentName: Text,
  status: Schema.Literals(["draft", "published"]),
  text: Schema.String,
  skillsWorked: Schema.Array(Text),
  rating: Schema.NullOr(Schema.Int),
  assessments: Schema.Array(Schema.Struct({ skillId: Text, skillName: Text, sport: Text, level: Measure })),
  media: Schema.Array(MediaItem).annotate({ description: "GET …/media/{id} answers where each can be read" }),
  publishedAt: Schema.NullOr(Instant),
  publishedBy: Schema.NullOr(Id),
  createdAt: Instant,
  updatedAt: Instant,
}).annotate({ identifier: "Feedback" })
export type Feedback = typeof Feedback.Type

export const toFeedback = (row: FeedbackRow, media: readonly MediaAnswer[] = row.media): Feedback => ({
  id: row.id,
  facilityId: row.facility_id,
  sessionId: row.session_id,
  coachId: row.coach_id,
  coachName: row.coach_name,
  studentId: row.student_id,
  studentName: row.student_name,
  status: row.published_at === null ? "draft" : "published",
  text: row.text,
  skillsWorked: workedOn(row),
  rating: row.rating,
  assessments: row.assessments,
  media,
  publishedAt: row.published_at?.toISOString() ?? null,
  publishedBy: row.published_by,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})

/**
 * The skills that the coach named, then the other assessed skills. A skill named by its id or its name appears once.
 */
export function workedOn({ skills_worked, assessments }: Pick<FeedbackRow, "skills_worked" | "assessments">): string[] {
  const named = new Set(skills_worked.map((skill) => skill.toLowerCase()))
  const more = assessments.filter(
    ({ skillId, skillName }) => !named.has(skillId) && !named.has(skillName.toLowerCase()),
  )
  return [...skills_worked, ...more.map(({ skillName }) => skillName)]
}
