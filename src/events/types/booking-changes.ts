/** Events of bookings that the spec leaves out: approval by staff, moves, forgiven no-shows, and undone outcomes. */
import * as Schema from "effect/Schema"
import { ActorId, Count, Currency, Id, Instant, Money, Note, Text, Timezone } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("booking-service")

const occupied = [
  "user:{userId}:bookings",
  "facility:{facilityId}:bookings",
  "facility:{facilityId}:availability",
  "resource:{resourceId}:availability",
] as const

const place = { bookingId: Id, facilityId: Id, resourceId: Id, bookerId: Id, startAt: Instant, endAt: Instant }
const there = {
  bookingId: example.bookingId,
  facilityId: example.facilityId,
  resourceId: example.resourceId,
  bookerId: example.playerId,
  startAt: example.startAt,
  endAt: example.endAt,
}

const booked = ["user:{userId}:bookings", "facility:{facilityId}:bookings"] as const
const undone = { ...place, undoneBy: ActorId, undoneAt: Instant, reason: Note }
const undoneThere = {
  ...there,
  undoneBy: example.staffId,
  undoneAt: "2026-03-12T18:20:00.000Z",
  reason: "The wrong booking was marked.",
}

export const bookingChangeEvents = [
  define({
    type: "booking.approval.requested",
    origin: "slotbase",
    description: "A booking is pending: its slot is taken, and staff must say whether it may take place.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: {
      ...place,
      resourceName: Text,
      bookerName: Text,
      bookingType: Text,
      timezone: Timezone,
      priceAmount: Money,
      priceCurrency: Currency,
      requestedAt: Instant,
    },
    sample: {
      ...there,
      resourceName: "Court 1",
      bookerName: "Mia Keller",
      bookingType: "tournament",
      timezone: "Europe/Berlin",
      priceAmount: 2400,
      priceCurrency: "EUR",
      requestedAt: example.bookedAt,
    },
    channels: occupied,
  }),
  define({
    type: "booking.approval.granted",
    origin: "slotbase",
    description:
      "Staff approved a pending booking. Another event follows: booking.confirmed, or booking.hold.created when it must be paid online first.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: { ...place, approvedBy: ActorId, approvedAt: Instant },
    sample: { ...there, approvedBy: example.staffId, approvedAt: "2026-03-09T18:02:11.000Z" },
  }),
  define({
    type: "booking.approval.rejected",
    origin: "slotbase",
    description: "Staff refused a pending booking. booking.cancelled follows, with what is refunded.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: { ...place, rejectedBy: ActorId, rejectedAt: Instant, rejectionReason: Note },
    sample: {
      ...there,
      rejectedBy: example.staffId,
      rejectedAt: "2026-03-09T18:02:11.000Z",
      rejectionReason: "The league plays on that day.",
    },
  }),
  define({
    type: "booking.local_time_changed",
    origin: "slotbase",
    description:
      "A country changed its clocks after the booking was made. The booking keeps its instant, and is at another time by the clock. Also recorded for the booking of a coach's block.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: {
      ...place,
      resourceName: Text,
      timezone: Timezone,
      previousLocalStart: Text,
      localStart: Text,
      changedAt: Instant,
    },
    sample: {
      ...there,
      resourceName: "Court 1",
      timezone: "America/Vancouver",
      previousLocalStart: "2026-12-12T18:00:00",
      localStart: "2026-12-12T19:00:00",
      changedAt: "2026-10-30T08:00:00.000Z",
    },
  }),
  define({
    type: "booking.approval.expired",
    origin: "slotbase",
    description:
      "Nobody decided about a pending booking before its start: it does not take place, and its slot is free.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: { ...place, expiredAt: Instant, refundAmount: Money },
    sample: { ...there, expiredAt: example.startAt, refundAmount: 0 },
    channels: occupied,
  }),
  define({
    type: "booking.struck",
    origin: "slotbase",
    description:
      "The time of a booking is no longer open: a closure, other opening hours, or a resource out of use. It stands, and may be cancelled without loss.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: { ...place, reason: Note, struckAt: Instant },
    sample: { ...there, reason: "The net is repaired", struckAt: "2026-03-10T08:11:05.000Z" },
  }),
  define({
    type: "booking.rescheduled",
    origin: "slotbase",
    description:
      "A booking was moved to another time or resource; the event has the old and the new one, and the new price.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: {
      ...place,
      resourceName: Text,
      previousResourceId: Id,
      previousStartAt: Instant,
      previousEndAt: Instant,
      timezone: Timezone,
      status: Schema.Literals(["confirmed", "pending"]),
      priceAmount: Money,
      previousPriceAmount: Money,
      priceCurrency: Currency,
      refundAmount: Money,
      refundStatus: Schema.Literals(["pending", "none"]),
      forfeitedAmount: Schema.optionalKey(Money),
      rescheduledBy: ActorId,
      rescheduledAt: Instant,
    },
    sample: {
      ...there,
      resourceName: "Court 1",
      previousResourceId: example.resourceId,
      previousStartAt: "2026-03-11T17:00:00.000Z",
      previousEndAt: "2026-03-11T18:00:00.000Z",
      timezone: "Europe/Berlin",
      status: "confirmed",
      priceAmount: 2000,
      previousPriceAmount: 2400,
      priceCurrency: "EUR",
      refundAmount: 200,
      refundStatus: "pending",
      forfeitedAmount: 200,
      rescheduledBy: example.playerId,
      rescheduledAt: "2026-03-10T09:12:00.000Z",
    },
    channels: occupied,
  }),
  define({
    type: "booking.details_changed",
    origin: "slotbase",
    description:
      "The title, the note or the answers of a booking were changed. The event names what; what they say is read with the booking.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: {
      ...place,
      changed: Schema.Array(Text),
      changedBy: ActorId,
      changedAt: Instant,
    },
    sample: {
      ...there,
      changed: ["title", "note"],
      changedBy: example.playerId,
      changedAt: "2026-03-10T09:12:00.000Z",
    },
  }),
  define({
    type: "booking.no_show.waived",
    origin: "slotbase",
    description: "Staff forgave a no-show: its strike no longer counts, and its fee is not due.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: {
      bookingId: Id,
      facilityId: Id,
      userId: Id,
      waivedBy: ActorId,
      waivedAt: Instant,
      reason: Note,
      feeWaived: Money,
      strikeCount: Count,
    },
    sample: {
      bookingId: example.bookingId,
      facilityId: example.facilityId,
      userId: example.playerId,
      waivedBy: example.staffId,
      waivedAt: "2026-03-13T09:00:00.000Z",
      reason: "The tram had an accident.",
      feeWaived: 1000,
      strikeCount: 1,
    },
  }),
  define({
    type: "booking.no_show.undone",
    origin: "slotbase",
    description:
      "Staff undid a no-show that was a mistake: the booking is confirmed, its strike does not count, and its fee is not due.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: { ...undone, feeWaived: Money, strikeCount: Count },
    sample: { ...undoneThere, reason: "She played on the other court.", feeWaived: 1000, strikeCount: 1 },
    channels: booked,
  }),
  define({
    type: "booking.check_in.undone",
    origin: "slotbase",
    description: "Staff undid a check-in that was a mistake: the booking is confirmed.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: undone,
    sample: undoneThere,
    channels: booked,
  }),
  define({
    type: "booking.completion.undone",
    origin: "slotbase",
    description: "Staff undid a completion that was a mistake: the booking is checked in, or confirmed.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: { ...undone, status: Schema.Literals(["confirmed", "checked_in"]) },
    sample: { ...undoneThere, status: "confirmed" },
    channels: booked,
  }),
] as const
