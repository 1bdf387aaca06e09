/** The input that writes feedback, and the input that changes a draft. */
import * as Schema from "effect/Schema"
import { pageQuery } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"
import { linesUpTo } from "#base/schema/text-fields.ts"
import { namedSkill, SkillName, SkillScore } from "#domain/coaching/progress/skills.ts"

/** A page of text is 3,000 characters; a dictated note may be several. */
const maxFeedbackLength = 10_000
const maxSkills = 50

const Words = linesUpTo(maxFeedbackLength)
const Rating = Schema.Int.annotate({ description: "from 1 to 5" }).check(Schema.isBetween({ minimum: 1, maximum: 5 }))
const SkillsWorked = Schema.Array(SkillName).check(Schema.isMaxLength(maxSkills), Schema.isUnique())

export const Assessment = Schema.Struct({ ...namedSkill, level: SkillScore })
export type Assessment = typeof Assessment.Type
const Assessments = Schema.Array(Assessment)
  .annotate({ description: "levels of skills, which become the player's progress when the feedback is published" })
  .check(
    Schema.isMaxLength(maxSkills),
    rule("each skill is assessed once", (list: readonly Assessment[]) =>
      list.flatMap(({ skillId }, i) =>
        list.findIndex((other) => other.skillId === skillId) < i
          ? [{ path: [i, "skillId"], issue: "is assessed twice" }]
          : [],
      ),
    ),
  )

export const FeedbackInput = Schema.Struct({
  sessionId: Id,
  studentId: Id.annotate({ description: "UUID of a student of the session" }),
  text: Schema.optionalKey(Words),
  skillsWorked: Schema.optionalKey(SkillsWorked).annotateKey({
    description: "as the coach names them; what is assessed counts as worked too",
  }),
  rating: Schema.optionalKey(Rating),
  assessments: Schema.optionalKey(Assessments),
})
export type FeedbackInput = typeof FeedbackInput.Type

/** A field left out stays as it is. */
export const FeedbackChange = Schema.Struct({
  text: Schema.optionalKey(Words),
  skillsWorked: Schema.optionalKey(SkillsWorked),
  rating: Schema.optionalKey(Schema.NullOr(Rating)),
  assessments: Schema.optionalKey(Assessments),
})
export type FeedbackChange = typeof FeedbackChange.Type

export const FeedbackQuery = Schema.Struct({
  ...pageQuery,
  sessionId: Schema.optionalKey(Id),
  studentId: Schema.optionalKey(Id),
  coachId: Schema.optionalKey(Id),
  status: Schema.optionalKey(Schema.Literals(["draft", "published"])),
})
export type FeedbackQuery = typeof FeedbackQuery.Type
