/** The facts that a plan needs about the facility, the resource and the people of a request: one statement. */

import { isMemberOf, placeOf } from "#access/membership.ts"
import { compiled, type Slots } from "#base/database/compiled.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { Span } from "#base/local-days.ts"
import type { Weekday } from "#base/weekdays.ts"
import { closedFor } from "#domain/club/closed.ts"
import type { OpeningHours } from "#domain/club/opening-hours.ts"
import { type TaxTerms, taxTermsOf } from "#domain/club/tax-rates.ts"
import { addressIn, unreachable } from "#domain/people/address.ts"
import { isLimited } from "#domain/plans/entitlements.ts"
import { restrictedUntil } from "./attendance/strikes.ts"
import type { BufferRule } from "./buffers.ts"
import type { HoldInput } from "./input.ts"
import type { MemberLimit } from "./limits/fields.ts"
import { type HeldRow, heldOf, isCounted } from "./limits/held.ts"
import { lockMember, tryToLockMember } from "./limits/lock-member.ts"
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
  /** What the booker and their family hold; empty for who is not limited. */
  readonly held: readonly HeldRow[]
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
  const statement = statementFor({ limited, moves: moving !== null, names: people.length > 0 })<PlanFacts>(tx, {
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
  return row && { ...row, locked: person?.locked ?? true }
}

/** What a request asks of the statement: who is not limited costs no reading of limits. */
interface Asked {
  readonly limited: boolean
  /** Whether a booking moves. */
  readonly moves: boolean
  /** Whether the request names participants. */
  readonly names: boolean
}

interface Values {
  readonly facilityId: string
  readonly resourceId: string
  readonly bookerId: string
  readonly mayName: readonly string[]
  readonly family: readonly string[]
  readonly people: readonly string[]
  readonly startAt: string
  readonly endAt: string
  readonly moving: string | null
}

const statements = new Map<string, ReturnType<typeof compiled<Values>>>()

function statementFor(asked: Asked) {
  const key = [asked.limited, asked.moves, asked.names].join()
  const statement = statements.get(key) ?? compiled<Values>((sql, values) => statementOf(sql, values, asked))
  statements.set(key, statement)
  return statement
}

function statementOf(sql: Queryable, values: Slots<Values>, { limited, moves, names }: Asked) {
  const { resourceId, people, mayName, family, moving } = values
  const facilityId: Fragment = sql`f.id`
  const resource: Fragment = sql`r.id`
  const bookerId: Fragment = sql`${values.bookerId}::uuid`
  const startAt: Fragment = sql`${values.startAt}::timestamptz`
  const endAt: Fragment = sql`${values.endAt}::timestamptz`
  const now: Fragment = sql`t.now`
  const mine = { facilityId: values.facilityId, bookerId, now }
  const named = sql`
    (select coalesce(jsonb_object_agg(p.id, p.first_name || ' ' || p.last_name), '{}')
     from slotbase.users p
     where p.id = any (${people}::uuid[]) and p.kind = 'person'
       and (p.id = any (${mayName}::uuid[]) or ${isMemberOf(sql, sql`p.id`)}))`
  return sql`
    select f.id as facility_id, f.timezone, f.currency, ${taxTermsOf(sql, sql`f`)} as tax, f.opening_hours,
           f.slot_minutes, f.hold_minutes,
           r.id as resource_id, r.name as resource_name, r.resource_type, r.hourly_price,
           ${rulesOf(sql, facilityId, resource)} as price_rules,
           ${closedFor(sql, facilityId, resource, startAt, endAt)} as closed_for,
           u.id as booker_id, u.first_name || ' ' || u.last_name as booker_name,
           coalesce(${addressIn(sql, facilityId)}, ${unreachable}) as booker_email,
           ${names ? named : sql`'{}'::jsonb`} as people,
           ${isLimited(sql, facilityId, "bookings_per_month")} as is_limited,
           g.roles, g.is_uncounted,
           ${limited ? heldOf(sql, { ...mine, family, resourceId: resource, startAt, endAt }) : sql`'[]'::jsonb`} as held,
           ${moves ? movingOf(sql, facilityId, moving) : sql`null::jsonb`} as moving,
           q.member_limits, q.week_starts_on,
           coalesce(q.hold_pause_minutes, f.hold_minutes) as hold_pause_minutes,
           ${limited ? restrictedUntil(sql, { ...mine, facilityId, userId: bookerId }) : sql`null::timestamptz`} as restricted_until,
           q.lead_time_minutes, q.advance_days, q.approval_booking_types, q.approval_resource_ids, q.cancellation_policy,
           q.start_grid_minutes, q.least_minutes, q.greatest_minutes, q.length_step_minutes,
           coalesce(q.buffers, '[]') as buffers, coalesce(k.questions, '[]') as questions,
           t.now
    from slotbase.facilities f
    cross join (select slotbase.now() as now) t
    cross join lateral ${placeOf(sql, bookerId)} g
    left join slotbase.booking_policies q on q.facility_id = f.id
    left join slotbase.booking_questions k on k.facility_id = f.id
    left join slotbase.resources r on r.facility_id = f.id and r.id = ${resourceId} and r.is_active
    left join slotbase.users u on u.id = ${bookerId} and u.kind = 'person'
     and (u.id = any (${mayName}::uuid[]) or g.is_member)
    where f.id = ${values.facilityId}`
}

type Fragment = ReturnType<Queryable>

const locks = {
  wait: lockMember,
  try: tryToLockMember,
  none: () => [] as { locked?: boolean }[],
}

/** Where a booking is now, if limits per person count it. */
const movingOf = (sql: Queryable, facilityId: Fragment, bookingId: Fragment) => sql`
  (select json_build_object('start', date_part('epoch', b.start_at) * 1000, 'end', date_part('epoch', b.end_at) * 1000)
   from slotbase.bookings b
   where b.id = ${bookingId} and b.facility_id = ${facilityId} and ${isCounted(sql)})`
