/**
 * WaitlistHandler. In the transaction of a cancellation it is decided who gets the slot: `slotsFreed` holds it for the first
 * who waits, so nobody can come in between, and nothing of that is done here. Who is offered something is told by
 * NotificationHandler, on waitlist.offered. This handler heals: what the cancellation freed, and is still free and waited
 * for, because an offer gave way to somebody who then did not take the time, because the neighbouring time became free a moment
 * later, or because it was cancelled by a path that offers nothing. It does what `slotsFreed` does, under the same locks, so a
 * second run finds nothing to do.
 */

import type { Tx } from "#base/database/transaction.ts"
import { isWaitedFor } from "#domain/booking/waitlist/candidates.ts"
import { offerFreed } from "#domain/booking/waitlist/offers.ts"
import type { EventData } from "#events/catalogue.ts"
import type { HandledEvent, OneByOneHandler, Outcome } from "./handler.ts"

export const waitlistHandler = (): OneByOneHandler => ({
  kind: "transactional",
  name: "WaitlistHandler",
  events: ["booking.cancelled"],
  handle: heal,
})

async function heal(tx: Tx, event: HandledEvent): Promise<Outcome> {
  const { resourceId, startAt, endAt } = event.data as EventData<"booking.cancelled">
  const freed = { facilityId: event.facility_id, resourceId, startAt: new Date(startAt), endAt: new Date(endAt) }
  // Without the lock of the waitlist, which a whole batch would keep from everybody else.
  if (!(await isWaitedFor(tx, freed))) return { skipped: "nobody waits for its time, or who did has been offered it" }
  return (await offerFreed(tx, [freed])) > 0
    ? undefined
    : { skipped: "its time is taken again, or may not be booked by who waits" }
}
