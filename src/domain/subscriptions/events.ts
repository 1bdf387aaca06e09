/** The events of subscriptions, from the commands and the job: each event's data, from the rows. */
import type { Tx } from "#base/database/transaction.ts"
import type { PlanRow } from "#domain/plans/plans.ts"
import { record } from "#events/outbox.ts"
import { scopeOf } from "#events/scope.ts"
import type { SubscriptionRow, SubscriptionStatus } from "./rows.ts"

export function recordCreated(tx: Tx, row: SubscriptionRow, plan: PlanRow, discount: number): string {
  return record(tx, {
    type: "subscription.created",
    ...placeOf(row),
    data: {
      ...named(row),
      planId: plan.id,
      planName: plan.name,
      billingCycle: row.billing_cycle,
      status: row.status,
      ...(row.trial_end !== null && { trialEnd: row.trial_end.toISOString() }),
      currentPeriodStart: row.current_period_start.toISOString(),
      currentPeriodEnd: row.current_period_end.toISOString(),
      ...(row.coupon !== null && { couponApplied: row.coupon.code, discountAmount: discount }),
    },
  })
}

/** @param amount the amount due for the new period, after coupon and credit. */
export function recordRenewed(tx: Tx, row: SubscriptionRow, previousPeriodEnd: Date, amount: number): string {
  return record(tx, {
    type: "subscription.renewed",
    ...placeOf(row),
    data: {
      ...named(row),
      planId: row.plan_id,
      previousPeriodEnd: previousPeriodEnd.toISOString(),
      newPeriodStart: row.current_period_start.toISOString(),
      newPeriodEnd: row.current_period_end.toISOString(),
      amount,
      currency: row.currency,
    },
  })
}

/** @param cancelledBy a user's id, or `system`. */
export function recordSubscriptionCancelled(
  tx: Tx,
  row: SubscriptionRow,
  cancelledBy: string,
  effectiveDate: Date,
): string {
  return record(tx, {
    type: "subscription.cancelled",
    ...placeOf(row),
    data: {
      ...named(row),
      cancelledBy,
      ...(row.cancel_reason !== null && { cancelReason: row.cancel_reason }),
      cancelAtPeriodEnd: row.cancel_at_period_end,
      effectiveDate: effectiveDate.toISOString(),
    },
  })
}

export function recordResumed(tx: Tx, row: SubscriptionRow, resumedBy: string): string {
  return record(tx, {
    type: "subscription.resumed",
    ...placeOf(row),
    data: { ...named(row), resumedBy, currentPeriodEnd: row.current_period_end.toISOString() },
  })
}

export function recordPlanChanged(
  tx: Tx,
  row: SubscriptionRow,
  change: {
    readonly from: PlanRow
    readonly to: PlanRow
    readonly changeType: "upgrade" | "downgrade"
    readonly effectiveDate: Date
    readonly proratedAmount: number
  },
): string {
  const { from, to, changeType, effectiveDate, proratedAmount } = change
  return record(tx, {
    type: "subscription.plan_changed",
    ...placeOf(row),
    data: {
      ...named(row),
      previousPlanId: from.id,
      previousPlanName: from.name,
      newPlanId: to.id,
      newPlanName: to.name,
      changeType,
      effectiveDate: effectiveDate.toISOString(),
      proratedAmount,
    },
  })
}

/** @param invoicesPaid the invoices that nothing is due for any more. */
export function recordCreditApplied(
  tx: Tx,
  row: SubscriptionRow,
  amount: number,
  invoicesPaid: readonly string[],
): string {
  return record(tx, {
    type: "subscription.credit_applied",
    ...placeOf(row),
    data: {
      ...named(row),
      amount,
      currency: row.currency,
      creditBalance: row.credit_balance,
      invoicesPaid: [...invoicesPaid],
    },
  })
}

/** For changes of status without another event of the subscription. */
export function recordStatusChanged(
  tx: Tx,
  row: SubscriptionRow,
  newStatus: SubscriptionStatus,
  reason: "unpaid" | "paid" | "period_ended",
  effectiveDate: Date,
): string {
  return record(tx, {
    type: "subscription.status_changed",
    ...placeOf(row),
    data: {
      ...named(row),
      previousStatus: row.status,
      newStatus,
      reason,
      effectiveDate: effectiveDate.toISOString(),
    },
  })
}

const named = (row: SubscriptionRow) => ({ subscriptionId: row.id, facilityId: row.facility_id })

const placeOf = ({ facility_id: id, organization_id }: SubscriptionRow) => scopeOf({ id, organization_id })
