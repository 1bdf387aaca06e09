/** A series as the API answers it, and the one conversion from rows. The OpenAPI document shows these Schemas. */
import * as Schema from "effect/Schema"
import { Day, Id, Instant, Minutes, Text, Timezone } from "#base/schema/fact-fields.ts"
import { AnsweredQuestion, BookingStatus } from "#domain/booking/answer.ts"
import { BookingType, PaymentMethod } from "#domain/booking/input.ts"
import type { SeriesReport } from "./book.ts"
import { SeriesStatus } from "./input.ts"
import type { OccurrenceRow, SeriesRow } from "./rows.ts"

const series = {
  id: Id,
  facilityId: Id,
  resourceId: Id,
  resourceName: Text,
  bookingType: BookingType,
  bookerId: Id,
  bookerName: Text,
  participants: Schema.Array(Schema.Struct({ userId: Id, role: Text })),
  paymentMethod: PaymentMethod,
  title: Schema.NullOr(Text),
  note: Schema.NullOr(Schema.String),
  answers: Schema.Array(AnsweredQuestion).annotate({ description: "of each of its bookings" }),
  rule: Text,
  startDate: Day,
  startTime: Text.annotate({ description: "wall clock of the facility, HH:MM" }),
  durationMinutes: Minutes,
  endTime: Schema.NullOr(Text).annotate({
    description: "wall clock of the facility at which each booking ends; null: after durationMinutes",
  }),
  timezone: Timezone,
  windowDays: Schema.Int,
  bookedUntil: Day.annotate({ description: "local day up to which every occurrence has been booked or skipped" }),
  status: SeriesStatus,
  blocked: Schema.NullOr(
    Schema.Struct({ code: Text, detail: Text, since: Instant, from: Day }).annotate({ identifier: "SeriesBlocked" }),
  ).annotate({ description: "why no more bookings are made, and the first day that waits; null: the series goes on" }),
  createdBy: Id,
  createdAt: Instant,
  updatedAt: Instant,
  cancelledAt: Schema.NullOr(Instant),
  cancelledBy: Schema.NullOr(Id),
  cancellationReason: Schema.NullOr(Schema.String),
}

export const RecurringBooking = Schema.Struct(series).annotate({ identifier: "RecurringBooking" })
export type RecurringBooking = typeof RecurringBooking.Type

const stretch = { startAt: Instant, endAt: Instant }

/** Why there is no booking on a day. */
const SkippedOccurrence = Schema.Struct({
  occursOn: Day,
  resourceId: Id,
  ...stretch,
  code: Text.annotate({ description: "such as slot_taken or facility_closed" }),
  detail: Text,
  conflicts: Schema.Array(Schema.Struct({ ...stretch, status: Text })),
  alternatives: Schema.Array(Schema.Struct({ resourceId: Id, ...stretch })),
}).annotate({ identifier: "SkippedOccurrence" })

const OccurrenceBooked = Schema.Struct({
  occursOn: Day,
  bookingId: Id,
  ...stretch,
  status: BookingStatus,
}).annotate({ identifier: "Occurrence" })

/** The result of booking or changing a series. */
export const RecurringReport = Schema.Struct({
  ...series,
  occurrences: Schema.Array(OccurrenceBooked).annotate({ description: "the bookings that were made or moved" }),
  skipped: Schema.Array(SkippedOccurrence).annotate({ description: "the occurrences that could not be booked" }),
}).annotate({ identifier: "RecurringReport" })
export type RecurringReport = typeof RecurringReport.Type

/** A series with its days from today on. */
export const RecurringWithOccurrences = Schema.Struct({
  ...series,
  occurrences: Schema.Array(
    Schema.Struct({
      occursOn: Day,
      bookingId: Schema.NullOr(Id),
      startAt: Schema.NullOr(Instant),
      endAt: Schema.NullOr(Instant),
      status: Schema.Union([BookingStatus, Schema.Literal("skipped")]),
      movedAlone: Schema.Boolean.annotate({
        description: "the booking is not where the series put it; changes of the series leave it there",
      }),
      skippedCode: Schema.NullOr(Text),
      skippedReason: Schema.NullOr(Text),
    }),
  ).annotate({ description: "from today on, at most 366" }),
}).annotate({ identifier: "RecurringBookingWithOccurrences" })
export type RecurringWithOccurrences = typeof RecurringWithOccurrences.Type

export const toSeries = (row: SeriesRow): RecurringBooking => ({
  id: row.id,
  facilityId: row.facility_id,
  resourceId: row.resource_id,
  resourceName: row.resource_name,
  bookingType: row.booking_type,
  bookerId: row.booker_id,
  bookerName: row.booker_name,
  participants: row.participants.map(({ userId, role = "player" }) => ({ userId, role })),
  paymentMethod: row.payment_method,
  title: row.title,
  note: row.note,
  answers: row.answers,
  rule: row.rule,
  startDate: row.start_date,
  startTime: row.start_time,
  durationMinutes: row.duration_minutes,
  endTime: row.end_time,
  timezone: row.timezone,
  windowDays: row.window_days,
  bookedUntil: row.considered_until,
  status: row.status,
  blocked: blockedOf(row),
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  cancelledAt: iso(row.cancelled_at),
  cancelledBy: row.cancelled_by,
  cancellationReason: row.cancellation_reason,
})

export const toReport = (
  row: SeriesRow,
  { booked, skipped }: Pick<SeriesReport, "booked" | "skipped">,
): RecurringReport => ({
  ...toSeries(row),
  occurrences: booked.map(({ on, booking }) => ({
    occursOn: on,
    bookingId: booking.id,
    startAt: booking.start_at.toISOString(),
    endAt: booking.end_at.toISOString(),
    status: booking.status,
  })),
  skipped,
})

export const toOccurrence = (row: OccurrenceRow): RecurringWithOccurrences["occurrences"][number] => ({
  occursOn: row.occurs_on,
  bookingId: row.booking_id,
  startAt: iso(row.start_at),
  endAt: iso(row.end_at),
  status: (row.status ?? "skipped") as RecurringWithOccurrences["occurrences"][number]["status"],
  movedAlone: row.moved_alone,
  skippedCode: row.skipped_code,
  skippedReason: row.skipped_reason,
})

function blockedOf({ blocked_code, blocked_reason, blocked_at, blocked_from }: SeriesRow): RecurringBooking["blocked"] {
  if (blocked_code === null || blocked_reason === null || blocked_at === null || blocked_from === null) return null
  return { code: blocked_code, detail: blocked_reason, since: blocked_at.toISOString(), from: blocked_from }
}

const iso = (at: Date | null) => at?.toISOString() ?? null
