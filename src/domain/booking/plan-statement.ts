/**
 * The statement that reads the facts of a plan. It is put together once for each kind of request: thirty fragments take
 * the driver longer than the statement itself.
 */
import { isMemberOf, placeOf } from "#access/membership.ts"
import { compiled, type Slots } from "#base/database/compiled.ts"
import type { Queryable } from "#base/database/db.ts"
import { closedFor } from "#domain/club/closed.ts"
import { taxTermsOf } from "#domain/club/tax-rates.ts"
import { addressIn, unreachable } from "#domain/people/address.ts"
import { isLimited } from "#domain/plans/entitlements.ts"
import { restrictedUntil } from "./attendance/strikes.ts"
import { chosenByBooker, heldOf } from "./limits/held.ts"
import { rulesOf } from "./price-rules.ts"

/** What a request asks of the statement: who is not limited costs no reading of limits. */
interface Asked {
  readonly limited: boolean
  /** Whether a booking moves. */
  readonly moves: boolean
  /** Whether the request names participants. */
  readonly names: boolean
}

interface FactValues {
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

const planStatements = new Map<string, ReturnType<typeof compiled<FactValues>>>()

/** The statement for one kind of request. Call it with the row's type and the values. */
export function planStatement(asked: Asked) {
  const key = [asked.limited, asked.moves, asked.names].join()
  const statement = planStatements.get(key) ?? compiled<FactValues>((sql, values) => factsOf(sql, values, asked))
  planStatements.set(key, statement)
  return statement
}

function factsOf(sql: Queryable, values: Slots<FactValues>, { limited, moves, names }: Asked) {
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

/** Where a booking is now, if limits per person count it. */
const movingOf = (sql: Queryable, facilityId: Fragment, bookingId: Fragment) => sql`
  (select json_build_object('start', date_part('epoch', b.start_at) * 1000, 'end', date_part('epoch', b.end_at) * 1000)
   from slotbase.bookings b
   where b.id = ${bookingId} and b.facility_id = ${facilityId} and ${chosenByBooker(sql)})`
