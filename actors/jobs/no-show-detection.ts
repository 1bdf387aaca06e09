/**
 * The scheduled job no-show-detection: who has not checked in when the grace of their facility is over did not come. What
 * began more than two days ago is left to staff, so an outage is made good for that long.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import { detectNoShows } from "#domain/booking/attendance/no-shows.ts"
import { transact } from "#events/outbox.ts"
import type { JobTools } from "./job-tools.ts"

/** Bookings per transaction: each is some statements, and its member waits for the end. */
const batch = 50

export const noShowDetection = ({ db, config }: JobTools): Actor => {
  async function pass(facilityId?: string): Promise<Pass> {
    const context = { environment: config.environment, correlationId: newId(), userId: jobsUserId }
    const { result: noShows } = await transact(db, context, (tx) => detectNoShows(tx, batch, facilityId))
    return { more: noShows === batch, did: { noShows } }
  }
  return {
    name: "no-show-detection",
    description: "Mark no-shows after grace period",
    cron: "* * * * *",
    deadlineMs: 60_000,
    pass: () => pass(),
    passIn: (facilityId) => pass(facilityId),
  }
}
