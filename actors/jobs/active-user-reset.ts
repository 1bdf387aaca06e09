/**
 * The local job active-user-reset. At the first instant of a local month, the month before is closed with its count of
 * active users. The new one begins at zero, with all warnings open again. Idempotent: a month is closed once, in the
 * transaction that records it. Counts have a row for each month, so nothing is lost while the job waits. A missed tick
 * is made up for by the next one.
 */
import { requireFacility } from "#domain/club/facilities.ts"
import { closeActiveMonths, monthOfDay } from "#domain/plans/active-users.ts"
import { transact } from "#events/outbox.ts"
import type { FacilityJob } from "./facility-job.ts"
import { type JobTools, jobContext } from "./job-context.ts"

export const activeUserReset = (tools: JobTools): FacilityJob => ({
  name: "active-user-reset",
  description: "Reset monthly active user counts",
  cron: "0 0 1 * *",
  missed: "once",
  deadlineMs: 60_000,
  run: async ({ facilityId, timezone, localDate }) => {
    await requireFacility(tools.db, facilityId)
    const month = monthOfDay(localDate)
    const { result: closed } = await transact(tools.db, jobContext(tools), (tx) =>
      closeActiveMonths(tx, facilityId, month, timezone),
    )
    return { closed }
  },
})
