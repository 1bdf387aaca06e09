/** A booking that may be made: what a plan has found out and decided. */
import type { Span } from "#base/local-days.ts"
import type { OpeningHours } from "#domain/club/opening-hours.ts"
import type { HoldInput } from "./input.ts"
import type { CancellationRule } from "./refund-quote.ts"
import type { Participant } from "./row.ts"

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
  readonly bookingType: NonNullable<HoldInput["bookingType"]>
  readonly span: Span
  /** Minor units, by the price rules of now. */
  readonly price: number
  /** Staff must approve it before it is certain. */
  readonly needsApproval: boolean
  /** The facility's, of now; the booking keeps it. */
  readonly cancellationPolicy: readonly CancellationRule[]
  /** The facility's subscription counts its bookings: one more uses up some of it. */
  readonly isLimited: boolean
  readonly createdBy: string
  /** When the plan was made, by the database's clock. */
  readonly now: number
}
