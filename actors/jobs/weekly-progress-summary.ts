/**
 * The job weekly-progress-summary: on a facility's Monday morning, the last week of each player with news. A player has
 * one summary for a week, by the key of its row, and its event commits with the row. So a tick that is run again goes
 * on with the players who have none yet.
 */

import { makeSummaries, summariesAtOnce, weekToTell } from "#domain/coaching/summaries/summarize.ts"
import { transact } from "#events/outbox.ts"
import type { FacilityJob } from "./facility-job.ts"
import { type JobTools, jobContext } from "./job-context.ts"

export const weeklyProgressSummary = (tools: JobTools): FacilityJob => ({
  name: "weekly-progress-summary",
  description: "Generate player progress summaries",
  cron: "0 9 * * 1",
  // Each tick tells of the last whole week. A week before that is old news.
  missed: "once",
  deadlineMs: 300_000,
  run: async ({ facilityId, localDate }, signal) => {
    const week = await weekToTell(tools.db, facilityId, localDate)
    let summaries = 0
    for (let from = 0; from < week.playerIds.length; from += summariesAtOnce) {
      signal.throwIfAborted()
      const some = week.playerIds.slice(from, from + summariesAtOnce)
      summaries += (await transact(tools.db, jobContext(tools), (tx) => makeSummaries(tx, week, some))).result
    }
    return { summaries }
  },
})
