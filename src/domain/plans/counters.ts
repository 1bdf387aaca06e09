/**
 * The counters of the entitlements that a plan limits. Each counter has one row, changed only under its lock.
 * Returns are inserted beside the row, and subtracted when an exact count is needed. A counter begins with the real
 * use.
 * Writes: entitlement_counters, entitlement_returns.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { usageMonthAt } from "./periods.ts"
import { countedAtUse, type EntitlementType, type PlanRow } from "./plans.ts"

export interface Taken {
  /** False: the amount did not fit, or the counter's month is over. Nothing was changed. */
  readonly taken: boolean
  readonly used: number
  readonly allowed: number
  /** 0 to 3, as slotbase.warning_level() has it. */
  readonly warned: number
}

/**
 * Uses an amount of an entitlement, if enough is left; undefined when nothing limits it, which costs one index lookup.
 * The counter's row decides: the second of two uses waits until the first has committed.
 * @param beyond the limit does not refuse this use
 */
export async function takeEntitlement(
  tx: Tx,
  facilityId: string,
  type: EntitlementType,
  amount: number,
  beyond: boolean,
): Promise<Taken | undefined> {
  const [row] = await tx<Taken[]>`
    with taken as (
      update slotbase.entitlement_counters c
      set used = c.used + ${amount}::integer
      where c.facility_id = ${facilityId} and c.entitlement = ${type}
        and (${beyond} or c.used + ${amount}::integer <= c.allowed) and c.period_end > (select slotbase.now())
      returning c.used, c.allowed, c.warned
    )
    select true as taken, t.used, t.allowed, t.warned from taken t
    union all
    select false, c.used, c.allowed, c.warned from slotbase.entitlement_counters c
    where c.facility_id = ${facilityId} and c.entitlement = ${type} and not exists (select from taken)`
  return row
}

/** Returns an amount without waiting for the counter. */
export async function returnEntitlement(
  tx: Tx,
  facilityId: string,
  type: EntitlementType,
  amount: number,
): Promise<void> {
  await tx`
    insert into slotbase.entitlement_returns (facility_id, entitlement, period_number, amount)
    select c.facility_id, c.entitlement, c.period_number, ${amount}::integer
    from slotbase.entitlement_counters c
    where c.facility_id = ${facilityId} and c.entitlement = ${type}`
}

/** Whether less than an amount of an entitlement is left, read without a lock. False when nothing limits it. */
export async function isUsedUp(
  db: Queryable,
  facilityId: string,
  type: EntitlementType,
  amount: number,
): Promise<boolean> {
  const [row] = await db<{ is_used_up: boolean }[]>`
    select ${amount}::integer + c.used - (select coalesce(sum(r.amount), 0) from slotbase.entitlement_returns r
                     where r.facility_id = c.facility_id and r.entitlement = c.entitlement
                       and (not c.resets or r.period_number = c.period_number)) > c.allowed
           and not (c.resets and c.period_end <= (select slotbase.now())) as is_used_up
    from slotbase.entitlement_counters c
    where c.facility_id = ${facilityId} and c.entitlement = ${type}`
  return row?.is_used_up === true
}

/** An exact counter, locked until the commit. */
export interface Counter {
  readonly entitlement: EntitlementType
  readonly subscription_id: string
  readonly used: number
  readonly allowed: number
  /** The present level, and the highest level of this period until now. */
  readonly level: number
  readonly warned_before: number
  readonly period_end: Date
}

