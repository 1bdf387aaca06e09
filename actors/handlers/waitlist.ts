/**
 * WaitlistHandler is a safety net. The transaction of a cancellation already holds the slot for the first entry of the
 * waitlist (`afterSlotsFreed`), so nobody can come in between. NotificationHandler tells people of an offer, on
 * waitlist.offered. This handler offers a freed slot that is still free and waited for. There are three causes:
 * - An offer gave way to a booking that then did not take the time.
 * - The neighbouring time became free a moment later.
 * - The booking was cancelled by a path that offers nothing.
 *
 * It works like `afterSlotsFreed`, under the same locks, so a repeated run finds nothing to do.
 */

import type { Tx } from "#base/database/transaction.ts"
import { maxBufferMinutes } from "#domain/booking/buffers.ts"
import { isWaitedFor } from "#domain/booking/waitlist/candidates.ts"
import { offerFreed } from "#domain/booking/waitlist/offers.ts"
import type { EventData } from "#events/catalogue.ts"
import type { HandledEvent, OneByOneHandler, Outcome } from "./handler.ts"

export const waitlistHandler = (): OneByOneHandler => ({
  kind: "transactional",
  name: "WaitlistHandler",
  events: ["booking.cancelled"],
  handle: offerWhatIsStillFree,
})

async function offerWhatIsStillFree(tx: Tx, event: HandledEvent): Promise<Outcome> {
  const { resourceId, startAt, endAt } = event.data as EventData<"booking.cancelled">
  // The event does not say how long the booking's buffer was. An offer needs its whole time free in any case.
  const freeFrom = new Date(Date.parse(endAt) + maxBufferMinutes * 60_000)
  const freed = { facilityId: event.facility_id, resourceId, startAt: new Date(startAt), endAt: freeFrom }
  // Asked without the lock of the waitlist: a whole batch would hold that lock for long.
  if (!(await isWaitedFor(tx, freed))) return { skipped: "nobody waits for its time, or the next in line has an offer" }
  return (await offerFreed(tx, [freed])) > 0
    ? undefined
    : { skipped: "its time is taken again, or nobody that waits may book it" }
}
