/** The event of a due reminder. A handler of this event sends the spec's booking.reminder.sent. */
import * as Schema from "effect/Schema"
import { Id, Instant, Minutes } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("booking-service")

export const reminderEvents = [
  define({
    type: "booking.reminder.due",
    origin: "slotbase",
    description: "A reminder of a booking is due; booking.reminder.sent follows when it was sent.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: {
      bookingId: Id,
      facilityId: Id,
      resourceId: Id,
      bookerId: Id,
      startAt: Instant,
      endAt: Instant,
      reminderType: Schema.Literals(["24h", "1h", "custom"]),
      minutesBefore: Minutes,
      dueAt: Instant,
    },
    sample: {
      bookingId: example.bookingId,
      facilityId: example.facilityId,
      resourceId: example.resourceId,
      bookerId: example.playerId,
      startAt: example.startAt,
      endAt: example.endAt,
      reminderType: "24h",
      minutesBefore: 1440,
      dueAt: "2026-03-11T17:00:00.000Z",
    },
  }),
] as const
