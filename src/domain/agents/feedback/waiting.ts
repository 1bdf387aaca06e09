/** Whether suggestions wait for a coach. */
import type { Queryable } from "#base/database/db.ts"

/** Why nobody needs to be told of a suggestion: nothing waits for the coach of its feedback any more. */
export async function noSuggestionWaits(
  db: Queryable,
  facilityId: string,
  feedbackId: string,
): Promise<string | undefined> {
  const waiting = await db`
    select 1
    from slotbase.feedback told
    join slotbase.feedback f on f.coach_id = told.coach_id and f.facility_id = told.facility_id and f.published_at is null
    join slotbase.feedback_suggestions s on s.feedback_id = f.id and s.facility_id = f.facility_id and s.status = 'open'
    where told.id = ${feedbackId} and told.facility_id = ${facilityId} and f.facility_id = ${facilityId}
      and s.facility_id = ${facilityId}
    limit 1`
  return waiting.length > 0 ? undefined : "no suggestion waits for the coach any more"
}
