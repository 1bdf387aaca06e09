/** The facts that a plan needs about the facility, the resource and the people of a request: one statement. */
import type { Tx } from "#base/database/transaction.ts"
import type { Span } from "#base/local-days.ts"
import type { Weekday } from "#base/weekdays.ts"
import type { OpeningHours } from "#domain/club/opening-hours.ts"
import type { TaxTerms } from "#domain/club/tax-rates.ts"
import type { BufferRule } from "./buffers.ts"
import type { HoldInput } from "./input.ts"
import type { MemberLimit } from "./limits/fields.ts"
import { type HeldBooking, type HeldRow, heldBookings } from "./limits/held.ts"
import { lockMember, tryToLockMember } from "./limits/lock-member.ts"
import { planStatement } from "./plan-statement.ts"
import type { TariffRule } from "./prices.ts"
import type { Question } from "./questions.ts"
import type { CancellationRule } from "./refund-quote.ts"
import type { SlotRules } from "./slot-rules.ts"

export interface PlanFacts extends SlotRules {
  readonly facility_id: string
  readonly timezone: string
  readonly currency: string
  readonly tax: TaxTerms
  readonly opening_hours: OpeningHours
  readonly slot_minutes: number
  readonly hold_minutes: number
  readonly resource_id: string | null
  readonly resource_name: string
  readonly resource_type: string
  readonly hourly_price: number
  readonly price_rules: readonly TariffRule[]
  /** Why the resource cannot be booked then; null when it can. */
  readonly closed_for: string | null
  readonly booker_id: string | null
  readonly booker_name: string
  readonly booker_email: string
  /** The participants that may be named, with their names. */
  readonly people: Readonly<Record<string, string>>
  /** Whether the facility's own plan counts its bookings. */
  readonly is_limited: boolean
  /** Whether the facility's plan does not count the booker yet: an open registration without a booking. */
  readonly is_uncounted: boolean
  /** What the booker and their family hold; empty for who is not limited. */
  readonly held: readonly HeldBooking[]
  /** The roles of the booker in the facility. */
  readonly roles: readonly string[]
  /** The booking that moves, where it is now, if limits count it. */
  readonly moving: Span | null
  readonly member_limits: readonly MemberLimit[] | null
  readonly week_starts_on: Weekday | null
  /** How long such a hold pauses the next one. */
  readonly hold_pause_minutes: number
  /** Until when the booker may not book; null also for bookers without limits. */
  readonly restricted_until: Date | null
  /** Of the booking policy; all null when the facility has none. */
  readonly lead_time_minutes: number | null
  readonly advance_days: number | null
  readonly approval_booking_types: readonly string[] | null
  readonly approval_resource_ids: readonly string[] | null
  readonly cancellation_policy: readonly CancellationRule[] | null
  readonly buffers: readonly BufferRule[]
  /** What the facility asks its members. */
  readonly questions: readonly Question[]
  readonly now: Date
  /** Whether this transaction has the lock of the booker's bookings, or needs none. */
  readonly locked: boolean
}
export type CompletePlanFacts = PlanFacts & { readonly resource_id: string; readonly booker_id: string }

export interface BookerRights {
  readonly bookerId: string
  /** Whether the facility's strikes and limits bind the booker. */
  readonly limited: boolean
  /** How the booker's bookings are locked, so that no other transaction books for the person meanwhile. */
  readonly lock: "wait" | "try" | "none"
  /** The booking that moves. */
  readonly moving?: string
  /**
   * The people whom the request may name beside the facility's members: the caller and their children, or who is in the
   * booking already. Nobody else may be named, whoever asks: the answer shows names and addresses.
   */
  readonly mayName: readonly string[]
}

export async function readPlanFacts(
  tx: Tx,
  facilityId: string,
  input: HoldInput,
  rights: BookerRights,
): Promise<PlanFacts | undefined> {
  const { bookerId, limited, lock, moving = null, mayName } = rights
  const people = (input.participants ?? []).map(({ userId }) => userId)
  const statement = planStatement({ limited, moves: moving !== null, names: people.length > 0 })<Read>(tx, {
    facilityId,
    resourceId: input.resourceId,
    bookerId,
    mayName,
    family: [bookerId, ...mayName],
    people,
    startAt: new Date(input.startAt).toISOString(),
    endAt: new Date(input.endAt).toISOString(),
    moving,
  })
  // The lock shares the round trip.
  const [[person], [row]] = await Promise.all([locks[limited ? lock : "none"](tx, facilityId, bookerId), statement])
  return row && { ...row, held: heldBookings(row.held), locked: person?.locked ?? true }
}

type Read = Omit<PlanFacts, "held" | "locked"> & { readonly held: readonly HeldRow[] }

const locks = {
  wait: lockMember,
  try: tryToLockMember,
  none: () => [] as { locked?: boolean }[],
}
