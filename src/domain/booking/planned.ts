/** A booking that may be made: the facts and the decisions of a plan. */
import type { Span } from "#base/local-days.ts"
import type { OpeningHours } from "#domain/club/opening-hours.ts"
import type { TaxTerms } from "#domain/club/tax-rates.ts"
import type { Participant } from "./booking-row.ts"
import type { Details } from "./details.ts"
import type { HoldInput } from "./input.ts"
import type { MemberStanding } from "./limits/standing.ts"
import type { BookedLine } from "./price-lines.ts"
import type { CancellationRule } from "./refund-quote.ts"
import type { SlotRules } from "./slot-rules.ts"

export interface BookingPlan {
  readonly facilityId: string
  readonly timezone: string
  readonly currency: string
  readonly openingHours: OpeningHours
  readonly slotMinutes: number
  readonly slotRules: SlotRules
  readonly holdMinutes: number
  readonly resource: { readonly id: string; readonly name: string; readonly type: string }
  readonly booker: { readonly id: string; readonly name: string; readonly email: string }
  readonly participants: readonly Participant[]
  /** The coach whose time the booking takes, of a lesson or a block. */
  readonly coachId?: string
  readonly bookingType: NonNullable<HoldInput["bookingType"]>
  readonly span: Span
  /** How long the resource stays free after it. */
  readonly bufferMinutes: number
  readonly details: Details
  /** What the price consists of, by the present price rules. */
  readonly lines: readonly BookedLine[]
  /** The sum of the lines, minor units. */
  readonly price: number
  /** The facility's present tax terms. */
  readonly tax: TaxTerms
  /** Staff must approve it before it is certain. */
  readonly needsApproval: boolean
  /** The facility's present policy; the booking keeps it. */
  readonly cancellationPolicy: readonly CancellationRule[]
  /** The facility's subscription limits its bookings: this one uses up one of them. */
  readonly isLimited: boolean
  /** The facility's subscription does not count the booker yet, and will once this booking is confirmed. */
  readonly isFirstOfBooker: boolean
  /** What the booker holds already; null: no limits per person bind the booking. */
  readonly standing: MemberStanding | null
  /** Lapsed holds of the booker that must have ended for the booking to fit the limits; usually none. */
  readonly overdue: readonly string[]
  readonly createdBy: string
  /** When the plan was made, by the database's clock. */
  readonly now: number
}
