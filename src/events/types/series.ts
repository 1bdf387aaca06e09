/** The events of recurring bookings. The single bookings of a series have their own events. */
import * as Schema from "effect/Schema"
import { ActorId, Day, Id, Instant, Minutes, Note, Text, Timezone } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("booking-service")

const Skipped = Schema.Array(Schema.Struct({ startAt: Instant, endAt: Instant, reason: Text }))
const skippedSample = [{ startAt: "2026-03-19T17:00:00.000Z", endAt: "2026-03-19T18:00:00.000Z", reason: "slot_taken" }]
const Scope = Schema.Literals(["this", "following", "all"])
const aggregate = "recurring_booking"

/** The template for the bookings of a series. */
const template = {
  recurringBookingId: Id,
  facilityId: Id,
  resourceId: Id,
  bookerId: Id,
  rule: Text,
  startTime: Text,
  durationMinutes: Minutes,
  endTime: Schema.optionalKey(Text),
  timezone: Timezone,
}
const templateSample = {
  recurringBookingId: example.recurringBookingId,
  facilityId: example.facilityId,
  resourceId: example.resourceId,
  bookerId: example.playerId,
  rule: "FREQ=WEEKLY;BYDAY=TH;COUNT=10",
  startTime: "18:00",
  durationMinutes: 60,
  endTime: "19:00",
  timezone: "Europe/Berlin",
}

export const recurringEvents = [
  define({
    type: "recurring_booking.created",
    origin: "slotbase",
    description: "A series was booked; each of its bookings inside the window has an event of its own.",
    aggregate,
    aggregateId: (data) => data.recurringBookingId,
    data: { ...template, startDate: Day, bookingType: Text, bookingIds: Schema.Array(Id), skipped: Skipped },
    sample: {
      ...templateSample,
      startDate: "2026-03-12",
      bookingType: "open_play",
      bookingIds: [example.bookingId],
      skipped: skippedSample,
    },
  }),
  define({
    type: "recurring_booking.changed",
    origin: "slotbase",
    description: "The window of a series moved on and bookings were made, or bookings of it were moved.",
    aggregate,
    aggregateId: (data) => data.recurringBookingId,
    data: {
      ...template,
      change: Schema.Literals(["extended", "rescheduled"]),
      scope: Schema.optionalKey(Scope),
      bookingIds: Schema.Array(Id),
      skipped: Skipped,
      changedBy: ActorId,
    },
    sample: {
      ...templateSample,
      change: "rescheduled",
      scope: "following",
      bookingIds: [example.bookingId],
      skipped: skippedSample,
      changedBy: example.playerId,
    },
  }),
  define({
    type: "recurring_booking.blocked",
    origin: "slotbase",
    description:
      "A series cannot go on, such as when its booker has left the facility. Its days wait; those that are not past are booked when it can go on.",
    aggregate,
    aggregateId: (data) => data.recurringBookingId,
    data: { ...template, resourceName: Text, bookerName: Text, reason: Text, detail: Text, blockedFrom: Day },
    sample: {
      ...templateSample,
      resourceName: "Court 1",
      bookerName: "Ben Vogel",
      reason: "not_found",
      detail: "There is no facility with this id.",
      blockedFrom: "2026-05-07",
    },
  }),
  define({
    type: "recurring_booking.cancelled",
    origin: "slotbase",
    description: "Bookings of a series were cancelled: one of them, that one and all later ones, or all future ones.",
    aggregate,
    aggregateId: (data) => data.recurringBookingId,
    data: {
      recurringBookingId: Id,
      facilityId: Id,
      bookerId: Id,
      scope: Scope,
      bookingIds: Schema.Array(Id),
      cancelledBy: ActorId,
      cancellationReason: Note,
    },
    sample: {
      recurringBookingId: example.recurringBookingId,
      facilityId: example.facilityId,
      bookerId: example.playerId,
      scope: "all",
      bookingIds: [example.bookingId],
      cancelledBy: example.playerId,
      cancellationReason: "The season is over",
    },
  }),
] as const
