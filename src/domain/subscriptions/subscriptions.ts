/**
 * A facility's own subscription to SlotBase: begun, cancelled, resumed. Each command locks the subscription, brings it
 * to the present if its period is over, and records its event in the same transaction. `change-plan.ts` moves it to
 * another plan, `read.ts` reads it, and `renew.ts` makes the steps that follow from time.
 */

import type { Admin } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { unitOf } from "#base/money.ts"
import { findFacility } from "#domain/club/facilities.ts"
import { recount, removeCounters } from "#domain/plans/counters.ts"
import { type BillingCycle, boundary, localDayAfter } from "#domain/plans/periods.ts"
import {
  allPlans,
  currencyFor,
  type PlanRow,
  planPriceOf,
  planTaxRateOf,
  requireOffered,
  requirePlan,
} from "#domain/plans/plans.ts"
import { recordWarnings } from "#domain/plans/warnings.ts"
import { noteChange } from "#events/audit.ts"
import { type Subscription, toSubscription } from "./answer.ts"
import { keepRedemption, redeemCoupon } from "./coupons.ts"
import { recordCreated, recordResumed, recordSubscriptionCancelled } from "./events.ts"
import type { CancelSubscriptionInput, SubscribeInput } from "./input.ts"
import { bill } from "./invoices.ts"
import { discountOn, periodFrom } from "./proration.ts"
import { bringToPresent, lockRunning, subscriptionEnds } from "./renew.ts"
import {
  changeSubscription,
  hadTrial,
  insertSubscription,
  type LockedSubscription,
  lockLive,
  takeEndedCredit,
} from "./rows.ts"

/**
 * Begins a subscription, with a trial or with its first paid period.
 * Records subscription.created, and subscription.limit_warning for each limit that the facility is near to or beyond.
 * @throws NotFound, RuleBroken (plan_unknown, plan_has_no_trial, coupon_…), WrongState
 * (subscription_exists, trial_used)
 */
export async function subscribe(tx: Tx, admin: Admin, input: SubscribeInput): Promise<Subscription> {
  const { caller, facilityId } = admin
  const facility = await findFacility(tx, facilityId)
  const plans = await allPlans(tx)
  const plan = requireOffered(plans, input.planId)
  const present = await lockLive(tx, facilityId)
  // A subscription whose period is over may be about to end.
  if (present && (await bringToPresent(tx, present)).status !== "cancelled") throw exists()
  const trial = input.trial === true
  if (trial) await requireTrial(tx, facilityId, plan)

  const currency = currencyFor(plan, facility.currency)
  const { billingCycle } = input
  const price = planPriceOf(plan, billingCycle, currency)
  const coupon = input.couponCode === undefined ? null : await redeemCoupon(tx, facilityId, input.couponCode, currency)
  const discount = discountOn(price, coupon, 1, unitOf(currency))
  const [{ now }] = await tx<[{ now: Date }]>`select slotbase.now() as now`
  const period = trial ? trialOf(plan, facility.timezone, now) : paidFrom(billingCycle, facility.timezone, now)
  const id = newId()
  const inserted = await insertSubscription(tx, {
    id,
    facility_id: facilityId,
    plan_id: plan.id,
    billing_cycle: billingCycle,
    status: trial ? "trialing" : "active",
    currency,
    anchor_day: period.anchorDay,
    usage_anchor_day: period.anchorDay,
    period_number: period.periodNumber,
    current_period_start: now,
    current_period_end: period.periodEnd,
    period_amount: trial ? 0 : price - discount,
    billed_periods: trial ? 0 : 1,
    trial_end: trial ? period.periodEnd : null,
    coupon_id: coupon?.id ?? null,
    created_by: caller.userId,
  })
  if (!inserted) throw exists()
  const began = await locked(tx, facilityId)
  if (coupon !== null) await keepRedemption(tx, coupon, facilityId, id)
  const credit = await takeEndedCredit(tx, facilityId, currency)
  recordCreated(tx, began, plan, discount)
  const start = { reason: "start", periodStart: now, periodEnd: period.periodEnd, subtotal: price, discount } as const
  const { creditLeft } = trial
    ? { creditLeft: credit }
    : await bill(tx, { ...began, credit_balance: credit }, { ...start, taxRate: planTaxRateOf(plan, currency) })
  const subscription = creditLeft === 0 ? began : await changeSubscription(tx, began, { credit_balance: creditLeft })
  recordWarnings(tx, subscription, await recount(tx, subscription, plan, now), plan, plans)
  return toSubscription(subscription, plan)
}

