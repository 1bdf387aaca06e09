/**
 * The rows of subscriptions. A subscription is locked before its state is judged, and before its counters and invoices.
 * Writes: subscriptions.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { BillingCycle } from "#domain/plans/periods.ts"
import type { Discount, Terms } from "./proration.ts"

export type SubscriptionStatus = "trialing" | "active" | "past_due" | "cancelled"

/** A subscription with facts of its facility and its coupon. */
export interface SubscriptionRow {
  readonly id: string
  readonly facility_id: string
  readonly plan_id: string
  readonly billing_cycle: BillingCycle
  readonly status: SubscriptionStatus
  readonly currency: string
  /** Local days, YYYY-MM-DD. */
  readonly anchor_day: string
  readonly usage_anchor_day: string
  readonly period_number: number
  readonly current_period_start: Date
  readonly current_period_end: Date
  readonly period_amount: number
  readonly billed_periods: number
  readonly trial_end: Date | null
  readonly coupon_id: string | null
  readonly coupon: (Discount & { readonly code: string }) | null
  readonly credit_balance: number
  readonly cancel_at_period_end: boolean
  readonly cancelled_at: Date | null
  readonly cancelled_by: string | null
  readonly cancel_reason: string | null
  readonly ended_at: Date | null
  readonly created_by: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly timezone: string
  readonly owner_id: string
  readonly organization_id: string | null
}

/** A locked subscription with `now`, taken after the lock. */
export interface LockedSubscription extends SubscriptionRow {
  readonly now: Date
}

export type NewSubscription = Pick<
  SubscriptionRow,
  | "id"
  | "facility_id"
  | "plan_id"
  | "billing_cycle"
  | "currency"
  | "anchor_day"
  | "usage_anchor_day"
  | "period_number"
  | "current_period_start"
  | "current_period_end"
  | "period_amount"
  | "billed_periods"
  | "trial_end"
  | "coupon_id"
  | "created_by"
> & { readonly status: "trialing" | "active" }

/**
 * False when the facility already has one: of two concurrent inserts, the second waits for the first and then finds it.
 */
export async function insertSubscription(tx: Tx, row: NewSubscription): Promise<boolean> {
  const { count } = await tx`
    insert into slotbase.subscriptions (id, facility_id, plan_id, billing_cycle, status, currency, anchor_day, usage_anchor_day,
      period_number, current_period_start, current_period_end, period_amount, billed_periods, trial_end, coupon_id, created_by,
      created_at, updated_at)
    values (${row.id}, ${row.facility_id}, ${row.plan_id}, ${row.billing_cycle}, ${row.status}, ${row.currency},
      ${row.anchor_day}::text::date, ${row.usage_anchor_day}::text::date, ${row.period_number}, ${iso(row.current_period_start)},
      ${iso(row.current_period_end)}, ${row.period_amount}, ${row.billed_periods}, ${iso(row.trial_end)}, ${row.coupon_id},
      ${row.created_by}, ${iso(row.current_period_start)}, ${iso(row.current_period_start)})
    on conflict (facility_id) where status <> 'cancelled' do nothing`
  return count === 1
}

/** Locks the facility's subscription that is not cancelled. */
export async function lockLive(tx: Tx, facilityId: string): Promise<LockedSubscription | undefined> {
  return lock(
    tx,
    tx`select * from slotbase.subscriptions where facility_id = ${facilityId} and status <> 'cancelled' for no key update`,
  )
}

/** Locks a subscription in whatever state it is. */
export async function lockById(tx: Tx, facilityId: string, id: string): Promise<LockedSubscription | undefined> {
  return lock(
    tx,
    tx`select * from slotbase.subscriptions where id = ${id} and facility_id = ${facilityId} for no key update`,
  )
}

/** The facility's subscription that is not cancelled, or else its last one. */
export async function findSubscription(db: Queryable, facilityId: string): Promise<SubscriptionRow | undefined> {
  const [row] = await db<SubscriptionRow[]>`
    select ${columns(db)} from slotbase.subscriptions s ${joins(db)}
    where s.facility_id = ${facilityId}
    order by s.status = 'cancelled', s.created_at desc, s.id desc
    limit 1`
  return row
}

/** Whether the facility has had a trial before. */
export async function hadTrial(tx: Tx, facilityId: string): Promise<boolean> {
  const rows = await tx`
    select 1 from slotbase.subscriptions where facility_id = ${facilityId} and trial_end is not null limit 1`
  return rows.length > 0
}

