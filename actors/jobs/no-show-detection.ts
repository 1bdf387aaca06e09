/**
 * The scheduled job no-show-detection: a booking without a check-in, after the grace of its facility, is a no-show.
 * After an outage of up to two days the job catches up. A booking that began earlier is left to staff.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { detectNoShows } from "#domain/booking/attendance/no-shows.ts"
import { transact } from "#events/outbox.ts"
import { type JobTools, jobContext } from "./job-context.ts"

/** Bookings per transaction: each is several statements, and keeps a lock until the end. */
const batch = 50

export const noShowDetection = (tools: JobTools): Actor => ({
  name: "no-show-detection",
  description: "Mark no-shows after grace period",
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: () => pass(tools),
  passIn: (facilityId) => pass(tools, facilityId),
})

async function pass(tools: JobTools, facilityId?: string): Promise<Pass> {
  const { result: noShows } = await transact(tools.db, jobContext(tools), (tx) => detectNoShows(tx, batch, facilityId))
  return { more: noShows === batch, did: { noShows } }
}
