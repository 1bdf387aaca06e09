/**
 * The monthly active users of a facility: people who booked or take part, each once in the local month in which the
 * booking was confirmed. A cancellation takes nobody out again: the person has used the facility in that month. Each
 * level of subscription.limit_warning is recorded once per month. The limit refuses no booking.
 * Writes: monthly_active_users, active_user_months.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { planOfSubscription, recordWarnings } from "./warnings.ts"

/** People who were active at an instant. */
export interface Activity {
  readonly facilityId: string
  readonly eventId: string
  /** The first day of the local month. */
  readonly month: string
  readonly userIds: readonly string[]
}

/** The first day of the month of a local day: "2026-03-01". */
export const monthOfDay = (day: string): string => `${day.slice(0, 7)}-01`

/** Counts people. Answers how many of them were new in their month. */
export async function countActive(tx: Tx, { facilityId, eventId, month, userIds }: Activity): Promise<number> {
  // In one order, so that two events never wait for each other.
  const people = [...new Set(userIds)].sort()
  const [row] = await tx<Counted[]>`
    with seen as (
      insert into slotbase.monthly_active_users (facility_id, month, user_id, event_id)
      select f.id, ${month}::date, u, ${eventId}
      from slotbase.facilities f cross join unnest(${people}::uuid[]) u where f.id = ${facilityId}
      on conflict do nothing
      returning facility_id
    ), counted as (
      insert into slotbase.active_user_months as m (facility_id, month, users)
      select facility_id, ${month}::date, count(*) from seen group by facility_id
      on conflict (facility_id, month) do update set users = m.users + excluded.users
      returning facility_id, users, warned
    )
    select (select count(*) from seen)::integer as fresh, c.users, c.warned, s.id as subscription_id, p.monthly_active_users as allowed,
           slotbase.warning_level(c.users, p.monthly_active_users) as level
    from counted c
    left join slotbase.subscriptions s on s.facility_id = c.facility_id and s.status <> 'cancelled'
    left join slotbase.subscription_plans p on p.id = s.plan_id`
  if (row === undefined) return 0
  if (row.subscription_id !== null && row.allowed !== null && row.level > row.warned)
    await warn(tx, facilityId, month, { ...row, subscription_id: row.subscription_id, allowed: row.allowed })
  return row.fresh
}

/** How many people were active in a month. */
export async function activeUsersIn(db: Queryable, facilityId: string, month: string): Promise<number> {
  const [row] = await db<{ users: number }[]>`
    select users from slotbase.active_user_months where facility_id = ${facilityId} and month = ${month}::date`
  return row?.users ?? 0
}

interface Counted {
  readonly fresh: number
  readonly users: number
  readonly warned: number
  readonly level: 0 | 1 | 2 | 3
  readonly subscription_id: string | null
  readonly allowed: number | null
}

async function warn(
  tx: Tx,
  facilityId: string,
  month: string,
  { users, warned, level, allowed, subscription_id }: Counted & { subscription_id: string; allowed: number },
): Promise<void> {
  const { plan, plans, organization_id } = await planOfSubscription(tx, facilityId, subscription_id)
  await tx`
    update slotbase.active_user_months set warned = ${level} where facility_id = ${facilityId} and month = ${month}::date`
  const counter = { entitlement: "monthly_active_users", subscription_id, used: users, allowed, level } as const
  recordWarnings(tx, { facility_id: facilityId, organization_id }, [{ ...counter, warned_before: warned }], plan, plans)
}
