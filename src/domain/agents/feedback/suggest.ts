/**
 * Makes the suggestion of an event for feedback outside of any transaction. Keeps it in one, with feedback.enhanced.
 * Nothing is written into the feedback. A repeated event makes no second suggestion.
 */
import type { Db } from "#base/database/db.ts"
import { transcriptOf } from "#domain/agents/calls/rows.ts"
import type { AgentService } from "#domain/agents/services/service.ts"
import { lockFeedback } from "#domain/coaching/feedback/rows.ts"
import { type EventContext, record, transact } from "#events/outbox.ts"
import { type AboutFeedback, aboutFeedback } from "./about.ts"
import { improveWords } from "./improve.ts"
import { approvedTranscriptOf, hasSuggested, insertSuggestion, isSuggested } from "./suggestion-rows.ts"

export interface SuggestAsked {
  readonly db: Db
  readonly service: AgentService | undefined
  readonly facilityId: string
  readonly feedbackId: string
  readonly event: { readonly id: string; readonly context: EventContext }
  readonly agent: string
  readonly signal: AbortSignal
}

/** Nobody shall think that a model has seen a picture. */
const unseen = ({ unseenFiles }: AboutFeedback) =>
  unseenFiles === 0 ? [] : [`Photos and videos were not looked at: ${unseenFiles}.`]

/** Answers why nothing was suggested; undefined: something was. Throws ServiceBusy, ServiceRefused. */
export async function suggestFor(asked: SuggestAsked): Promise<string | undefined> {
  const { db, facilityId, feedbackId, event } = asked
  const startedAt = performance.now()
  if (await hasSuggested(db, facilityId, event.id)) return "this event has its suggestion"
  const about = await aboutFeedback(db, facilityId, feedbackId)
  if (about === undefined) return "the feedback is gone"
  if (about.isPublished) return "the feedback is published"
  // Events come in any order: all that was heard so far counts.
  const heard = await transcriptOf(db, facilityId, feedbackId)
  // A note is heard before the next one, so what is new stands behind what was approved.
  const inText = await approvedTranscriptOf(db, facilityId, feedbackId)
  const transcript = (heard?.startsWith(inText) ? heard.slice(inText.length).trim() : heard) || undefined
  const words = [about.text, transcript ?? ""].filter((part) => part.trim() !== "").join("\n\n")
  if (words === "") return "there are no words yet"
  const improved = await improveWords({ ...asked, eventId: event.id, about, words })
  const named = new Set(about.skillsWorked.map((skill) => skill.toLowerCase()))
  const found = improved.skills.filter((skill) => !named.has(skill.toLowerCase()))
  const isChanged = improved.text !== about.text
  if (!isChanged && found.length === 0) return "there is nothing to improve"

  return (
    await transact(db, event.context, async (tx) => {
      const row = await lockFeedback(tx, facilityId, feedbackId)
      if (!row) return "the feedback is gone"
      if (row.published_at !== null) return "the feedback is published"
      const suggestion = {
        ...{ facility_id: facilityId, feedback_id: feedbackId, event_id: event.id },
        ...{
          made_by: improved.madeBy,
          is_rule_based: improved.isRuleBased,
          notes: [...improved.notes, ...unseen(about)],
        },
        transcript: transcript ?? null,
        original_text: about.text,
        original_skills: about.skillsWorked,
        suggested_text: improved.text,
        suggested_skills: [...about.skillsWorked, ...found],
      }
      if (await isSuggested(tx, suggestion)) return "the same is suggested already"
      if (!(await insertSuggestion(tx, suggestion))) return "this event has its suggestion"
      const isAll = transcript !== undefined || (isChanged && found.length > 0)
      record(tx, {
        type: "feedback.enhanced",
        facilityId,
        data: {
          feedbackId,
          sessionId: about.sessionId,
          enhancementType: isAll ? "all" : isChanged ? "text_enhancement" : "skill_extraction",
          skillsExtracted: found,
          processingTime: Math.round(performance.now() - startedAt),
        },
      })
      return undefined
    })
  ).result
}
