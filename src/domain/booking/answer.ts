/** A booking as the API answers it, and the one conversion from a row. The OpenAPI document shows this Schema. */
import * as Schema from "effect/Schema"
import { Currency, Id, Instant, Money, SignedMoney, Text, Timezone } from "#base/schema/fact-fields.ts"
import { type BookingRow, statuses } from "./booking-row.ts"
import { BookingType, PaymentMethod } from "./input.ts"
import { type BookedLine, linesOf } from "./price-lines.ts"

/** Web Content Accessibility Guidelines 2.2.1: a time limit can be extended at least ten times. */
export const maxExtensions = 10

export const BookingStatus = Schema.Literals(statuses)

export const AnsweredQuestion = Schema.Struct({
  questionId: Schema.String,
  label: Text,
  answer: Schema.Union([Schema.String, Schema.Boolean, Schema.Finite]),
})

export const BookingPriceLine = Schema.Struct({
  kind: Schema.Literals(["court", "coach", "agreed", "discount"]).annotate({
    description: "the court's time, the coach's time, an amount that was agreed for the whole, or a discount on them",
  }),
  label: Schema.String,
  amount: SignedMoney.annotate({ description: "with the tax; negative for a discount" }),
  taxRate: Schema.Int.annotate({ description: "hundredths of a percent: 1900 is 19 %; 0: not taxed" }),
  taxAmount: SignedMoney.annotate({ description: "the tax in the amount; negative for a discount" }),
  taxIncluded: Schema.Boolean.annotate({ description: "whether the asked price contained the tax" }),
  minutes: Schema.Int,
  hourlyPrice: Schema.NullOr(Money).annotateKey({
    description: "null: the amount was agreed as a whole, or is a discount",
  }),
  percent: Schema.optionalKey(Schema.Int).annotateKey({ description: "of a discount: its share of the other lines" }),
}).annotate({ identifier: "PriceLine" })

const fields = {
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
  bufferMinutes: Schema.Int.annotateKey({ description: "how long the resource stays free after it" }),
  timezone: Timezone,
  title: Schema.NullOr(Text),
  note: Schema.NullOr(Schema.String),
  answers: Schema.Array(AnsweredQuestion).annotateKey({
    description: "with the club's questions as they were worded then",
  }),
  priceAmount: Money,
  priceCurrency: Currency,
  priceLines: Schema.Array(BookingPriceLine).annotate({
    description: "what priceAmount consists of, as it was composed or agreed; the amounts sum to it",
  }),
  paymentMethod: Schema.NullOr(PaymentMethod),
  holdId: Schema.NullOr(Id),
  expiresAt: Schema.NullOr(Instant).annotateKey({ description: "while held: when the hold expires" }),
  extensionsLeft: Schema.NullOr(Schema.Int).annotateKey({
    description: "while held: how often the hold can still get more time",
  }),
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
} as const

export const Booking = Schema.Struct(fields).annotate({ identifier: "Booking" })
export type Booking = typeof Booking.Type

/** One booking, with the money that was moved for it. */
export const BookingDetails = Schema.Struct({
  ...fields,
  settlement: Schema.Struct({
    paidAmount: Money.annotateKey({ description: "all that was paid, online and at the desk" }),
    refundedAmount: Money.annotateKey({ description: "of it: given back, or on its way back" }),
    forfeitedAmount: Money.annotateKey({
      description: "of it: kept by the facility after a move to a lower price, or after the cancellation",
    }),
    dueAmount: Money.annotateKey({ description: "still to be paid" }),
  }).annotate({ description: "the money of the booking; minor units of priceCurrency" }),
}).annotate({ identifier: "BookingDetails" })
export type BookingDetails = typeof BookingDetails.Type

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
  bufferMinutes: row.buffer_minutes,
  timezone: row.timezone,
  title: row.title,
  note: row.note,
  answers: row.answers,
  priceAmount: row.price_amount,
  priceCurrency: row.price_currency,
  priceLines: linesOf(row).map(toLine),
  paymentMethod: row.payment_method,
  holdId: row.hold_id,
  expiresAt: row.status === "held" ? iso(row.hold_expires_at) : null,
  extensionsLeft: row.status === "held" ? maxExtensions - row.hold_extensions : null,
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

const toLine = (line: BookedLine): typeof BookingPriceLine.Type => ({
  kind: line.kind,
  label: line.label,
  amount: line.amount,
  taxRate: line.taxRate ?? 0,
  taxAmount: line.taxAmount ?? 0,
  taxIncluded: line.taxIncluded ?? true,
  minutes: line.minutes,
  hourlyPrice: "hourlyPrice" in line ? (line.hourlyPrice ?? null) : null,
  ...(line.kind === "discount" && { percent: line.percent }),
})

const iso = (at: Date | null) => at?.toISOString() ?? null
