/**
 * Compares what a plan allows with the real use, and sets counters right that have drifted. Warns of levels that no use
 * announced, such as after an operator's change of the plan. Each level is announced once in its month.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { localDateOf } from "#base/local-days.ts"
import { type ActiveMonth, monthOfDay, recountActive, wrongActiveMonths } from "#domain/plans/active-users.ts"
import {
  type Announced,
  type CheckedFacility,
  type Counter,
  checkCounters,
  keepAnnounced,
  lockAnnounced,
  recount,
} from "#domain/plans/counters.ts"
import { allPlans, requirePlan } from "#domain/plans/plans.ts"
import { recordWarnings } from "#domain/plans/warnings.ts"
import { lockLive } from "./rows.ts"

export interface CapacityPage {
  readonly facilities: readonly CheckedFacility[]
  /** Their present months of active users that are wrong. */
  readonly months: readonly ActiveMonth[]
}

/** The next facilities with a subscription, by id; at most `limit` after one. Reads only. */
export async function capacityPage(db: Queryable, limit: number, after: string | undefined): Promise<CapacityPage> {
  const [facilities, [{ now }]] = await Promise.all([
    checkCounters(db, limit, after),
    db<[{ now: Date }]>`select slotbase.now() as now`,
  ])
  const months = facilities.map(({ facility_id, timezone }) => ({
    facilityId: facility_id,
    month: monthOfDay(localDateOf(timezone, now.getTime())),
  }))
  return { facilities, months: await wrongActiveMonths(db, months) }
}

export interface CheckedCapacity {
  /** Counters that were not the real use. */
  readonly drifted: number
  /** Levels that were announced now. */
  readonly warned: number
}

/** Sets the counters of a facility right. Records subscription.limit_warning for each new level. */
export async function setCapacityRight(tx: Tx, facilityId: string): Promise<CheckedCapacity> {
  const subscription = await lockLive(tx, facilityId)
  if (subscription === undefined) return { drifted: 0, warned: 0 }
  const plans = await allPlans(tx)
  const plan = requirePlan(plans, subscription.plan_id)
  const before = await lockAnnounced(tx, facilityId)
  const exact = await recount(tx, subscription, plan, subscription.now)
  const counters = await keepAnnounced(tx, facilityId, exact, before)
  recordWarnings(tx, subscription, counters, plan, plans)
  return {
    drifted: counters.filter((counter) => hasDrifted(counter, before, subscription.now)).length,
    warned: counters.filter(({ level, warned_before }) => level > warned_before).length,
  }
}

/** Sets a month of active users right, and warns of its level. Answers 1 if it was wrong. */
export const setActiveMonthRight = async (tx: Tx, month: ActiveMonth): Promise<number> =>
  (await recountActive(tx, month)) ? 1 : 0

/** A counter whose month is over begins anew: that is no drift. */
function hasDrifted({ entitlement, used, allowed }: Counter, before: readonly Announced[], now: Date): boolean {
  const known = before.find((each) => each.entitlement === entitlement)
  if (known === undefined) return true
  if (known.period_end <= now) return false
  return known.used !== used || known.allowed !== allowed
}