/** Locks a counter, subtracts the returns, and begins its next month when due; undefined when there is none. */
export async function bringCounterUpToDate(
  tx: Tx,
  facilityId: string,
  type: EntitlementType,
): Promise<Counter | undefined> {
  const [late] = await tx<{ anchor: string; timezone: string; started_at: Date; now: Date; over: boolean }[]>`
    with c as materialized (
      select * from slotbase.entitlement_counters
      where facility_id = ${facilityId} and entitlement = ${type} for no key update
    ), t as (
      select slotbase.now() as now
    )
    select s.usage_anchor_day::text as anchor, f.timezone, s.created_at as started_at, t.now, c.period_end <= t.now as over
    from c cross join t
    join slotbase.subscriptions s on s.id = c.subscription_id and s.facility_id = c.facility_id
    join slotbase.facilities f on f.id = c.facility_id`
  if (!late) return undefined
  const month = late.over ? usageMonthAt(late.anchor, late.timezone, late.started_at, late.now) : undefined
  const monthNumber = month?.number ?? null
  const monthStart = month?.start.toISOString() ?? null
  const monthEnd = month?.end.toISOString() ?? null
  // A month that is already counted continues: its end has moved because the facility's zone has changed.
  const [counter] = await tx<Counter[]>`
    with returns as (
      delete from slotbase.entitlement_returns where facility_id = ${facilityId} and entitlement = ${type}
      returning period_number, amount
    ), c as (
      select k.*, coalesce(${monthNumber}::integer, k.period_number) > k.period_number as begins,
             coalesce((select sum(r.amount) from returns r
                       where not k.resets or r.period_number = k.period_number), 0)::integer as returned
      from slotbase.entitlement_counters k where k.facility_id = ${facilityId} and k.entitlement = ${type}
    ), exact as (
      select c.*, case when c.begins and c.resets then 0 else greatest(0, c.used - c.returned) end as now_used from c
    ), judged as (
      select e.*, slotbase.warning_level(e.now_used, e.allowed) as level,
             case when e.begins then 0 else e.warned end as warned_before
      from exact e
    )
    update slotbase.entitlement_counters k
    set used = j.now_used, warned = j.warned_before,
        period_number = greatest(k.period_number, coalesce(${monthNumber}::integer, 0)),
        period_start = case when j.begins then ${monthStart}::timestamptz else k.period_start end,
        period_end = coalesce(${monthEnd}::timestamptz, k.period_end)
    from judged j
    where k.facility_id = j.facility_id and k.entitlement = j.entitlement
    returning k.entitlement, k.subscription_id, k.used, k.allowed, j.level, j.warned_before, k.period_end`
  return counter
}

/** Remembers that the level of an exact counter was announced. */
export async function markWarned(tx: Tx, facilityId: string, { entitlement, level }: Counter): Promise<void> {
  await tx`
    update slotbase.entitlement_counters set warned = ${level}
    where facility_id = ${facilityId} and entitlement = ${entitlement}`
}

/** The facts of a subscription that counting needs: its start, and the local day from which its months are counted. */
export interface Subscribed {
  readonly id: string
  readonly facility_id: string
  readonly usage_anchor_day: string
  readonly timezone: string
  readonly created_at: Date
}

/**
 * Makes the counters that the plan requires, with the real use, and returns them.
 * Called when a subscription begins, changes its plan or renews, with the subscription locked.
 * A level announced in this month counts as announced, if the use still reaches it under the earlier limit.
 */
export async function recount(tx: Tx, subscription: Subscribed, plan: PlanRow, at: Date): Promise<readonly Counter[]> {
  const { id, facility_id, usage_anchor_day, timezone, created_at } = subscription
  const month = usageMonthAt(usage_anchor_day, timezone, created_at, at)
  const limited = countedAtUse.filter((type) => plan.limits[type] !== null)
  const limits = limited.map((type) => plan.limits[type] as number)
  // The locks first, in a separate statement: the counting must see the changes that the locks waited for.
  const [, , counters] = await Promise.all([
    tx`select 1 from slotbase.entitlement_counters where facility_id = ${facility_id} order by entitlement for no key update`.execute(),
    tx`delete from slotbase.entitlement_counters where facility_id = ${facility_id} and not entitlement = any (${limited})`.execute(),
    // One statement, one snapshot: a return counts either here or later, and not twice.
    tx<Counter[]>`
      with returns as (
        delete from slotbase.entitlement_returns where facility_id = ${facility_id}
      ), before as (
        select entitlement, allowed, warned, period_number from slotbase.entitlement_counters where facility_id = ${facility_id}
      ), exact as (
        select l.entitlement, l.allowed, r.used, slotbase.warning_level(r.used, l.allowed) as level,
               coalesce((select least(b.warned, slotbase.warning_level(r.used, b.allowed)) from before b
                         where b.entitlement = l.entitlement and b.period_number = ${month.number}), 0) as warned_before
        from unnest(${limited}::text[], ${limits}::integer[]) as l (entitlement, allowed)
        join (${realUse(tx, facility_id, month.start)}) r on r.entitlement = l.entitlement
      ), counted as (
        insert into slotbase.entitlement_counters (facility_id, entitlement, subscription_id, used, allowed, warned, resets,
          period_number, period_start, period_end)
        select ${facility_id}, e.entitlement, ${id}, e.used, e.allowed, e.level, e.entitlement = 'bookings_per_month',
               ${month.number}, ${month.start.toISOString()}, ${month.end.toISOString()}
        from exact e order by e.entitlement
        on conflict (facility_id, entitlement) do update
        set subscription_id = excluded.subscription_id, used = excluded.used, allowed = excluded.allowed, warned = excluded.warned,
            period_number = excluded.period_number, period_start = excluded.period_start, period_end = excluded.period_end
        returning entitlement, subscription_id, used, allowed, period_end
      )
      select c.*, e.level, e.warned_before from counted c join exact e on e.entitlement = c.entitlement order by c.entitlement`,
  ])
  return counters
}

