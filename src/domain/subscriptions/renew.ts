/**
 * The steps of a subscription that follow from time alone: it renews, ends with its period, becomes past due, or is
 * given up. The job subscription-renewal-check makes these steps for all subscriptions. A command does so first when it
 * finds its subscription's period over. So nothing depends on the time of the job. Each subscription has its own
 * transaction.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import { jobsUserId } from "#base/ids.ts"
import { isChargeable, unitOf } from "#base/money.ts"
import { requireFacility } from "#domain/club/facilities.ts"
import { recount, removeCounters } from "#domain/plans/counters.ts"
import { boundary } from "#domain/plans/periods.ts"
import { allPlans, type PlanRow, planPriceOf, planTaxRateOf, requirePlan } from "#domain/plans/plans.ts"
import { recordWarnings } from "#domain/plans/warnings.ts"
import { recordRenewed, recordStatusChanged, recordSubscriptionCancelled } from "./events.ts"
import {
  bill,
  countFailure,
  giveUpInvoices,
  graceDays,
  type InvoiceRow,
  maxFailures,
  openAmount,
  waitForMore,
} from "./invoices.ts"
import { netCredit } from "./net-credit.ts"
import { discountOn } from "./proration.ts"
import { changeSubscription, type LockedSubscription, lockById, lockLive, type SubscriptionRow } from "./rows.ts"

/** The step that was made for one subscription. */
export type Advanced = "renewed" | "ended" | "pastDue" | "cancelled"

export interface DueKey {
  readonly id: string
  readonly facility_id: string
}

/** Subscriptions with a due step, by id; at most `limit` after one. */
export const findDueRenewals = (db: Db, after: string | undefined, limit: number) => db<DueKey[]>`
  select s.id, s.facility_id from slotbase.subscriptions s
  where ${isDue(db)} ${after === undefined ? db`` : db`and s.id > ${after}`}
  order by s.id limit ${limit}`

/** The number of subscriptions that the next run of subscription-renewal-check would find. */
export async function countDueRenewals(db: Queryable): Promise<number> {
  const [row] = await db<[{ count: number }]>`select count(*) from slotbase.subscriptions s where ${isDue(db)}`
  return row.count
}

/**
 * Makes one due step for a subscription; undefined when there is none (any more), or another transaction has it locked.
 */
export async function advanceDue(tx: Tx, { id, facility_id }: DueKey): Promise<Advanced | undefined> {
  const rows = await tx`
    select 1 from slotbase.subscriptions s
    where s.id = ${id} and s.facility_id = ${facility_id} and ${isDue(tx)}
    for no key update skip locked`
  const subscription = rows.length > 0 ? await lockById(tx, facility_id, id) : undefined
  return subscription && (await advance(tx, subscription))?.did
}

/** Brings a locked subscription to the present: several periods may have passed. */
export async function bringToPresent(tx: Tx, subscription: LockedSubscription): Promise<LockedSubscription> {
  let present = subscription
  while (present.status !== "cancelled" && present.current_period_end <= present.now) {
    const advanced = await advance(tx, present)
    if (advanced === undefined) break
    present = advanced.subscription
  }
  return present
}

/** Locks the facility's subscription and brings it to the present. Throws NotFound. */
export async function lockRunning(tx: Tx, facilityId: string): Promise<LockedSubscription> {
  const found = await lockLive(tx, facilityId)
  if (!found) {
    await requireFacility(tx, facilityId)
    throw new NotFound("subscription")
  }
  const present = await bringToPresent(tx, found)
  if (present.status === "cancelled") throw new NotFound("subscription")
  return present
}

/** The subscription was cancelled, and runs until the end of its period. */
export const subscriptionEnds = ({ current_period_end }: LockedSubscription) =>
  new WrongState(
    "subscription_ends",
    `The subscription is cancelled and ends at ${current_period_end.toISOString()}; resume it first.`,
  )

interface Step {
  readonly did: Advanced
  readonly subscription: LockedSubscription
}

async function advance(tx: Tx, found: LockedSubscription): Promise<Step | undefined> {
  const subscription = await netCredit(tx, found)
  const isOver = subscription.current_period_end <= subscription.now
  if (isOver && subscription.cancel_at_period_end) return endWithPeriod(tx, subscription)
  const overdue = await oldestOverdue(tx, subscription)
  if (overdue && (await canBePaid(tx, subscription))) return failToPay(tx, subscription, overdue)
  if (overdue) await waitForMore(tx, subscription)
  return isOver ? renew(tx, subscription) : undefined
}

