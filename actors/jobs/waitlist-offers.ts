/**
 * The scheduled job waitlist-offers: ends entries whose time has come without an offer, and offers free slots that are
 * waited for. It finds slots that became free in other ways: longer opening hours, a new court, more offers at once
 * than one transaction makes. A slot that is cancelled, released or expires does not wait for it.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { facilitiesWithOffers } from "#domain/booking/waitlist/candidates.ts"
import { endLapsed } from "#domain/booking/waitlist/lapse.ts"
import { offerEverything } from "#domain/booking/waitlist/offers.ts"
import { transact } from "#events/outbox.ts"
import { type JobTools, jobContext } from "./job-context.ts"

/** Entries that end in one transaction. */
const batch = 200
/** Facilities per pass. */
const maxFacilities = 100

export const waitlistOffers = (tools: JobTools): Actor => ({
  name: "waitlist-offers",
  description: "Offer what is free to those who wait for it",
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: async () => pass(tools, await facilitiesWithOffers(tools.db, maxFacilities)),
  passIn: (facilityId) => pass(tools, [facilityId], facilityId),
})

async function pass(tools: JobTools, facilityIds: readonly string[], facilityId?: string): Promise<Pass> {
  const { result: ended } = await transact(tools.db, jobContext(tools), (tx) => endLapsed(tx, batch, facilityId))
  let offered = 0
  for (const each of facilityIds) {
    offered += (await transact(tools.db, jobContext(tools), (tx) => offerEverything(tx, each))).result
  }
  return { more: ended === batch, did: { ended, offered } }
}
