/**
 * What a person does with a suggestion: approves it, with changes or without, or rejects it. Approval puts the words
 * into the draft. Publishing stays an act of its own (coaching/feedback).
 */
import * as Schema from "effect/Schema"
import type { Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import { Id, Instant, Text } from "#base/schema/fact-fields.ts"
import { FeedbackInput } from "#domain/coaching/feedback/input.ts"
import { lockDraft, writableFeedback } from "#domain/coaching/feedback/rights.ts"
import { changeContent, type FeedbackRow } from "#domain/coaching/feedback/rows.ts"
import { noteChange } from "#events/audit.ts"
import { decideSuggestion, findSuggestion, findSuggestions, type SuggestionRow } from "./suggestion-rows.ts"

export const SuggestionApproval = Schema.Struct({
  text: FeedbackInput.fields.text.annotateKey({ description: "in place of the suggested text" }),
  skillsWorked: FeedbackInput.fields.skillsWorked.annotateKey({ description: "in place of the suggested skills" }),
})
export type SuggestionApproval = typeof SuggestionApproval.Type

const words = { text: Schema.String, skillsWorked: Schema.Array(Text) }
export const Suggestion = Schema.Struct({
  id: Id,
  feedbackId: Id,
  status: Schema.Literals(["open", "approved", "rejected", "superseded"]),
  madeBy: Text.annotate({ description: "rules, or the model that wrote it" }),
  ruleBased: Schema.Boolean,
  notes: Schema.Array(Text).annotate({ description: "why it is as it is" }),
  transcript: Schema.NullOr(Schema.String),
  original: Schema.Struct(words).annotate({ description: "what it was made from" }),
  suggested: Schema.Struct(words),
  approved: Schema.NullOr(Schema.Struct(words)).annotate({ description: "what a person put into the feedback" }),
  madeAt: Instant,
  decidedAt: Schema.NullOr(Instant),
  decidedBy: Schema.NullOr(Id),
}).annotate({ identifier: "FeedbackSuggestion" })
export type Suggestion = typeof Suggestion.Type

/** The latest first, for those who write the feedback. Throws NotFound, NotAllowed. */
export async function listSuggestions(db: Queryable, member: Member, feedbackId: string) {
  const { id } = await writableFeedback(db, member, feedbackId)
  return { data: (await findSuggestions(db, member.facilityId, id)).map(toSuggestion), next: null }
}

/**
 * Puts the suggested words, or those of the approval, into the draft.
 * @throws NotFound, NotAllowed, WrongState (feedback_published, suggestion_decided, feedback_changed)
 */
export async function approveSuggestion(
  tx: Tx,
  member: Member,
  suggestionId: string,
  own: SuggestionApproval,
): Promise<Suggestion> {
  const { draft, suggestion } = await lockOpen(tx, member, suggestionId)
  const isOld = draft.text !== suggestion.original_text && own.text === undefined
  if (isOld)
    throw new WrongState("feedback_changed", "The text was changed since then. Send the text that you want to have.")
  const text = own.text ?? suggestion.suggested_text
  const skills = own.skillsWorked ?? suggestion.suggested_skills
  await changeContent(tx, draft, { text, skillsWorked: skills, rating: draft.rating, assessments: draft.assessments })
  const row = await decideSuggestion(tx, member.facilityId, suggestion.id, member.caller.userId, { text, skills })
  noteChange(tx, { before: wordsOf(draft), after: { text, skillsWorked: skills } })
  return toSuggestion(row)
}

/** Leaves the draft as it is. Throws NotFound, NotAllowed, WrongState (feedback_published, suggestion_decided). */
export async function rejectSuggestion(tx: Tx, member: Member, suggestionId: string): Promise<Suggestion> {
  const { suggestion } = await lockOpen(tx, member, suggestionId)
  return toSuggestion(await decideSuggestion(tx, member.facilityId, suggestion.id, member.caller.userId, null))
}

/** The draft is locked first, as everywhere. */
async function lockOpen(tx: Tx, member: Member, id: string) {
  const found = await findSuggestion(tx, member.facilityId, id)
  const draft = found && (await lockDraft(tx, member, found.feedback_id))
  const suggestion = draft && (await findSuggestion(tx, member.facilityId, id))
  if (!draft || !suggestion) throw new NotFound("suggestion", id)
  if (suggestion.status !== "open")
    throw new WrongState("suggestion_decided", `The suggestion is ${suggestion.status} already.`)
  return { draft, suggestion }
}

const wordsOf = ({ text, skills_worked }: FeedbackRow) => ({ text, skillsWorked: skills_worked })

const toSuggestion = (row: SuggestionRow): Suggestion => ({
  id: row.id,
  feedbackId: row.feedback_id,
  status: row.status,
  madeBy: row.made_by,
  ruleBased: row.is_rule_based,
  notes: row.notes,
  transcript: row.transcript,
  original: { text: row.original_text, skillsWorked: row.original_skills },
  suggested: { text: row.suggested_text, skillsWorked: row.suggested_skills },
  approved: row.approved_text === null ? null : { text: row.approved_text, skillsWorked: row.approved_skills ?? [] },
  madeAt: row.made_at.toISOString(),
  decidedAt: row.decided_at?.toISOString() ?? null,
  decidedBy: row.decided_by,
})
