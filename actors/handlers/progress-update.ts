/**
 * ProgressUpdateHandler ("Update skill progress"): makes the levels that published feedback assessed the player's progress. The
 * publishing transaction decides what is assessed, and from then on the feedback stands still; this handler writes it
 * down, with progress.updated caused by feedback.published. A skill that the feedback has already recorded (by an earlier
 * run, or by its coach by hand) is left as it is, so a run that is repeated changes nothing.
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
