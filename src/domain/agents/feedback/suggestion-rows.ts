/**
 * The rows of what is suggested for feedback. Both texts are kept: the one that it was made from, and what a person put
 * in its place.
 * Writes: feedback_suggestions.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"

export interface SuggestionRow {
  readonly id: string
  readonly feedback_id: string
  readonly made_by: string
  readonly is_rule_based: boolean
  readonly notes: readonly string[]
  readonly transcript: string | null
  readonly original_text: string
  readonly original_skills: readonly string[]
  readonly suggested_text: string
  readonly suggested_skills: readonly string[]
  readonly status: "open" | "approved" | "rejected" | "superseded"
  readonly made_at: Date
  readonly decided_at: Date | null
  readonly decided_by: string | null
  readonly approved_text: string | null
  readonly approved_skills: readonly string[] | null
}

export type NewSuggestion = Pick<
  SuggestionRow,
  | "feedback_id"
  | "made_by"
  | "is_rule_based"
  | "notes"
  | "transcript"
  | "original_text"
  | "original_skills"
  | "suggested_text"
  | "suggested_skills"
> & { readonly facility_id: string; readonly event_id: string }

/**
 * Adds the suggestion of an event. The open one before it is superseded. False: the event has made one already. The
 * feedback must be locked.
 */
export async function insertSuggestion(tx: Tx, row: NewSuggestion): Promise<boolean> {
  const made = await tx`
    insert into slotbase.feedback_suggestions
      (id, facility_id, feedback_id, event_id, made_by, is_rule_based, notes, transcript, original_text, original_skills,
       suggested_text, suggested_skills)
    values (${newId()}, ${row.facility_id}, ${row.feedback_id}, ${row.event_id}, ${row.made_by}, ${row.is_rule_based},
            ${tx.array([...row.notes])}::text[], ${row.transcript}, ${row.original_text},
            ${tx.array([...row.original_skills])}::text[], ${row.suggested_text}, ${tx.array([...row.suggested_skills])}::text[])
    on conflict do nothing returning id`
  if (made.length === 0) return false
  await tx`
    update slotbase.feedback_suggestions set status = 'superseded'
    where feedback_id = ${row.feedback_id} and facility_id = ${row.facility_id} and status = 'open'
      and id <> ${made[0]?.id}`
  return true
}

export async function hasSuggested(db: Queryable, facilityId: string, eventId: string): Promise<boolean> {
  const found = await db`
    select 1 from slotbase.feedback_suggestions where event_id = ${eventId} and facility_id = ${facilityId}`
  return found.length > 0
}

/** What was heard and is in the text already, because a person approved it; empty: nothing. */
export async function approvedTranscriptOf(db: Queryable, facilityId: string, feedbackId: string): Promise<string> {
  const [row] = await db<{ transcript: string }[]>`
    select transcript from slotbase.feedback_suggestions
    where feedback_id = ${feedbackId} and facility_id = ${facilityId} and status = 'approved' and transcript is not null
    order by length(transcript) desc limit 1`
  return row?.transcript ?? ""
}

/** Whether the open suggestion says the same. Two events of one draft may lead to it. */
export async function isSuggested(
  db: Queryable,
  row: Pick<NewSuggestion, "facility_id" | "feedback_id" | "original_text" | "suggested_text" | "suggested_skills">,
): Promise<boolean> {
  const found = await db`
    select 1 from slotbase.feedback_suggestions
    where feedback_id = ${row.feedback_id} and facility_id = ${row.facility_id} and status = 'open'
      and original_text = ${row.original_text} and suggested_text = ${row.suggested_text}
      and suggested_skills = ${db.array([...row.suggested_skills])}::text[]`
  return found.length > 0
}

/** The latest first. A draft has a handful. */
export const findSuggestions = (db: Queryable, facilityId: string, feedbackId: string) => db<SuggestionRow[]>`
  select ${columns(db)} from slotbase.feedback_suggestions
  where feedback_id = ${feedbackId} and facility_id = ${facilityId}
  order by id desc limit 100`

export async function findSuggestion(
  db: Queryable,
  facilityId: string,
  id: string,
): Promise<SuggestionRow | undefined> {
  const [row] = await db<SuggestionRow[]>`
    select ${columns(db)} from slotbase.feedback_suggestions where id = ${id} and facility_id = ${facilityId}`
  return row
}

/** The feedback must be locked. @param approved what a person put into it; null: rejected */
export async function decideSuggestion(
  tx: Tx,
  facilityId: string,
  id: string,
  by: string,
  approved: { readonly text: string; readonly skills: readonly string[] } | null,
): Promise<SuggestionRow> {
  const [row] = await tx<SuggestionRow[]>`
    update slotbase.feedback_suggestions
    set status = ${approved ? "approved" : "rejected"}, decided_at = slotbase.now(), decided_by = ${by},
        approved_text = ${approved?.text ?? null},
        approved_skills = ${approved ? tx`${tx.array([...approved.skills])}::text[]` : null}
    where id = ${id} and facility_id = ${facilityId}
    returning ${columns(tx)}`
  if (!row) throw new Error("decideSuggestion: the update answered no row")
  return row
}

const columns = (sql: Queryable) => sql`
  id, feedback_id, made_by, is_rule_based, notes, transcript, original_text, original_skills, suggested_text,
  suggested_skills, status, made_at, decided_at, decided_by, approved_text, approved_skills`
