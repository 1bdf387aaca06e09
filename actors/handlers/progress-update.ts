/**
 * ProgressUpdateHandler ("Update skill progress"): the levels that published feedback assessed become the player's
 * progress. The publishing transaction decides what is assessed, and from then on the feedback does not change. This
 * handler records the levels, with progress.updated caused by feedback.published. A skill that was recorded from the
 * feedback before, by an earlier run or by the coach, is left as it is. So a repeated run changes nothing.
 */

import { recordAssessmentsOf } from "#domain/coaching/progress/progress.ts"
import type { EventData } from "#events/catalogue.ts"
import type { OneByOneHandler } from "./handler.ts"

export const progressUpdateHandler = (): OneByOneHandler => ({
  kind: "transactional",
  name: "ProgressUpdateHandler",
  events: ["feedback.published"],
  handle: async (tx, event) => {
    const { feedbackId } = event.data as EventData<"feedback.published">
    const recorded = await recordAssessmentsOf(tx, event.facility_id, feedbackId)
    return recorded === 0 ? { skipped: "nothing new is assessed in it" } : undefined
  },
})