/** Records subscription.renewed, and subscription.limit_warning for each exceeded entitlement. */
async function renew(tx: Tx, subscription: LockedSubscription): Promise<Step> {
  const plans = await allPlans(tx)
  const plan = requirePlan(plans, subscription.plan_id)
  const { timezone, anchor_day, billing_cycle, currency, coupon, current_period_end: start } = subscription
  const number = subscription.period_number + 1
  const end = boundary(anchor_day, billing_cycle, timezone, number)
  const billed = subscription.billed_periods + 1
  const subtotal = planPriceOf(plan, billing_cycle, currency)
  const discount = discountOn(subtotal, coupon, billed, unitOf(currency))
  const { amount, creditLeft } = await bill(tx, subscription, {
    reason: "renewal",
    periodStart: start,
    periodEnd: end,
    subtotal,
    discount,
    taxRate: planTaxRateOf(plan, currency),
  })
  const renewed = await changeSubscription(tx, subscription, {
    status: subscription.status === "trialing" ? "active" : subscription.status,
    period_number: number,
    current_period_start: start,
    current_period_end: end,
    period_amount: subtotal - discount,
    billed_periods: billed,
    credit_balance: creditLeft,
  })
  recordRenewed(tx, renewed, start, amount)
  await recountExceeded(tx, renewed, plan, plans)
  return { did: "renewed", subscription: renewed }
}

/** Nobody has crossed a limit by a month's beginning, but an exceeded limit is announced again. */
async function recountExceeded(
  tx: Tx,
  subscription: LockedSubscription,
  plan: PlanRow,
  plans: readonly PlanRow[],
): Promise<void> {
  const counters = await recount(tx, subscription, plan, subscription.now)
  const exceeded = counters.filter(({ used, allowed }) => used > allowed)
  recordWarnings(tx, subscription, exceeded, plan, plans)
}

/** The subscription was cancelled before. Records subscription.status_changed. */
async function endWithPeriod(tx: Tx, subscription: LockedSubscription): Promise<Step> {
  const at = subscription.current_period_end
  const ended = await changeSubscription(tx, subscription, { status: "cancelled", ended_at: at })
  await removeCounters(tx, subscription.facility_id)
  recordStatusChanged(tx, subscription, "cancelled", "period_ended", at)
  return { did: "ended", subscription: ended }
}

/**
 * Records subscription.status_changed when the subscription becomes past due, subscription.cancelled after the last
 * failure.
 */
async function failToPay(tx: Tx, subscription: LockedSubscription, overdue: InvoiceRow): Promise<Step> {
  const { retry_count } = await countFailure(tx, overdue, subscription.now)
  if (retry_count >= maxFailures) return giveUp(tx, subscription, overdue)
  if (subscription.status === "past_due") return { did: "pastDue", subscription }
  const pastDue = await changeSubscription(tx, subscription, { status: "past_due" })
  recordStatusChanged(tx, subscription, "past_due", "unpaid", subscription.now)
  return { did: "pastDue", subscription: pastDue }
}

async function giveUp(tx: Tx, subscription: LockedSubscription, unpaid: InvoiceRow): Promise<Step> {
  await giveUpInvoices(tx, subscription)
  const cancelled = await changeSubscription(tx, subscription, {
    status: "cancelled",
    cancel_at_period_end: false,
    cancelled_at: subscription.now,
    cancelled_by: jobsUserId,
    cancel_reason: `Unpaid since ${unpaid.due_at.toISOString()}`,
    ended_at: subscription.now,
  })
  await removeCounters(tx, subscription.facility_id)
  recordSubscriptionCancelled(tx, cancelled, "system", subscription.now)
  return { did: "cancelled", subscription: cancelled }
}

/** Whether a card can be charged with what is open. Less is paid together with the next period, and is not overdue. */
async function canBePaid(tx: Tx, { id, facility_id, currency }: LockedSubscription): Promise<boolean> {
  return isChargeable(await openAmount(tx, { subscription_id: id, facility_id }), currency)
}

async function oldestOverdue(tx: Tx, { id, facility_id }: SubscriptionRow): Promise<InvoiceRow | undefined> {
  const [row] = await tx<InvoiceRow[]>`
    select o.* from slotbase.subscription_invoices o
    where o.subscription_id = ${id} and o.facility_id = ${facility_id} and ${isOverdue(tx)}
    order by o.id limit 1`
  return row
}

/** The payment was asked for, or the grace period has passed without that, and the next check is due. */
const isOverdue = (sql: Queryable) => sql`
  o.status = 'open' and o.next_retry_at <= (select slotbase.now())
  and (o.tried_at is not null or o.due_at + make_interval(hours => ${24 * graceDays}) <= (select slotbase.now()))`

const isDue = (sql: Queryable) => sql`
  s.status <> 'cancelled'
  and (s.current_period_end <= (select slotbase.now())
    or exists (select from slotbase.subscription_invoices o
               where o.subscription_id = s.id and o.facility_id = s.facility_id and ${isOverdue(sql)}))`
