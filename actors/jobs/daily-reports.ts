/**
 * The job daily-reports: on each facility's own morning, the report of its yesterday. A day has one report, by the key
 * of its row, and the event commits with the row. So a tick that is run again makes nothing and tells nobody twice.
 */

import { makeReport } from "#domain/figures/reports/make.ts"
import { transact } from "#events/outbox.ts"
import type { FacilityJob } from "./facility-job.ts"
import { type JobTools, jobContext } from "./job-context.ts"

export const dailyReports = (tools: JobTools): FacilityJob => ({
  name: "daily-reports",
  description: "Generate daily reports for facilities",
  cron: "0 6 * * *",
  // After an outage of a weekend people want its days. Of a longer one they would get a heap of mails, and the figures
  // of each day can be read all the same.
  missed: { catchUp: 3 },
  deadlineMs: 60_000,
  run: async ({ facilityId, localDate }, signal) => {
    signal.throwIfAborted()
    const { result } = await transact(tools.db, jobContext(tools), (tx) => makeReport(tx, facilityId, localDate))
    return { reports: result ? 1 : 0 }
  },
})
