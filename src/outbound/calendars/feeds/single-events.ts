/** A booking as an event of its own, in UTC. Pure. */
import { type IcalEvent, icalEventLines, timesInUtc } from "#base/icalendar/event.ts"
import type { FeedBooking } from "./bookings.ts"

/** The words of an event. */
export interface Described {
  readonly summary: string
  readonly location: string
  readonly description?: string
}

export type Describing = (booking: FeedBooking) => Described

export const feedEvent = (
  booking: FeedBooking,
  words: Described,
  { uid, times }: Pick<IcalEvent, "uid" | "times">,
): IcalEvent => ({
  uid,
  changedAt: booking.changed_at,
  stampedAt: booking.updated_at,
  times,
  ...words,
  status: booking.status === "cancelled" ? "CANCELLED" : booking.status === "pending" ? "TENTATIVE" : "CONFIRMED",
})

/** Its UID is that of the invitation in the booking's mails. */
export const singleEvent = (booking: FeedBooking, words: Described): string[] =>
  icalEventLines(feedEvent(booking, words, { uid: booking.id, times: timesInUtc(booking.start_at, booking.end_at) }))