/** A counter as it stands, with what was announced of it. */
export type Announced = Pick<Counter, "entitlement" | "used" | "allowed" | "period_end"> & {
  readonly warned: number
  readonly period_number: number
}

/** The counters of a facility, locked, with the returns taken off. */
export const lockAnnounced = (tx: Tx, facilityId: string) => tx<Announced[]>`
  select c.entitlement, c.allowed, c.warned, c.period_number, c.period_end,
         greatest(0, c.used - coalesce((select sum(r.amount) from slotbase.entitlement_returns r
                                        where r.facility_id = c.facility_id and r.entitlement = c.entitlement
                                          and (not c.resets or r.period_number = c.period_number)), 0))::integer as used
  from slotbase.entitlement_counters c
  where c.facility_id = ${facilityId} order by c.entitlement for no key update`

/**
 * A recount announces no level twice in one month and under one limit, also when the use had fallen meanwhile. Answers
 * the counters with the levels that were announced before the recount.
 */
export async function keepAnnounced(
  tx: Tx,
  facilityId: string,
  counters: readonly Counter[],
  before: readonly Announced[],
): Promise<readonly Counter[]> {
  const kept = await tx<{ entitlement: EntitlementType; warned: number }[]>`
    update slotbase.entitlement_counters c set warned = greatest(c.warned, b.warned)
    from unnest(${before.map(({ entitlement }) => entitlement)}::text[], ${before.map(({ allowed }) => allowed)}::integer[],
                ${before.map(({ period_number }) => period_number)}::integer[], ${before.map(({ warned }) => warned)}::smallint[])
      as b (entitlement, allowed, period_number, warned)
    where c.facility_id = ${facilityId} and c.entitlement = b.entitlement and c.allowed = b.allowed
      and c.period_number = b.period_number
    returning c.entitlement, b.warned`
  const announced = new Map(kept.map(({ entitlement, warned }) => [entitlement, warned]))
  return counters.map((counter) => ({
    ...counter,
    warned_before: Math.max(counter.warned_before, announced.get(counter.entitlement) ?? 0),
  }))
}

export interface CheckedFacility {
  readonly facility_id: string
  readonly timezone: string
  /** A counter is missing or wrong, its month is over, or a level was not announced. */
  readonly is_wrong: boolean
}

/**
 * Subscribed facilities with their counters compared to the real use, by id; at most `limit` after one. One statement
 * and one snapshot: a use and its counter are committed together, so a use under way is not a difference.
 */
