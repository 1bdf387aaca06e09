/**
 * Moves to another plan or billing cycle. The change takes effect at once, up and down.
 * Its cost is charged. Its saving is a credit, which pays the open invoices and then later ones. The preview is
 * computed by the same function as the charge.
 */

import type { Admin } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { WrongState } from "#base/errors.ts"
import { unitOf } from "#base/money.ts"
import { recount, usedOf } from "#domain/plans/counters.ts"
import { type BillingCycle, usageMonthAt } from "#domain/plans/periods.ts"
import {
  allPlans,
  countedAtUse,
  type PlanRow,
  planPriceOf,
  planTaxRateOf,
  requireOffered,
  requirePlan,
} from "#domain/plans/plans.ts"
import { recordWarnings } from "#domain/plans/warnings.ts"
import { noteChange } from "#events/audit.ts"
import { type EntitlementUse, type PlanChange, toSubscription, toUse } from "./answer.ts"
import { recordPlanChanged } from "./events.ts"
import type { ChangePlanInput } from "./input.ts"
import { bill, openAmount } from "./invoices.ts"
import { netCredit } from "./net-credit.ts"
import { prorate } from "./proration.ts"
import { lockRunning, subscriptionEnds } from "./renew.ts"
import { changeSubscription, columnsOf, type LockedSubscription, termsOf } from "./rows.ts"
import { closePrompts } from "./upgrade-prompts.ts"

/**
 * Moves to another plan or billing cycle at once, or only returns the cost.
 * Records subscription.plan_changed, and subscription.limit_warning for each limit that is near or passed on the new
 * plan.
 *
 * @throws NotFound, RuleBroken (plan_unknown, plan_has_no_price), WrongState (plan_unchanged,
 * subscription_ends, subscription_past_due)
 */
export async function changePlan(tx: Tx, admin: Admin, input: ChangePlanInput): Promise<PlanChange> {
  const { caller, facilityId } = admin
  const subscription = await lockRunning(tx, facilityId)
  const plans = await allPlans(tx)
  const from = requirePlan(plans, subscription.plan_id)
  const billingCycle = input.billingCycle ?? subscription.billing_cycle
  const to = input.planId === from.id ? from : requireOffered(plans, input.planId)
  requireChangeable(subscription, from, to, billingCycle)

  const price = planPriceOf(to, billingCycle, subscription.currency)
  const { coupon, timezone, now, currency } = subscription
  const change = prorate(
    termsOf(subscription),
    { planId: to.id, billingCycle, price },
    coupon,
    timezone,
    now,
    unitOf(currency),
  )
  const changeType = typeOf(from, to, billingCycle)
  const answer = {
    changeType,
    previousPlanId: from.id,
    newPlanId: to.id,
    effectiveDate: now.toISOString(),
    charge: change.charge,
    credit: change.credit,
    proratedAmount: change.proratedAmount,
    currency,
  }
  const after: LockedSubscription = { ...subscription, ...columnsOf(change.after) }
  const creditAfter = subscription.credit_balance + Math.max(0, -change.proratedAmount)
  if (input.preview === true) {
    noteChange(tx, "nothing")
    const open = await openAmount(tx, { subscription_id: subscription.id, facility_id: facilityId })
    const owed = Math.max(0, change.proratedAmount) + open
    const credit_balance = creditAfter - Math.min(creditAfter, owed)
    const overLimits = await overLimitsOf(tx, subscription, to)
    return { preview: true, ...answer, overLimits, subscription: toSubscription({ ...after, credit_balance }, to) }
  }

  const { creditLeft } =
    change.proratedAmount > 0
      ? await bill(tx, after, {
          reason: "plan_change",
          periodStart: now,
          periodEnd: after.current_period_end,
          subtotal: change.proratedAmount,
          discount: 0,
          taxRate: planTaxRateOf(to, currency),
        })
      : { creditLeft: creditAfter }
  const billed = await changeSubscription(tx, subscription, { ...columnsOf(change.after), credit_balance: creditLeft })
  recordPlanChanged(tx, billed, { from, to, changeType, effectiveDate: now, proratedAmount: change.proratedAmount })
  const changed = await netCredit(tx, billed)
  const counters = await recount(tx, changed, to, now)
  recordWarnings(tx, changed, counters, to, plans)
  await closePrompts(tx, facilityId, caller.userId)
  const overLimits = await overLimitsOf(tx, changed, to)
  const moved = toSubscription(changed, to)
  noteChange(tx, { subjectId: moved.id, before: toSubscription(subscription, from), after: moved })
  return { preview: false, ...answer, overLimits, subscription: moved }
}

function requireChangeable(
  subscription: LockedSubscription,
  from: PlanRow,
  to: PlanRow,
  billingCycle: BillingCycle,
): void {
  if (subscription.cancel_at_period_end) throw subscriptionEnds(subscription)
  if (subscription.status === "past_due") {
    throw new WrongState("subscription_past_due", "Something is unpaid; pay it before you change the plan.")
  }
  if (from.id === to.id && billingCycle === subscription.billing_cycle) {
    throw new WrongState("plan_unchanged", `The subscription is on the ${from.name} plan, ${billingCycle}, already.`)
  }
}

/** A larger plan is an upgrade; on one plan, the longer commitment is. */
const typeOf = (from: PlanRow, to: PlanRow, billingCycle: BillingCycle): PlanChange["changeType"] =>
  to.rank > from.rank || (to.rank === from.rank && billingCycle === "annual") ? "upgrade" : "downgrade"

async function overLimitsOf(tx: Tx, subscription: LockedSubscription, plan: PlanRow): Promise<EntitlementUse[]> {
  const { facility_id, usage_anchor_day, timezone, created_at, now } = subscription
  const used = await usedOf(tx, facility_id, usageMonthAt(usage_anchor_day, timezone, created_at, now))
  return countedAtUse
    .map((type) => toUse(type, used.get(type) ?? 0, plan.limits[type]))
    .filter(({ level }) => level === "exceeded")
}
