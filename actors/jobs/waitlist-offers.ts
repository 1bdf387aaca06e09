/**
 * The scheduled job waitlist-offers: entries whose time has come without an offer end, and what is free and waited for is
 * offered, whichever way it became free: longer opening hours, a new court, more offers at once than one transaction makes.
 * Slots that are cancelled, released or expire do not wait for it.
 */

import type { Actor } from "#actors/runtime/actor.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import { facilitiesWithOffers } from "#domain/booking/waitlist/candidates.ts"
import { endLapsed } from "#domain/booking/waitlist/lapse.ts"
import { offerEverything } from "#domain/booking/waitlist/offers.ts"
import { transact } from "#events/outbox.ts"
import type { JobTools } from "./job-tools.ts"

/** Entries that end in one transaction. */
const batch = 200
/** Facilities looked at in one pass. */
const maxFacilities = 100

export const waitlistOffers = ({ db, config }: JobTools): Actor => {
  const context = () => ({ environment: config.environment, correlationId: newId(), userId: jobsUserId })
  const run = async (facilityIds: readonly string[], facilityId?: string) => {
    const { result: ended } = await transact(db, context(), (tx) => endLapsed(tx, batch, facilityId))
    let offered = 0
    for (const each of facilityIds) {
      offered += (await transact(db, context(), (tx) => offerEverything(tx, each))).result
    }
    return { more: ended === batch, did: { ended, offered } }
  }
  return {
    name: "waitlist-offers",
    description: "Offer what is free to those who wait for it",
    cron: "* * * * *",
    deadlineMs: 60_000,
    pass: async () => run(await facilitiesWithOffers(db, maxFacilities)),
    passIn: (facilityId) => run([facilityId], facilityId),
  }
}
