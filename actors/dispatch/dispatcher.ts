/**
 * The dispatcher gives events their positions and makes their runs and deliveries, in turns (turn.ts). Any process may
 * take one; the lock of the SQL function admits one at a time. A pass is a single statement, so a process that is
 * stopped during a pass holds nothing.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { JoinTurn } from "#actors/runtime/turns.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { hintHere } from "#base/hints.ts"
import { checkRecordedBySql } from "./check-recorded-by-sql.ts"
import { takeTurn } from "./turn.ts"

/** Events per transaction: 18,000–36,000 events/s were measured at 500, and a pass stays below 50 ms. */
export const dispatchBatch = 500

/**
 * Milliseconds from the beginning of a pass to the next one that a hint asks for. An event that comes alone is
 * dispatched at once. Under load a pass takes several events, and costs hardly more than for one.
 */
const paceMs = 4

/** @param join how the deliverer of this process takes part. Without it a turn claims nothing. */
export const dispatcher = (db: Db, join: JoinTurn = claimNothing): Actor => ({
  name: "dispatcher",
  description: "Gives each event its position in the log, its runs and its deliveries",
  wokenBy: ["outbox"],
  paceMs,
  pollEveryMs: 1_000,
  cron: "* * * * *",
  deadlineMs: 20_000,
  pass: () => dispatchOnce(db, join),
})

export async function dispatchOnce(db: Db, join: JoinTurn = claimNothing): Promise<Pass> {
  reached("before-dispatch")
  const share = await join()
  const turn = await takeTurn(db, dispatchBatch, share.offer).catch((error: unknown) => {
    share.lost()
    throw error
  })
  if (turn.dispatched > 0) reached("after-dispatch")
  // Deliveries first: their requests leave before anybody else is woken.
  share.taken(turn)
  if (turn.dispatched > 0) {
    if (turn.unclaimed) hintHere("deliveries")
    hintHere("log")
    reached("log-hinted")
  }
  if (turn.waitsForCheck) await checkRecordedBySql(db)
  return { more: turn.dispatched === dispatchBatch || turn.waitsForCheck }
}

const claimNothing: JoinTurn = async () => ({
  offer: { owner: 0, webhooks: [], most: 0 },
  taken: () => {},
  lost: () => {},
})
