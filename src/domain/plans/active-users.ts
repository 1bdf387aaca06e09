/**
 * The monthly active users of a facility: people who booked or take part, each once in the local month in which the
 * booking was confirmed. A cancellation takes nobody out again: the person has used the facility in that month. Each
 * level of subscription.limit_warning is recorded once per month. The limit refuses no booking. A month is closed when
 * the next one begins. A late event still counts in its own month; what the month had when it was closed stays.
 * Writes: monthly_active_users, active_user_months.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { spanOfDay } from "#base/local-days.ts"
import { record } from "#events/outbox.ts"
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
  const [row] = await tx<(Counted & { readonly fresh: number })[]>`
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
  await warnIfNew(tx, facilityId, month, row)
  return row.fresh
}

/**
 * Closes the months before one, and begins it at zero. Records facility.active_users_closed for each month that was
 * closed now; a month without anybody is closed too, if it is the last one. Answers how many there were.
 * @param month the first day of the local month that begins
 */
export async function closeActiveMonths(tx: Tx, facilityId: string, month: string, timezone: string): Promise<number> {
  const last = Temporal.PlainDate.from(month).subtract({ months: 1 }).toString()
  const begins = new Date(spanOfDay(timezone, month).start).toISOString()
  // A facility that was opened in this month has none before it.
  await tx`
    insert into slotbase.active_user_months (facility_id, month, users)
    select f.id, m, 0 from slotbase.facilities f cross join unnest(${[last, month]}::text[]::date[]) m
    where f.id = ${facilityId} and (m = ${month}::date or f.created_at < ${begins})
    on conflict do nothing`
  const closed = await tx<{ month: string; users: number; allowed: number | null }[]>`
    update slotbase.active_user_months m
    set closed_at = slotbase.now(), closed_users = m.users, closed_limit = (
      select p.monthly_active_users from slotbase.subscriptions s join slotbase.subscription_plans p on p.id = s.plan_id
      where s.facility_id = m.facility_id and s.status <> 'cancelled')
    where m.facility_id = ${facilityId} and m.month < ${month}::date and m.closed_at is null
    returning m.month::text as month, m.users, m.closed_limit as allowed`
  for (const { month: over, users, allowed } of closed.toSorted((a, b) => (a.month < b.month ? -1 : 1))) {
    record(tx, {
      type: "facility.active_users_closed",
      facilityId,
      data: {
        facilityId,
        month: over,
        users,
        ...(allowed !== null && { limit: allowed }),
        nextMonth: Temporal.PlainDate.from(over).add({ months: 1 }).toString(),
      },
    })
  }
  return closed.length
}

/** A month of a facility whose count, or whose warning, is not as it should be. */
export interface ActiveMonth {
  readonly facilityId: string
  readonly month: string
}

/** Those of some months whose count is not that of its people, or whose level was not warned of. By index. */
export const wrongActiveMonths = (db: Queryable, months: readonly ActiveMonth[]) => db<ActiveMonth[]>`
  select m.facility_id as "facilityId", m.month::text as month
  from unnest(${months.map((each) => each.facilityId)}::uuid[], ${months.map(({ month }) => month)}::text[]::date[])
    as w (facility_id, month)
  join slotbase.active_user_months m on m.facility_id = w.facility_id and m.month = w.month
  left join slotbase.subscriptions s on s.facility_id = m.facility_id and s.status <> 'cancelled'
  left join slotbase.subscription_plans p on p.id = s.plan_id
  cross join lateral (
    select count(*)::integer as users from slotbase.monthly_active_users u
    where u.facility_id = m.facility_id and u.month = m.month
  ) r
  where m.users <> r.users or slotbase.warning_level(r.users, p.monthly_active_users) > m.warned`

/** Counts the people of a month anew, and warns of a level that was not warned of. Answers whether it was wrong. */
export async function recountActive(tx: Tx, { facilityId, month }: ActiveMonth): Promise<boolean> {
  const [before] = await tx<{ users: number }[]>`
    select users from slotbase.active_user_months
    where facility_id = ${facilityId} and month = ${month}::date for update`
  // In a statement of its own: it sees the people whose commit the lock waited for.
  const [row] = await tx<Counted[]>`
    update slotbase.active_user_months m set users = r.users
    from (select count(*)::integer as users from slotbase.monthly_active_users
          where facility_id = ${facilityId} and month = ${month}::date) r
    left join slotbase.subscriptions s on s.facility_id = ${facilityId} and s.status <> 'cancelled'
    left join slotbase.subscription_plans p on p.id = s.plan_id
    where m.facility_id = ${facilityId} and m.month = ${month}::date
    returning m.users, m.warned, s.id as subscription_id, p.monthly_active_users as allowed,
              slotbase.warning_level(r.users, p.monthly_active_users) as level`
  if (row === undefined) return false
  await warnIfNew(tx, facilityId, month, row)
  return before?.users !== row.users
}

export interface ActiveMonthRow {
  readonly month: string
  readonly users: number
  readonly closed_at: Date | null
  readonly closed_users: number | null
  readonly closed_limit: number | null
}

/** The months of a facility, the newest first, before one; at most `limit`. */
export const activeMonths = (db: Queryable, facilityId: string, before: string | undefined, limit: number) => db<
  ActiveMonthRow[]
>`
  select month::text as month, users, closed_at, closed_users, closed_limit from slotbase.active_user_months
  where facility_id = ${facilityId} ${before === undefined ? db`` : db`and month < ${before}::text::date`}
  order by month desc limit ${limit}`

/** How many people were active in a month. */
export async function activeUsersIn(db: Queryable, facilityId: string, month: string): Promise<number> {
  const [row] = await db<{ users: number }[]>`
    select users from slotbase.active_user_months where facility_id = ${facilityId} and month = ${month}::date`
  return row?.users ?? 0
}

interface Counted {
  readonly users: number
  readonly warned: number
  readonly level: 0 | 1 | 2 | 3
  readonly subscription_id: string | null
  readonly allowed: number | null
}

async function warnIfNew(tx: Tx, facilityId: string, month: string, row: Counted): Promise<void> {
  const { users, warned, level, allowed, subscription_id } = row
  if (subscription_id === null || allowed === null || level <= warned) return
  const { plan, plans, organization_id } = await planOfSubscription(tx, facilityId, subscription_id)
  await tx`
    update slotbase.active_user_months set warned = ${level} where facility_id = ${facilityId} and month = ${month}::date`
  const counter = { entitlement: "monthly_active_users", subscription_id, used: users, allowed, level } as const
  recordWarnings(tx, { facility_id: facilityId, organization_id }, [{ ...counter, warned_before: warned }], plan, plans)
}
