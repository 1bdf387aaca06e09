/**
 * How near a facility is to the limits of its plan, in levels and in words.
 * The event about a level is recorded once per level and month; the counter's row remembers it.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken } from "#base/errors.ts"
import { localDateOf } from "#base/local-days.ts"
import { record } from "#events/outbox.ts"
import { scopeOf } from "#events/scope.ts"
import type { Counter } from "./counters.ts"
import { allPlans, type EntitlementType, type PlanRow, planWithMore, requirePlan } from "./plans.ts"

/** The level "approaching" begins at this share of a limit, percent. */
const approachingPercent = 80

/** In the order of their numbers in the counters. */
export const levels = ["ok", "approaching", "at_limit", "exceeded"] as const

/** The number of the level of a use: the same as slotbase.warning_level(). */
export function levelOf(used: number, allowed: number): 0 | 1 | 2 | 3 {
  if (used > allowed) return 3
  if (used === allowed) return 2
  return used * 100 >= allowed * approachingPercent ? 1 : 0
}

/** A tenth of a percent is exact enough. */
export const percentOf = (used: number, allowed: number): number => Math.round((1000 * used) / allowed) / 10

/** Records subscription.limit_warning for each counter with a higher level than was announced. */
export function recordWarnings(
  tx: Tx,
  of: { readonly facility_id: string; readonly organization_id: string | null },
  counters: readonly Omit<Counter, "period_end">[],
  plan: PlanRow,
  plans: readonly PlanRow[],
): void {
  for (const { entitlement, subscription_id, used, allowed, level, warned_before } of counters) {
    if (level <= warned_before) continue
    record(tx, {
      type: "subscription.limit_warning",
      ...scopeOf({ id: of.facility_id, organization_id: of.organization_id }),
      data: {
        subscriptionId: subscription_id,
        facilityId: of.facility_id,
        entitlementType: entitlement,
        currentUsage: used,
        limit: allowed,
        percentUsed: percentOf(used, allowed),
        warningLevel: levels[level as 1 | 2 | 3],
        recommendedAction: adviceOn(entitlement, Math.max(used, allowed), plan, plans),
      },
    })
  }
}

/** The plan of a subscription, among all plans. */
export async function planOfSubscription(
  db: Queryable,
  facilityId: string,
  subscriptionId: string,
): Promise<{ plan: PlanRow; plans: readonly PlanRow[]; timezone: string; organization_id: string | null }> {
  const [plans, [row]] = await Promise.all([
    allPlans(db),
    db<{ plan_id: string; timezone: string; organization_id: string | null }[]>`
      select s.plan_id, f.timezone, f.organization_id
      from slotbase.subscriptions s join slotbase.facilities f on f.id = s.facility_id
      where s.id = ${subscriptionId} and s.facility_id = ${facilityId}`,
  ])
  if (!row) throw new Error(`planOfSubscription: there is no subscription ${subscriptionId}`)
  return { ...row, plan: requirePlan(plans, row.plan_id), plans }
}

/** Names the used-up entitlement, the end of its month, and a plan that helps. */
export function limitReached(
  { entitlement, allowed, period_end }: Counter,
  plan: PlanRow,
  plans: readonly PlanRow[],
  timezone: string,
): RuleBroken {
  const used =
    entitlement === "bookings_per_month"
      ? `they are used up until ${localDateOf(timezone, period_end.getTime())}`
      : "all of them are in use"
  const advice = adviceOn(entitlement, allowed, plan, plans)
  const message = `The ${plan.name} plan includes ${amountOf(entitlement, allowed)}, and ${used}. ${advice}`
  return new RuleBroken("limit_reached", message)
}

/** A sentence that is true of the present plans: the next plan that allows more than this amount, or other advice. */
function adviceOn(type: EntitlementType, amount: number, plan: PlanRow, plans: readonly PlanRow[]): string {
  const next = planWithMore(plans, plan, type, amount)
  if (next !== undefined) return `Move to the ${next.name} plan for ${amountOf(type, next.limits[type])}.`
  return `No plan includes more than the ${plan.name} plan here; ${withoutPlan[type]}.`
}

/** Such as "1,000 active users". */
const amountOf = (type: EntitlementType, amount: number | null): string =>
  `${amount === null ? "unlimited" : amount.toLocaleString("en-US")} ${amount === 1 ? singular[type] : type.replaceAll("_", " ")}`

const singular: Readonly<Record<EntitlementType, string>> = {
  bookings_per_month: "booking per month",
  active_users: "active user",
  monthly_active_users: "monthly active user",
  coaches: "coach",
  resources: "resource",
}

const withoutPlan: Readonly<Record<EntitlementType, string>> = {
  bookings_per_month: "the count begins again with the next month of the subscription",
  active_users: "take away roles of people who have left",
  monthly_active_users: "nothing is refused, and the count begins again with the next month",
  coaches: "take away the role from coaches who have left",
  resources: "deactivate resources that are no longer booked",
}