export const checkCounters = (db: Queryable, limit: number, after: string | undefined) => db<CheckedFacility[]>`
  with page as materialized (
    select s.facility_id, f.timezone, p.bookings_per_month, p.active_users, p.coaches, p.resources
    from slotbase.subscriptions s
    join slotbase.facilities f on f.id = s.facility_id
    join slotbase.subscription_plans p on p.id = s.plan_id
    where s.status <> 'cancelled' ${after === undefined ? db`` : db`and s.facility_id > ${after}`}
    order by s.facility_id limit ${limit}
  ), t as materialized (select slotbase.now() as now)
  select g.facility_id, g.timezone, exists (
    select from (values ('bookings_per_month', g.bookings_per_month), ('active_users', g.active_users), ('coaches', g.coaches),
                        ('resources', g.resources)) as l (entitlement, allowed)
    full join (select * from slotbase.entitlement_counters k where k.facility_id = g.facility_id) c
      on c.entitlement = l.entitlement
    cross join lateral (
      select case c.entitlement
        when 'bookings_per_month' then (
          select count(*) from slotbase.bookings b
          where b.facility_id = g.facility_id and b.start_at >= c.period_start and b.created_at >= c.period_start
            and b.status not in ('expired', 'released') and b.booking_type not in ('coach_block', 'maintenance'))
        when 'resources' then (
          select count(*) from slotbase.resources r where r.facility_id = g.facility_id and r.is_active)
        else (
          select count(distinct r.user_id) from slotbase.role_grants r
          join slotbase.users u on u.id = r.user_id and u.kind = 'person'
          where r.scope_id = g.facility_id and r.scope_type = 'facility'
            and case c.entitlement when 'coaches' then r.role = 'coach' else r.counts end)
        end::integer as used
    ) r
    cross join lateral (
      select coalesce(sum(b.amount), 0)::integer as returned from slotbase.entitlement_returns b
      where b.facility_id = c.facility_id and b.entitlement = c.entitlement
        and (not c.resets or b.period_number = c.period_number)
    ) b
    where c.allowed is distinct from l.allowed
       or c.period_end <= (select now from t)
       or greatest(0, c.used - b.returned) <> r.used
       or slotbase.warning_level(r.used, c.allowed) > c.warned
  ) as is_wrong
  from page g
  order by g.facility_id`

/** The subscription has ended: nothing is limited any more. */
export async function removeCounters(tx: Tx, facilityId: string): Promise<void> {
  await Promise.all([
    tx`delete from slotbase.entitlement_counters where facility_id = ${facilityId}`.execute(),
    tx`delete from slotbase.entitlement_returns where facility_id = ${facilityId}`.execute(),
  ])
}

/** The use of each entitlement that commands count, limited or not, at an instant of the given month. */
export async function usedOf(
  db: Queryable,
  facilityId: string,
  month: { readonly number: number; readonly start: Date },
): Promise<ReadonlyMap<EntitlementType, number>> {
  const rows = await db<{ entitlement: EntitlementType; used: number }[]>`
    select r.entitlement,
           coalesce(greatest(0, case when c.resets and c.period_number < ${month.number} then 0
             else c.used - (select coalesce(sum(b.amount), 0) from slotbase.entitlement_returns b
                            where b.facility_id = c.facility_id and b.entitlement = c.entitlement
                              and (not c.resets or b.period_number = c.period_number)) end), r.used)::integer as used
    from (${realUse(db, facilityId, month.start)}) r
    left join slotbase.entitlement_counters c on c.facility_id = ${facilityId} and c.entitlement = r.entitlement`
  return new Map(rows.map(({ entitlement, used }) => [entitlement, used]))
}

/**
 * The real use:
 * - bookings made since the month began, without expired and released ones (cancelled ones count),
 * - people with a role in the facility that counts,
 * - its coaches,
 * - its active resources.
 * Nobody books the past, so the index by start serves.
 */
const realUse = (sql: Queryable, facilityId: string, monthStart: Date) => sql`
  select 'bookings_per_month' as entitlement, count(*)::integer as used from slotbase.bookings
  where facility_id = ${facilityId} and start_at >= ${monthStart.toISOString()} and created_at >= ${monthStart.toISOString()}
    and status not in ('expired', 'released') and booking_type not in ('coach_block', 'maintenance')
  union all
  select 'resources', count(*)::integer from slotbase.resources where facility_id = ${facilityId} and is_active
  union all
  select m.entitlement, (count(distinct g.user_id) filter (where case m.entitlement when 'coaches' then g.role = 'coach' else g.counts end))::integer
  from (values ('active_users'), ('coaches')) as m (entitlement)
  left join (select g.user_id, g.role, g.counts from slotbase.role_grants g
             join slotbase.users u on u.id = g.user_id and u.kind = 'person'
             where g.scope_id = ${facilityId} and g.scope_type = 'facility') g on true
  group by m.entitlement`
