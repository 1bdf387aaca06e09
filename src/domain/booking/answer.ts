/** A booking as the API answers it, and the one conversion from a row. The OpenAPI document shows this Schema. */
import * as Schema from "effect/Schema"
import { Currency, Id, Instant, Money, Text, Timezone } from "#base/schema/fact-fields.ts"
import { type BookingRow, statuses } from "./booking-row.ts"
import { BookingType, PaymentMethod } from "./input.ts"

export const BookingStatus = Schema.Literals(statuses)

export const Booking = Schema.Struct({
  id: Id,
  facilityId: Id,
  resourceId: Id,
  resourceName: Text,
  status: BookingStatus,
  bookingType: BookingType,
  bookerId: Id,
  bookerName: Text,
  participants: Schema.Array(Schema.Struct({ userId: Id, name: Text, role: Text })),
  startAt: Instant,
  endAt: Instant,
  timezone: Timezone,
  priceAmount: Money,
  priceCurrency: Currency,
  paymentMethod: Schema.NullOr(PaymentMethod),
  holdId: Schema.NullOr(Id),
  expiresAt: Schema.NullOr(Instant).annotateKey({ description: "while held: when the hold expires" }),
  isRecurring: Schema.Boolean,
  recurringBookingId: Schema.NullOr(Id),
  confirmedAt: Schema.NullOr(Instant),
  checkedInAt: Schema.NullOr(Instant),
  completedAt: Schema.NullOr(Instant),
  noShowAt: Schema.NullOr(Instant),
  cancelledAt: Schema.NullOr(Instant),
  cancelledBy: Schema.NullOr(Id),
  cancellationReason: Schema.NullOr(Schema.String),
  cancellationPolicy: Schema.Array(Schema.Struct({ hoursBefore: Schema.Int, refundPercent: Schema.Int })).annotateKey({
    description: "the facility's policy when the booking was made; empty: everything is refunded",
  }),
  refundPercent: Schema.NullOr(Schema.Int),
  refundAmount: Schema.NullOr(Money).annotateKey({
    description: "once cancelled: how much of the payments is refunded",
  }),
  approvedAt: Schema.NullOr(Instant),
  approvedBy: Schema.NullOr(Id),
  rescheduledAt: Schema.NullOr(Instant),
  struckReason: Schema.NullOr(Schema.String).annotateKey({
    description: "why its time is not open any more: then it is cancelled without loss; null: it is open",
  }),
  createdAt: Instant,
  updatedAt: Instant,
}).annotate({ identifier: "Booking" })
export type Booking = typeof Booking.Type

export const toBooking = (row: BookingRow): Booking => ({
  id: row.id,
  facilityId: row.facility_id,
  resourceId: row.resource_id,
  resourceName: row.resource_name,
  status: row.status,
  bookingType: row.booking_type,
  bookerId: row.booker_id,
  bookerName: row.booker_name,
  participants: row.participants,
  startAt: row.start_at.toISOString(),
  endAt: row.end_at.toISOString(),
  timezone: row.timezone,
  priceAmount: row.price_amount,
  priceCurrency: row.price_currency,
  paymentMethod: row.payment_method,
  holdId: row.hold_id,
  expiresAt: row.status === "held" ? iso(row.hold_expires_at) : null,
  isRecurring: row.is_recurring,
  recurringBookingId: row.recurring_booking_id,
  confirmedAt: iso(row.confirmed_at),
  checkedInAt: iso(row.checked_in_at),
  completedAt: iso(row.completed_at),
  noShowAt: iso(row.no_show_at),
  cancelledAt: iso(row.cancelled_at),
  cancelledBy: row.cancelled_by,
  cancellationReason: row.cancellation_reason,
  cancellationPolicy: row.cancellation_policy,
  refundPercent: row.refund_percent,
  refundAmount: row.refund_amount,
  approvedAt: iso(row.approved_at),
  approvedBy: row.approved_by,
  rescheduledAt: iso(row.rescheduled_at),
  struckReason: row.struck_reason,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})

const iso = (at: Date | null) => at?.toISOString() ?? null
