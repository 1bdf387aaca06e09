/**
 * The scheduled job housekeeping: makes partitions well ahead, and removes rows that are no longer needed. These are
 * sessions and answers to Idempotency-Keys past their end, processes that expired long ago, and job runs of the week
 * before. Of the local mailbox and phone the latest thousand stay. Nothing is removed while the clock is doubted. It
 * also notes which dead passes have recovered, and forgets the old secrets of rotations that are over.
 */

import { forgetOldAddresses, forgetOldSessions } from "#access/sessions.ts"
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { forgetDeadProcesses } from "#actors/runtime/life-sign.ts"
import { clockDoubt } from "#base/clock-watch.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { log } from "#base/log.ts"
import { forgetOldAnswers } from "#http/idempotency-rows.ts"
import { forgetOldRuns } from "#operations/jobs/rows.ts"
import { forgetOldMails } from "#outbound/messages/channels/email/mailbox.ts"
import { forgetOldTexts } from "#outbound/messages/channels/sms/phone-inbox.ts"
import type { JobTools } from "./job-context.ts"

/** Rows per statement and table, so that no pass holds locks for long. */
const batch = 10_000

export const housekeeping = ({ db }: Pick<JobTools, "db">): Actor => ({
  name: "housekeeping",
  description: "Make partitions ahead, remove what has expired",
  cron: "*/10 * * * *",
  deadlineMs: 60_000,
  pass: () => pass(db),
})

async function pass(db: Db): Promise<Pass> {
  await db`select slotbase.ensure_partitions()`
  reached("partitions-made")
  await db`select slotbase.recover_dead_passes()`
  await db`select slotbase.end_secret_rotations()`
  const doubt = await clockDoubt(db, "deletions")
  if (doubt !== undefined) {
    log.error("housekeeping held", { doubt })
    return { more: false, did: { held: 1 } }
  }
  const removed = await Promise.all([
    forgetOldSessions(db, batch),
    forgetOldAddresses(db, batch),
    forgetOldAnswers(db, batch),
    forgetDeadProcesses(db),
    forgetOldMails(db),
    forgetOldTexts(db),
    forgetOldRuns(db, batch),
  ])
  return { more: removed.includes(batch) }
}
