/**
 * The scheduled job housekeeping: partitions made well ahead, and rows that have served their time removed: sessions and
 * answers to Idempotency-Keys past their end, processes that died long ago, runs of jobs of the week before.
 */

import { forgetOldSessions } from "../../src/access/sessions.ts"
import type { App } from "../../src/base/app.ts"
import { reached } from "../../src/base/crash-points.ts"
import { forgetOldAnswers } from "../../src/http/idempotency-rows.ts"
import { forgetOldRuns } from "../../src/operations/jobs/rows.ts"
import { forgetOldMails } from "../../src/outbound/messages/email/mailbox.ts"
import type { Actor } from "../runtime/actor.ts"
import { forgetDeadProcesses } from "../runtime/life-sign.ts"

/** Rows per statement and table, so that no pass holds locks for long. */
const batch = 10_000

export const housekeeping = ({ db }: App): Actor => ({
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
