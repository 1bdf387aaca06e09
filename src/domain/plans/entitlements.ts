/**
 * The entitlements of a facility's plan, counted at each use, in the caller's transaction.
 * A facility without a subscription has no limits and pays for one index lookup.
 * A use locks its counter's row until the commit, so it comes after everything else that the transaction waits for.
 * A return waits for nothing.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import {
  bringCounterUpToDate,
  type Counter,
  isUsedUp,
  markWarned,
  returnEntitlement,
  takeEntitlement,
} from "./counters.ts"
import type { EntitlementType } from "./plans.ts"
import { levelOf, limitReached, planOfSubscription, recordWarnings } from "./warnings.ts"

/**
 * Uses an amount of an entitlement. Of two uses that want the last one, one succeeds.
 * Records subscription.limit_warning when the use reaches a level (80 %, the limit) for the first time in the
 * subscription's month.
 *
 * @param amount a negative amount is a return. It never goes below zero, never warns and never waits.
 * @param options.beyond the limit only warns, and refuses nothing
 * @throws RuleBroken `limit_reached`, which names the plan that allows more
 */
export async function useEntitlement(
  tx: Tx,
  facilityId: string,
  type: EntitlementType,
  amount = 1,
  { beyond = false } = {},
): Promise<void> {
  if (amount < 0) return returnEntitlement(tx, facilityId, type, -amount)
  if (amount === 0) return
  const taken = await takeEntitlement(tx, facilityId, type, amount, beyond)
  if (taken === undefined) return
  if (taken.taken) return levelOf(taken.used, taken.allowed) > taken.warned ? warn(tx, facilityId, type) : undefined
  // Returns, or a month that is over, may make room.
  const counter = await bringCounterUpToDate(tx, facilityId, type)
  if (counter === undefined) return
  const again = await takeEntitlement(tx, facilityId, type, amount, beyond)
  if (again?.taken) return warn(tx, facilityId, type)
  return refuse(tx, facilityId, counter)
}

/**
 * Asks whether an amount would fit, and uses nothing. Waits for nothing unless it refuses.
 * @throws RuleBroken `limit_reached`
 */
export async function requireEntitlement(tx: Tx, facilityId: string, type: EntitlementType, amount = 1): Promise<void> {
  if (!(await isUsedUp(tx, facilityId, type, amount))) return
  const counter = await bringCounterUpToDate(tx, facilityId, type)
  if (counter !== undefined && counter.used + amount > counter.allowed) return refuse(tx, facilityId, counter)
}

async function refuse(tx: Tx, facilityId: string, counter: Counter): Promise<never> {
  const { plan, plans, timezone } = await planOfSubscription(tx, facilityId, counter.subscription_id)
  throw limitReached(counter, plan, plans, timezone)
}

/**
 * SQL, a boolean: whether anything limits the entitlement in the facility.
 * Callers add it to a statement that they send anyway. Facilities without a limit then skip the statement of
 * `useEntitlement`.
 */
export const isLimited = (sql: Queryable, facilityId: ReturnType<Queryable>, type: EntitlementType) => sql`
  exists (select from slotbase.entitlement_counters l where l.facility_id = ${facilityId} and l.entitlement = ${type})`

/** Records the level of the counter, made exact, unless the level was announced before. */
async function warn(tx: Tx, facilityId: string, type: EntitlementType): Promise<void> {
  const counter = await bringCounterUpToDate(tx, facilityId, type)
  if (counter === undefined || counter.level <= counter.warned_before) return
  const { plan, plans, organization_id } = await planOfSubscription(tx, facilityId, counter.subscription_id)
  await markWarned(tx, facilityId, counter)
  recordWarnings(tx, { facility_id: facilityId, organization_id }, [counter], plan, plans)
}
