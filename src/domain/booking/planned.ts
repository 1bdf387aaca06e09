/** A booking that may be made: the facts and the decisions of a plan. */
import type { Span } from "#base/local-days.ts"
import type { OpeningHours } from "#domain/club/opening-hours.ts"
import type { Participant } from "./booking-row.ts"
import type { HoldInput } from "./input.ts"
import type { CancellationRule } from "./refund-quote.ts"

export interface BookingPlan {
  readonly facilityId: string
  readonly timezone: string
  readonly currency: string
  readonly openingHours: OpeningHours
  readonly slotMinutes: number
  readonly holdMinutes: number
  readonly resource: { readonly id: string; readonly name: string; readonly type: string }
  readonly booker: { readonly id: string; readonly name: string; readonly email: string }
  readonly participants: readonly Participant[]
  /** The coach whose time the booking takes, of a lesson or a block. */
  readonly coachId?: string
  readonly bookingType: NonNullable<HoldInput["bookingType"]>
  readonly span: Span
  /** Minor units, by the present price rules. */
  readonly price: number
  /** Staff must approve it before it is certain. */
  readonly needsApproval: boolean
  /** The facility's present policy; the booking keeps it. */
  readonly cancellationPolicy: readonly CancellationRule[]
  /** The facility's subscription limits its bookings: this one uses up one of them. */
  readonly isLimited: boolean
  /** The facility's subscription does not count the booker yet, and will once this booking is confirmed. */
  readonly isFirstOfBooker: boolean
  readonly createdBy: string
  /** When the plan was made, by the database's clock. */
  readonly now: number
}