/**
 * Cancels at the end of the period, or at once. Paid amounts are not refunded. Records subscription.cancelled.
 * @throws NotFound, WrongState `subscription_ends`
 */
export async function cancelSubscription(
  tx: Tx,
  admin: Admin,
  { cancelReason, atPeriodEnd = true }: CancelSubscriptionInput,
): Promise<Subscription> {
  const { caller, facilityId } = admin
  const subscription = await lockRunning(tx, facilityId)
  if (subscription.cancel_at_period_end && atPeriodEnd) throw subscriptionEnds(subscription)
  const { now } = subscription
  const cancelled = await changeSubscription(tx, subscription, {
    cancel_at_period_end: atPeriodEnd,
    cancelled_at: now,
    cancelled_by: caller.userId,
    cancel_reason: cancelReason ?? null,
    ...(!atPeriodEnd && { status: "cancelled", ended_at: now }),
  })
  if (!atPeriodEnd) await removeCounters(tx, facilityId)
  recordSubscriptionCancelled(tx, cancelled, caller.userId, atPeriodEnd ? cancelled.current_period_end : now)
  return noted(tx, subscription, cancelled, requirePlan(await allPlans(tx), cancelled.plan_id))
}

/**
 * Withdraws a cancellation while the period runs. Records subscription.resumed.
 * @throws NotFound, WrongState `subscription_not_cancelled`
 */
export async function resumeSubscription(tx: Tx, admin: Admin): Promise<Subscription> {
  const { caller, facilityId } = admin
  const subscription = await lockRunning(tx, facilityId)
  if (!subscription.cancel_at_period_end) {
    throw new WrongState("subscription_not_cancelled", "The subscription has not been cancelled.")
  }
  const resumed = await changeSubscription(tx, subscription, {
    cancel_at_period_end: false,
    cancelled_at: null,
    cancelled_by: null,
    cancel_reason: null,
  })
  recordResumed(tx, resumed, caller.userId)
  return noted(tx, subscription, resumed, requirePlan(await allPlans(tx), resumed.plan_id))
}

/** The answer of a change on one plan, and the values of the audit trail. */
function noted(tx: Tx, from: LockedSubscription, to: LockedSubscription, plan: PlanRow): Subscription {
  const after = toSubscription(to, plan)
  noteChange(tx, { subjectId: after.id, before: toSubscription(from, plan), after })
  return after
}

async function locked(tx: Tx, facilityId: string): Promise<LockedSubscription> {
  const subscription = await lockLive(tx, facilityId)
  if (!subscription) throw new Error("subscribe: the subscription is not there")
  // The instant at which the subscription began, not the later one at which the row was read.
  return { ...subscription, now: subscription.created_at }
}

async function requireTrial(tx: Tx, facilityId: string, plan: PlanRow): Promise<void> {
  if (plan.trial_days === 0) {
    const fault = { path: "body.trial", message: "the plan has no trial" }
    throw new RuleBroken("plan_has_no_trial", `The ${plan.name} plan has no trial.`, [fault])
  }
  if (await hadTrial(tx, facilityId)) throw new WrongState("trial_used", "The facility has had its trial.")
}

/** The trial is the period before the first paid one, which begins on its own local day. */
function trialOf(plan: PlanRow, timezone: string, now: Date) {
  const anchorDay = localDayAfter(timezone, now, plan.trial_days)
  return { anchorDay, periodNumber: 0, periodEnd: boundary(anchorDay, "monthly", timezone, 0) }
}

const paidFrom = (cycle: BillingCycle, timezone: string, now: Date) =>
  periodFrom(localDayAfter(timezone, now, 0), cycle, timezone, now)

const exists = () =>
  new WrongState("subscription_exists", "The facility has a subscription already; change its plan instead.")
