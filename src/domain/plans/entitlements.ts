/**
 * What a facility's plan allows, counted where it is used, in the caller's transaction. A facility without a subscription
 * has no limits and pays for one look at an index. A use locks its counter's row until the commit, so it comes after
 * whatever else the transaction waits for; giving back waits for nobody.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { bringCounterUpToDate, markWarned, returnEntitlement, takeEntitlement } from "./counters.ts"
import type { EntitlementType } from "./plans.ts"
import { levelOf, limitReached, planOfSubscription, recordWarnings } from "./warnings.ts"

/**
 * Uses up some of an entitlement; of two who want the last, one gets it. Records subscription.limit_warning when the use
 * reaches a level (80 %, the limit) for the first time in the subscription's month.
 * @param amount a negative one is given back: never below zero, without a word of warning, and without waiting.
 * @throws RuleBroken `limit_reached`, which names the plan that allows more
 */
export async function useEntitlement(tx: Tx, facilityId: string, type: EntitlementType, amount = 1): Promise<void> {
  if (amount < 0) return returnEntitlement(tx, facilityId, type, -amount)
  if (amount === 0) return
  const taken = await takeEntitlement(tx, facilityId, type, amount)
  if (taken === undefined) return
  if (taken.taken) return levelOf(taken.used, taken.allowed) > taken.warned ? warn(tx, facilityId, type) : undefined
  // What was given back, or a month that is over, may make room.
  const counter = await bringCounterUpToDate(tx, facilityId, type)
  if (counter === undefined) return
  const again = await takeEntitlement(tx, facilityId, type, amount)
  if (again?.taken) return warn(tx, facilityId, type)
  const { plan, plans, timezone } = await planOfSubscription(tx, facilityId, counter.subscription_id)
  throw limitReached(counter, plan, plans, timezone)
}

/** Gives some back, as `useEntitlement` with a negative amount does. */
export const releaseEntitlement = (tx: Tx, facilityId: string, type: EntitlementType, amount = 1): Promise<void> =>
  useEntitlement(tx, facilityId, type, -amount)

/**
 * SQL, a boolean: whether anything limits the entitlement in the facility. A statement that a caller sends anyway may ask it,
 * to spare the facilities without a limit the one of `useEntitlement`.
 */
export const isLimited = (sql: Queryable, facilityId: ReturnType<Queryable>, type: EntitlementType) => sql`
  exists (select from slotbase.entitlement_counters l where l.facility_id = ${facilityId} and l.entitlement = ${type})`

/** Records the level that the counter, made exact, stands at, unless it was warned of before. */
async function warn(tx: Tx, facilityId: string, type: EntitlementType): Promise<void> {
  const counter = await bringCounterUpToDate(tx, facilityId, type)
  if (counter === undefined || counter.level <= counter.warned_before) return
  const { plan, plans, organization_id } = await planOfSubscription(tx, facilityId, counter.subscription_id)
  await markWarned(tx, facilityId, counter)
  recordWarnings(tx, { facility_id: facilityId, organization_id }, [counter], plan, plans)
}
