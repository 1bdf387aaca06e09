/**
 * The dispatcher gives events their positions and makes their runs and deliveries, set-based, by the SQL function
 * slotbase.dispatch(). Any process may run it; the function's lock admits one at a time. A pass is a single statement,
 * so a process that is stopped during a pass holds nothing.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { sendHint } from "#base/hints.ts"
import { checkRecordedBySql } from "./check-recorded-by-sql.ts"

/** Events per transaction: 18,000–36,000 events/s were measured at 500, and a pass stays below 50 ms. */
export const dispatchBatch = 500

export const dispatcher = (db: Db): Actor => ({
  name: "dispatcher",
  description: "Gives each event its position in the log, its runs and its deliveries",
  wokenBy: ["outbox"],
  pollEveryMs: 1_000,
  cron: "* * * * *",
  deadlineMs: 20_000,
  pass: () => dispatchOnce(db),
})

export async function dispatchOnce(db: Db): Promise<Pass> {
  reached("before-dispatch")
  const [done] = await db<{ dispatched: number; waits_for_check: boolean }[]>`
    select dispatched, waits_for_check from slotbase.dispatch(${dispatchBatch})`
  const dispatched = done?.dispatched ?? 0
  if (dispatched > 0) reached("after-dispatch")
  if (dispatched > 0) sendHint("log")
  if (dispatched > 0) reached("log-hinted")
  if (done?.waits_for_check) await checkRecordedBySql(db)
  return { more: dispatched === dispatchBatch || done?.waits_for_check === true }
}
