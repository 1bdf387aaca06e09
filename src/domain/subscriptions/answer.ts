/** A subscription, its invoices, its use and its changes as the API answers them. */

import * as Schema from "effect/Schema"
import { Currency, Id, Money } from "#base/schema/request-fields.ts"
import { lineOf } from "#domain/ledger/tax.ts"
import type { ActiveMonthRow } from "#domain/plans/active-users.ts"
import { billingCycles } from "#domain/plans/periods.ts"
import { Entitlement, entitlementsOf, Limit, type PlanRow } from "#domain/plans/plans.ts"
import { levelOf, levels, percentOf } from "#domain/plans/warnings.ts"
import type { InvoiceRow } from "./invoices.ts"
import type { SubscriptionRow } from "./rows.ts"

const instant = Schema.String
const orNull = Schema.NullOr

export const Subscription = Schema.Struct({
  id: Id,
  facilityId: Id,
  planId: Schema.String,
  planName: Schema.String,
  billingCycle: Schema.Literals(billingCycles),
  status: Schema.Literals(["trialing", "active", "past_due", "cancelled"]),
  currency: Currency,
  entitlements: Schema.Array(Schema.Struct({ entitlement: Entitlement, limit: Limit })),
  trialEnd: orNull(instant),
  currentPeriodStart: instant,
  currentPeriodEnd: instant,
  periodAmount: Money.annotate({
    description: "what the present period costs as a whole after the coupon, minor units",
  }),
  couponCode: orNull(Schema.String),
  creditBalance: Money.annotate({ description: "minor units that the next invoices cost less" }),
  cancelAtPeriodEnd: Schema.Boolean,
  cancelledAt: orNull(instant),
  cancelledBy: orNull(Id),
  cancelReason: orNull(Schema.String),
  endedAt: orNull(instant),
  createdAt: instant,
  updatedAt: instant,
}).annotate({ identifier: "Subscription" })
export type Subscription = typeof Subscription.Type

export const toSubscription = (row: SubscriptionRow, plan: PlanRow): Subscription => ({
  id: row.id,
  facilityId: row.facility_id,
  planId: plan.id,
  planName: plan.name,
  billingCycle: row.billing_cycle,
  status: row.status,
  currency: row.currency,
  entitlements: entitlementsOf(plan),
  trialEnd: row.trial_end?.toISOString() ?? null,
  currentPeriodStart: row.current_period_start.toISOString(),
  currentPeriodEnd: row.current_period_end.toISOString(),
  periodAmount: row.period_amount,
  couponCode: row.coupon?.code ?? null,
  creditBalance: row.credit_balance,
  cancelAtPeriodEnd: row.cancel_at_period_end,
  cancelledAt: row.cancelled_at?.toISOString() ?? null,
  cancelledBy: row.cancelled_by,
  cancelReason: row.cancel_reason,
  endedAt: row.ended_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})

export const EntitlementUse = Schema.Struct({
  entitlement: Entitlement,
  used: Schema.Int,
  limit: Limit,
  percent: orNull(Schema.Finite).annotate({ description: "of the limit, to a tenth; null: unlimited" }),
  level: Schema.Literals(levels),
})
export type EntitlementUse = typeof EntitlementUse.Type

export const toUse = (
  entitlement: EntitlementUse["entitlement"],
  used: number,
  limit: number | null,
): EntitlementUse => ({
  entitlement,
  used,
  limit,
  percent: limit === null ? null : percentOf(used, limit),
  level: limit === null ? "ok" : levels[levelOf(used, limit)],
})

export const Usage = Schema.Struct({
  subscriptionId: Id,
  planId: Schema.String,
  planName: Schema.String,
  periodStart: instant.annotate({ description: "of the month for which bookings are counted" }),
  periodEnd: instant,
  entitlements: Schema.Array(EntitlementUse),
}).annotate({ identifier: "SubscriptionUsage" })
export type Usage = typeof Usage.Type

export const ActiveUserMonth = Schema.Struct({
  month: Schema.String.annotate({ description: "the first day of the local month" }),
  users: Schema.Int.annotate({
    description: "people who were active; an event of the month that comes late still counts",
  }),
  closedAt: orNull(instant).annotate({ description: "null: the month runs" }),
  closedUsers: orNull(Schema.Int).annotate({ description: "the count when the month was closed; it stays" }),
  limit: orNull(Schema.Int).annotate({ description: "what the plan allowed then; null: nothing was limited" }),
}).annotate({ identifier: "ActiveUserMonth" })

