/** From a plan to the rows of its booking: the row to insert, and the row as it reads afterwards. */
import { newId } from "#base/ids.ts"
import { agreedTimeOf } from "./agreed-time.ts"
import type { BookingRow } from "./booking-row.ts"
import type { BookingPlan } from "./planned.ts"
import type { Inserted, NewBooking } from "./rows.ts"

/** How a booking starts: its status, its payment method, its hold and its series. */
export type Kind = Pick<NewBooking, "status" | "payment_method" | "hold_id"> &
  Partial<Pick<NewBooking, "recurring_booking_id">>

export const newBookingOf = (plan: BookingPlan, kind: Kind): NewBooking => ({
  recurring_booking_id: null,
  ...kind,
  id: newId(),
  facility_id: plan.facilityId,
  resource_id: plan.resource.id,
  booking_type: plan.bookingType,
  booker_id: plan.booker.id,
  participants: plan.participants,
  start_at: new Date(plan.span.start),
  end_at: new Date(plan.span.end),
  ...agreedTimeOf(plan.timezone, plan.span),
  buffer_minutes: plan.bufferMinutes,
  ...plan.details,
  price_amount: plan.price,
  price_lines: plan.lines,
  price_currency: plan.currency,
  hold_minutes: plan.holdMinutes,
  cancellation_policy: plan.cancellationPolicy,
  created_by: plan.createdBy,
})

export const rowOf = (plan: BookingPlan, booking: NewBooking, inserted: Inserted): BookingRow => ({
  ...booking,
  ...inserted,
  ...untouched,
  is_recurring: booking.recurring_booking_id !== null,
  resource_name: plan.resource.name,
  timezone: plan.timezone,
  booker_name: plan.booker.name,
  booker_email: plan.booker.email,
  updated_at: inserted.created_at,
})

const untouched = {
  hold_extensions: 0,
  checked_in_at: null,
  completed_at: null,
  cancelled_at: null,
  cancelled_by: null,
  cancellation_reason: null,
  no_show_at: null,
  struck_reason: null,
  judged_by_staff: false,
  approved_at: null,
  approved_by: null,
  rescheduled_at: null,
  refund_percent: null,
  refund_amount: null,
  forfeited_amount: 0,
} as const
