/** Progress as the API takes and answers it. */
import * as Schema from "effect/Schema"
import { Id, Instant, Measure, Text } from "#base/schema/fact-fields.ts"
import { pageQuery } from "#base/schema/page.ts"
import { Id as GivenId, Instant as GivenInstant } from "#base/schema/request-fields.ts"
import { improvementPercent, namedSkill, SkillId, SkillScore } from "./skills.ts"

export const ProgressInput = Schema.Struct({
  ...namedSkill,
  newLevel: SkillScore,
  feedbackId: Schema.optionalKey(GivenId).annotateKey({
    description: "the feedback on this player that it belongs to",
  }),
})
export type ProgressInput = typeof ProgressInput.Type

export const ProgressQuery = Schema.Struct({ ...pageQuery, skillId: Schema.optionalKey(SkillId) })
export type ProgressQuery = typeof ProgressQuery.Type

/** The key of the history, to the microsecond of the database. */
export const historyKey = Schema.Tuple([GivenInstant, GivenId])

const skill = { skillId: Text, skillName: Text, sport: Text }

export const Progress = Schema.Struct({
  id: Id,
  facilityId: Id,
  playerId: Id,
  ...skill,
  previousLevel: Measure.annotate({ description: "0: nobody had assessed the skill before" }),
  newLevel: Measure,
  improvementPercent: Measure.annotate({
    description: "of the previous level, with two decimals; 0 for a first assessment",
  }),
  assessedBy: Id,
  feedbackId: Schema.NullOr(Id),
  assessedAt: Instant,
}).annotate({ identifier: "Progress" })
export type Progress = typeof Progress.Type

export const SkillLevel = Schema.Struct({ ...skill, level: Measure, assessedAt: Instant })
export type SkillLevel = typeof SkillLevel.Type

/** A page of the history, with the present levels beside it. */
export const ProgressHistory = Schema.Struct({
  data: Schema.Array(Progress),
  next: Schema.NullOr(Schema.String),
  levels: Schema.Array(SkillLevel),
})
export type ProgressHistory = typeof ProgressHistory.Type

export interface ProgressRow {
  readonly id: string
  readonly facility_id: string
  readonly player_id: string
  readonly skill_id: string
  readonly skill_name: string
  readonly sport: string
  readonly previous_level: number
  readonly new_level: number
  readonly assessed_by: string
  readonly feedback_id: string | null
  readonly assessed_at: Date
  /** To the microsecond, which a Date cannot hold. */
  readonly assessed_at_text: string
}

export const toProgress = (row: ProgressRow): Progress => ({
  id: row.id,
  facilityId: row.facility_id,
  playerId: row.player_id,
  skillId: row.skill_id,
  skillName: row.skill_name,
  sport: row.sport,
  previousLevel: row.previous_level,
  newLevel: row.new_level,
  improvementPercent: improvementPercent(row.previous_level, row.new_level),
  assessedBy: row.assessed_by,
  feedbackId: row.feedback_id,
  assessedAt: row.assessed_at.toISOString(),
})