export const toActiveUserMonth = (row: ActiveMonthRow): typeof ActiveUserMonth.Type => ({
  month: row.month,
  users: row.users,
  closedAt: row.closed_at?.toISOString() ?? null,
  closedUsers: row.closed_users,
  limit: row.closed_limit,
})

export const PlanChange = Schema.Struct({
  preview: Schema.Boolean,
  changeType: Schema.Literals(["upgrade", "downgrade"]),
  previousPlanId: Schema.String,
  newPlanId: Schema.String,
  effectiveDate: instant,
  charge: Money.annotate({ description: "for the new plan until the period ends, minor units" }),
  credit: Money.annotate({ description: "for the rest of the period on the old plan" }),
  proratedAmount: Schema.Int.annotate({
    description: "charge less credit: positive is to be paid now, negative is credited to later invoices",
  }),
  currency: Currency,
  overLimits: Schema.Array(EntitlementUse).annotate({ description: "what is used beyond what the new plan allows" }),
  subscription: Subscription.annotateKey({ description: "as it is after the change" }),
}).annotate({ identifier: "PlanChange" })
export type PlanChange = typeof PlanChange.Type

const InvoiceLine = Schema.Struct({
  kind: Schema.Literals(["plan", "discount", "credit"]),
  amount: Schema.Int.annotate({ description: "minor units with tax; negative: taken off" }),
  taxRate: Schema.Int,
  taxAmount: Schema.Int.annotate({ description: "the tax in the amount" }),
})

export const Invoice = Schema.Struct({
  id: Id,
  subscriptionId: Id,
  reason: Schema.Literals(["start", "renewal", "plan_change"]),
  planId: Schema.String,
  periodStart: instant,
  periodEnd: instant,
  subtotal: Money,
  discount: Money,
  credit: Money,
  amount: Money.annotate({ description: "subtotal less discount and credit, minor units" }),
  lines: Schema.Array(InvoiceLine).annotate({ description: "how the amount comes about; their sums are exact" }),
  taxRate: Schema.Int.annotate({ description: "hundredths of a percent, as it was when the invoice was made" }),
  taxAmount: Money.annotate({ description: "the tax that the amount contains" }),
  paidAmount: Money,
  currency: Currency,
  status: Schema.Literals(["open", "paid", "failed"]),
  dueAt: instant,
  retryCount: Schema.Int.annotate({ description: "how often it was found unpaid after its grace period" }),
  nextRetryAt: orNull(instant),
  paidAt: orNull(instant),
  createdAt: instant,
}).annotate({ identifier: "SubscriptionInvoice" })

export const toInvoice = (row: InvoiceRow): typeof Invoice.Type => ({
  id: row.id,
  subscriptionId: row.subscription_id,
  reason: row.reason,
  planId: row.plan_id,
  periodStart: row.period_start.toISOString(),
  periodEnd: row.period_end.toISOString(),
  subtotal: row.subtotal,
  discount: row.discount,
  credit: row.credit,
  amount: row.amount,
  lines: linesOf(row),
  taxRate: row.tax_rate,
  taxAmount: row.tax_amount,
  paidAmount: row.paid_amount,
  currency: row.currency,
  status: row.status,
  dueAt: row.due_at.toISOString(),
  retryCount: row.retry_count,
  nextRetryAt: row.next_retry_at?.toISOString() ?? null,
  paidAt: row.paid_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
})

/** The tax of each line is what the line changes in the tax of the sum so far, so the taxes add up exactly. */
function linesOf({ subtotal, discount, credit, tax_rate: taxRate }: InvoiceRow): (typeof InvoiceLine.Type)[] {
  const taxIn = (gross: number) => lineOf(gross, taxRate).taxAmount
  const discounted = subtotal - discount
  const line = (kind: (typeof InvoiceLine.Type)["kind"], from: number, to: number) =>
    to === from && kind !== "plan" ? [] : [{ kind, amount: to - from, taxRate, taxAmount: taxIn(to) - taxIn(from) }]
  return [
    ...line("plan", 0, subtotal),
    ...line("discount", subtotal, discounted),
    ...line("credit", discounted, discounted - credit),
  ]
}
