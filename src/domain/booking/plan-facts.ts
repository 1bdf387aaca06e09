/** The facts that a plan needs about the facility, the resource and the people of a request: one statement. */

import { isMemberOf } from "#access/membership.ts"
import type { Tx } from "#base/database/transaction.ts"
import { closedFor } from "#domain/club/closed.ts"
import type { OpeningHours } from "#domain/club/opening-hours.ts"
import { type TaxTerms, taxTermsOf } from "#domain/club/tax-rates.ts"
import { addressIn, unreachable } from "#domain/people/address.ts"
import { isUncounted } from "#domain/people/roles.ts"
import { isLimited } from "#domain/plans/entitlements.ts"
import { restrictedUntil } from "./attendance/strikes.ts"
import type { BufferRule } from "./buffers.ts"
import type { HoldInput } from "./input.ts"
import { type EndedHold, endedHoldsOf } from "./limits/hold-pause.ts"
import { lockMember, tryToLockMember } from "./limits/lock-member.ts"
import { type MemberStanding, standingOf } from "./limits/standing.ts"
import { rulesOf } from "./price-rules.ts"
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
  /** How many slots the booker keeps waiting; 0 when that is not limited. */
  readonly live_holds: number
  /** What the booker holds, as far as limits per person count it; null: no such limit binds. */
  readonly standing: MemberStanding | null
  /** Holds of the booker's family on this time that came to nothing a short while ago; empty for who is not limited. */
  readonly ended_holds: readonly EndedHold[]
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
  readonly limitsHolds: boolean
  /** Whether a hold that came to nothing keeps the booker from this time for a while. */
  readonly pauses: boolean
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
  { bookerId, limited, limitsHolds, pauses, lock, moving, mayName }: BookerRights,
): Promise<PlanFacts | undefined> {
  const mayBeNamed = (userId: ReturnType<Tx>) =>
    tx`(${userId} = any (${[...mayName]}::uuid[]) or ${isMemberOf(tx, userId)})`
  const people = (input.participants ?? []).map(({ userId }) => userId)
  const [start, end] = [new Date(input.startAt).toISOString(), new Date(input.endAt).toISOString()]
  const facility: ReturnType<Tx> = tx`f.id`
  const resource: ReturnType<Tx> = tx`r.id`
  const statement = tx<PlanFacts[]>`
    select f.id as facility_id, f.timezone, f.currency, ${taxTermsOf(tx, tx`f`)} as tax, f.opening_hours,
           f.slot_minutes, f.hold_minutes,
           r.id as resource_id, r.name as resource_name, r.resource_type, r.hourly_price,
           ${rulesOf(tx, facility, resource)} as price_rules, ${closedFor(tx, facility, resource, start, end)} as closed_for,
           u.id as booker_id, u.first_name || ' ' || u.last_name as booker_name,
           coalesce(${addressIn(tx, facility)}, ${unreachable}) as booker_email,
           ${
             people.length === 0
               ? tx`'{}'::jsonb`
               : tx`(select coalesce(jsonb_object_agg(p.id, p.first_name || ' ' || p.last_name), '{}')
                     from slotbase.users p
                     where p.id = any (${people}::uuid[]) and p.kind = 'person' and ${mayBeNamed(tx`p.id`)})`
           } as people,
           ${isLimited(tx, facility, "bookings_per_month")} as is_limited,
           ${isUncounted(tx, facility, bookerId)} as is_uncounted,
           ${limitsHolds ? liveHolds(tx, facilityId, bookerId) : tx`0`} as live_holds,
           ${limited ? standingOf(tx, facilityId, bookerId, start, moving) : tx`null::jsonb`} as standing,
           ${pauses ? endedHoldsOf(tx, facilityId, [bookerId, ...mayName], { startAt: start, endAt: end }) : tx`'[]'::jsonb`} as ended_holds,
           coalesce(q.hold_pause_minutes, f.hold_minutes) as hold_pause_minutes,
           ${limited ? restrictedUntil(tx, facility, bookerId) : tx`null::timestamptz`} as restricted_until,
           q.lead_time_minutes, q.advance_days, q.approval_booking_types, q.approval_resource_ids, q.cancellation_policy,
           q.start_grid_minutes, q.least_minutes, q.greatest_minutes, q.length_step_minutes,
           coalesce(q.buffers, '[]') as buffers, coalesce(k.questions, '[]') as questions,
           slotbase.now() as now
    from slotbase.facilities f
    left join slotbase.booking_policies q on q.facility_id = f.id
    left join slotbase.booking_questions k on k.facility_id = f.id
    left join slotbase.resources r on r.facility_id = f.id and r.id = ${input.resourceId} and r.is_active
    left join slotbase.users u on u.id = ${bookerId} and u.kind = 'person' and ${mayBeNamed(tx`u.id`)}
    where f.id = ${facilityId}`
  // The lock shares the round trip.
  const [[person], [row]] = await Promise.all([locks[limited ? lock : "none"](tx, facilityId, bookerId), statement])
  return row && { ...row, locked: person?.locked ?? true }
}

const locks = {
  wait: lockMember,
  try: tryToLockMember,
  none: () => [] as { locked?: boolean }[],
}

/** Live holds, and requests that wait for approval: both keep a slot from others. */
const liveHolds = (tx: Tx, facilityId: string, bookerId: string) => tx`
  (select count(*)::integer from slotbase.bookings b
   where b.booker_id = ${bookerId} and b.facility_id = ${facilityId} and b.start_at > (select slotbase.now()) - interval '1 day'
     and (b.status = 'held' and b.hold_expires_at > (select slotbase.now())
       or b.status = 'pending' and b.start_at > (select slotbase.now())))`
