/**
 * The scheduled job housekeeping: partitions made well ahead, and rows that have served their time removed: sessions and
 * answers to Idempotency-Keys past their end, processes that died long ago, runs of jobs of the week before.
 */

import { forgetOldSessions } from "#access/sessions.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import { forgetDeadProcesses } from "#actors/runtime/life-sign.ts"
import { reached } from "#base/crash-points.ts"
import { forgetOldAnswers } from "#http/idempotency-rows.ts"
import { forgetOldRuns } from "#operations/jobs/rows.ts"
import { forgetOldMails } from "#outbound/messages/email/mailbox.ts"
import type { JobTools } from "./job-tools.ts"

/** Rows per statement and table, so that no pass holds locks for long. */
const batch = 10_000

export const housekeeping = ({ db }: Pick<JobTools, "db">): Actor => ({
  name: "housekeeping",
  description: "Make partitions ahead, remove what has expired",
  cron: "*/10 * * * *",
  deadlineMs: 60_000,
  pass: async () => {
    await db`select slotbase.ensure_partitions()`
    reached("partitions-made")
    const removed = await Promise.all([
      forgetOldSessions(db, batch),
      forgetOldAnswers(db, batch),
      forgetDeadProcesses(db),
      forgetOldMails(db),
      forgetOldRuns(db, batch),
    ])
    return { more: removed.includes(batch) }
  },
})
