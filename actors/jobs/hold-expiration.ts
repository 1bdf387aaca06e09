/**
 * The scheduled job hold-expiration: releases dead holds and announces it. Correctness does not wait for it (whoever wants
 * the slot expires a dead hold in the same transaction); it is there so that waiting people hear of the free slot.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { transact } from "#events/outbox.ts"
import type { JobTools } from "./job-tools.ts"

/** Holds per transaction. */
const batch = 200

export const holdExpiration = ({ db, config }: JobTools): Actor => {
  async function pass(facilityId?: string): Promise<Pass> {
    const context = { environment: config.environment, correlationId: newId(), userId: jobsUserId }
    const { result: expired } = await transact(db, context, (tx) => expireHolds(tx, batch, facilityId))
    return { more: expired === batch, did: { expired } }
  }
  return {
    name: "hold-expiration",
    description: "Release expired booking holds",
    cron: "* * * * *",
    deadlineMs: 60_000,
    pass: () => pass(),
    passIn: (facilityId) => pass(facilityId),
  }
}
