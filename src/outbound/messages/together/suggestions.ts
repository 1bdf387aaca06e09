/** One message for the suggestions that come to a coach within an hour, so that ten drafts make no ten mails. */
import type { Queryable } from "#base/database/db.ts"
import type { EventData } from "#events/catalogue.ts"
import type { RecordedEventFacts } from "./told.ts"

/**
 * Why a suggestion has no message of its own, for each event. Undefined: it has. Two processes that record at the same
 * moment may both tell.
 */
export async function toldOfSuggestions(
  db: Queryable,
  events: readonly RecordedEventFacts[],
): Promise<readonly (string | undefined)[]> {
  const feedback = events.map(({ data }) => (data as EventData<"feedback.enhanced">).feedbackId)
  const rows = await db<{ id: string; facility_id: string; coach_id: string; is_told: boolean }[]>`
    select f.id, f.facility_id, f.coach_id,
           exists (select from slotbase.notifications n
                   where n.user_id = f.coach_id and n.facility_id = f.facility_id and n.template_id = 'suggestion-waiting'
                     and n.status in ('pending', 'sending', 'deferred', 'sent')
                     and n.created_at > slotbase.now() - interval '1 hour') as is_told
    from unnest(${feedback}::uuid[], ${events.map((each) => each.facility_id)}::uuid[]) as a (feedback_id, facility_id)
    join slotbase.feedback f on f.id = a.feedback_id and f.facility_id = a.facility_id`
  const coaches = new Map(rows.map((row) => [`${row.id} ${row.facility_id}`, row]))
  const told = new Set<string>()
  return events.map(({ facility_id }, nth) => {
    const row = coaches.get(`${feedback[nth]} ${facility_id}`)
    if (row === undefined) return undefined
    const coach = `${row.coach_id} ${facility_id}`
    if (row.is_told || told.has(coach)) return "told with another suggestion of the same hour"
    told.add(coach)
    return undefined
  })
}
