/** A booking as it is read: its states, its people, and the fields that its events and answers need. */
import type { BookingType, PaymentMethod } from "./input.ts"
import type { BookedLine } from "./price-lines.ts"
import type { CancellationRule } from "./refund-quote.ts"

export const statuses = [
  "held",
  "pending",
  "confirmed",
  "checked_in",
  "completed",
  "cancelled",
  "no_show",
  "expired",
  "released",
] as const
export type Status = (typeof statuses)[number]

/** An answer to a question of the club, with the question as it was worded then. */
export interface KeptAnswer {
  readonly questionId: string
  readonly label: string
  readonly answer: string | number | boolean
}

export interface Participant {
  readonly userId: string
  readonly name: string
  readonly role: string
}

/** A booking with the names and settings of its facility, resource and people that its events and answers need. */
export interface BookingRow {
  readonly id: string
  readonly facility_id: string
  readonly resource_id: string
  readonly resource_name: string
  readonly timezone: string
  /** A hold whose time is over, and a request that has begun undecided, read "expired", released or not. */
  readonly status: Status
  readonly booking_type: typeof BookingType.Type
  readonly booker_id: string
  readonly booker_name: string
  readonly booker_email: string
  readonly participants: readonly Participant[]
  readonly start_at: Date
  readonly end_at: Date
  /** How long its resource stays free after it. */
  readonly buffer_minutes: number
  readonly title: string | null
  readonly note: string | null
  readonly answers: readonly KeptAnswer[]
  readonly price_amount: number
  /** Null: made before lines were kept; `linesOf` reads them. */
  readonly price_lines: readonly BookedLine[] | null
  readonly price_currency: string
  readonly payment_method: typeof PaymentMethod.Type | null
  readonly hold_id: string | null
  readonly hold_expires_at: Date | null
  /** How often the hold got more time. */
  readonly hold_extensions: number
  readonly is_recurring: boolean
  readonly recurring_booking_id: string | null
  readonly confirmed_at: Date | null
  readonly checked_in_at: Date | null
  readonly completed_at: Date | null
  readonly cancelled_at: Date | null
  readonly cancelled_by: string | null
  readonly cancellation_reason: string | null
  readonly no_show_at: Date | null
  /** Why its time is not open any more; null: it is open. */
  readonly struck_reason: string | null
  /** Staff undid an outcome of it: no job marks it as a no-show. */
  readonly judged_by_staff: boolean
  /** As it was when the booking was made. */
  readonly cancellation_policy: readonly CancellationRule[]
  readonly approved_at: Date | null
  readonly approved_by: string | null
  readonly rescheduled_at: Date | null
  readonly refund_percent: number | null
  readonly refund_amount: number | null
  /** What stays with the facility of its payments, after a move to a lower price or a cancellation. */
  readonly forfeited_amount: number
  readonly created_at: Date
  readonly updated_at: Date
}

/** A locked booking, judged at `now`, which was taken after the lock. */
export interface LockedBooking extends BookingRow {
  readonly now: Date
}