type Changed = Partial<
  Pick<
    SubscriptionRow,
    | "plan_id"
    | "billing_cycle"
    | "status"
    | "anchor_day"
    | "period_number"
    | "current_period_start"
    | "current_period_end"
    | "period_amount"
    | "billed_periods"
    | "credit_balance"
    | "cancel_at_period_end"
    | "cancelled_at"
    | "cancelled_by"
    | "cancel_reason"
    | "ended_at"
  >
>

/**
 * Takes the credit that is left on the facility's ended subscriptions in a currency, minor units. The facility's next
 * subscription keeps it.
 */
export async function takeEndedCredit(tx: Tx, facilityId: string, currency: string): Promise<number> {
  const rows = await tx<{ credit: number }[]>`
    update slotbase.subscriptions set credit_balance = 0, updated_at = slotbase.now()
    where facility_id = ${facilityId} and currency = ${currency} and status = 'cancelled' and credit_balance > 0
    returning old.credit_balance as credit`
  return rows.reduce((sum, { credit }) => sum + credit, 0)
}

/** Changes a locked subscription and returns the changed row. */
export async function changeSubscription(tx: Tx, row: LockedSubscription, set: Changed): Promise<LockedSubscription> {
  const next = { ...row, ...set, updated_at: row.now }
  await tx`
    update slotbase.subscriptions
    set plan_id = ${next.plan_id}, billing_cycle = ${next.billing_cycle}, status = ${next.status},
        anchor_day = ${next.anchor_day}::text::date, period_number = ${next.period_number},
        current_period_start = ${iso(next.current_period_start)}, current_period_end = ${iso(next.current_period_end)},
        period_amount = ${next.period_amount}, billed_periods = ${next.billed_periods}, credit_balance = ${next.credit_balance},
        cancel_at_period_end = ${next.cancel_at_period_end}, cancelled_at = ${iso(next.cancelled_at)},
        cancelled_by = ${next.cancelled_by}, cancel_reason = ${next.cancel_reason}, ended_at = ${iso(next.ended_at)},
        updated_at = ${iso(next.updated_at)}
    where id = ${row.id} and facility_id = ${row.facility_id}`
  return next
}

/** The facts that the price depends on. */
export const termsOf = (row: SubscriptionRow): Terms => ({
  planId: row.plan_id,
  billingCycle: row.billing_cycle,
  isTrial: row.status === "trialing",
  anchorDay: row.anchor_day,
  periodNumber: row.period_number,
  periodStart: row.current_period_start,
  periodEnd: row.current_period_end,
  periodAmount: row.period_amount,
  billedPeriods: row.billed_periods,
})

/** The columns of given terms. */
export const columnsOf = (terms: Terms) => ({
  plan_id: terms.planId,
  billing_cycle: terms.billingCycle,
  anchor_day: terms.anchorDay,
  period_number: terms.periodNumber,
  current_period_start: terms.periodStart,
  current_period_end: terms.periodEnd,
  period_amount: terms.periodAmount,
  billed_periods: terms.billedPeriods,
})

// The lock comes first, in a separate statement: the clock must be read after the wait for it.
async function lock(tx: Tx, rows: ReturnType<Tx>): Promise<LockedSubscription | undefined> {
  const [row] = await tx<LockedSubscription[]>`
    with s as materialized (${rows})
    select ${columns(tx)}, slotbase.now() as now from s ${joins(tx)}`
  return row
}

const columns = (sql: Queryable) => sql`
  s.id, s.facility_id, s.plan_id, s.billing_cycle, s.status, s.currency, s.anchor_day::text as anchor_day,
  s.usage_anchor_day::text as usage_anchor_day, s.period_number, s.current_period_start, s.current_period_end, s.period_amount,
  s.billed_periods, s.trial_end, s.coupon_id, s.credit_balance, s.cancel_at_period_end, s.cancelled_at, s.cancelled_by,
  s.cancel_reason, s.ended_at, s.created_by, s.created_at, s.updated_at, f.timezone, f.owner_id, f.organization_id,
  case when c.id is not null then jsonb_build_object('code', c.code, 'percentOff', c.percent_off, 'amountOff', c.amount_off,
                                                     'periods', c.periods) end as coupon`

const joins = (sql: Queryable) => sql`
  join slotbase.facilities f on f.id = s.facility_id
  left join slotbase.coupons c on c.id = s.coupon_id`

const iso = (at: Date | null) => at?.toISOString() ?? null
