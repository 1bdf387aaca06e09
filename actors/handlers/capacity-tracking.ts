/**
 * CapacityTrackingHandler ("Update active user count"): the booker and the participants of a confirmed booking are
 * active in the local month in which it was confirmed. Idempotent twice over: the key of a person's month counts the
 * person once, and the count commits with its run. So order and repetition change nothing, and a late event counts in
 * the month in which it happened.
 */

import { localDateOf } from "#base/local-days.ts"
import type { BookingRow } from "#domain/booking/booking-row.ts"
import { isCounted } from "#domain/booking/counted.ts"
import { countActive, monthOfDay } from "#domain/plans/active-users.ts"
import type { EventData } from "#events/catalogue.ts"
import type { OneByOneHandler } from "./handler.ts"

export const capacityTrackingHandler = (): OneByOneHandler => ({
  kind: "transactional",
  name: "CapacityTrackingHandler",
  events: ["booking.confirmed"],
  handle: async (tx, event) => {
    const { bookerId, participants, bookingType, timezone } = event.data as EventData<"booking.confirmed">
    if (!isCounted({ booking_type: bookingType as BookingRow["booking_type"] }))
      return { skipped: `${bookingType} is no booking of a member` }
    const fresh = await countActive(tx, {
      facilityId: event.facility_id,
      eventId: event.id,
      month: monthOfDay(localDateOf(timezone, event.occurred_at.getTime())),
      userIds: [bookerId, ...participants.map(({ userId }) => userId)],
    })
    return fresh === 0 ? { skipped: "all of them were active in this month" } : undefined
  },
})
