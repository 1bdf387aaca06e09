/**
 * Invoices: the cost of a subscription, and whether it was paid. An invoice puts its amount on the billing account of
 * the facility's owner in the same transaction. `POST …/payments` with the reference type "subscription" pays it, or
 * the saved card after the commit. Every paid minor unit is in an invoice or in the subscription's credit.
 * Writes: subscription_invoices.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import { charge, lowerCharge, waiveCharge } from "#domain/ledger/charges.ts"
import type { LockedSubscription, SubscriptionRow } from "./rows.ts"

/** Days that an invoice may stay open after it is due. Then the subscription is past due. */
export const graceDays = 3
/** A past-due invoice is checked again at this interval, days. */
const retryEveryDays = 3
/** After this many failed checks the subscription is cancelled. */
export const maxFailures = 4
/** If a process crashes while it asks for a payment, another process asks after this time, minutes. */
const askAgainMinutes = 10

export interface InvoiceRow {
  readonly id: string
  readonly facility_id: string
  readonly subscription_id: string
  readonly reason: "start" | "renewal" | "plan_change"
  readonly plan_id: string
  readonly period_start: Date
  readonly period_end: Date
  readonly subtotal: number
  readonly discount: number
  readonly credit: number
  readonly amount: number
  readonly paid_amount: number
  /** Hundredths of a percent: the amount contains this tax. */
  readonly tax_rate: number
  readonly tax_amount: number
  readonly currency: string
  readonly status: "open" | "paid" | "failed"
  readonly due_at: Date
  readonly tried_at: Date | null
  readonly retry_count: number
  readonly next_retry_at: Date | null
  readonly paid_at: Date | null
  readonly created_at: Date
}

export interface Bill {
  readonly reason: InvoiceRow["reason"]
  readonly periodStart: Date
  readonly periodEnd: Date
  /** The price before the coupon, and the discount of the coupon, minor units. */
  readonly subtotal: number
  readonly discount: number
  /** Hundredths of a percent: the prices contain this tax. */
  readonly taxRate: number
}

/**
 * Writes an invoice of a locked subscription that is due now, and uses its credit. An invoice of zero is paid at once.
 * @returns the amount to pay, and the credit that is left.
 */
export async function bill(
  tx: Tx,
  subscription: LockedSubscription,
  { reason, periodStart, periodEnd, subtotal, discount, taxRate }: Bill,
): Promise<{ amount: number; creditLeft: number }> {
  const { id, facility_id, plan_id, currency, credit_balance, now } = subscription
  const credit = Math.min(credit_balance, subtotal - discount)
  const amount = subtotal - discount - credit
  const isPaid = amount === 0
  const invoiceId = newId()
  await tx`
    insert into slotbase.subscription_invoices (id, facility_id, subscription_id, reason, plan_id, period_start, period_end, subtotal,
      discount, credit, amount, tax_rate, currency, status, due_at, next_retry_at, paid_at, created_at)
    values (${invoiceId}, ${facility_id}, ${id}, ${reason}, ${plan_id}, ${periodStart.toISOString()}, ${periodEnd.toISOString()},
      ${subtotal}, ${discount}, ${credit}, ${amount}, ${taxRate}, ${currency}, ${isPaid ? "paid" : "open"}, ${now.toISOString()},
      ${isPaid ? null : now.toISOString()}, ${isPaid ? now.toISOString() : null}, ${now.toISOString()})`
  if (!isPaid) await charge(tx, { ...chargeOf(subscription, { id: invoiceId, amount }), taxRate })
  return { amount, creditLeft: credit_balance - credit }
}

/**
 * Settles the open invoices with a payment, the oldest invoice first.
 * @returns the rest of the payment, and whether an invoice is still open.
 */
export async function settleInvoices(
  tx: Tx,
  subscription: LockedSubscription,
  paid: number,
): Promise<{ left: number; stillOpen: boolean }> {
  let left = paid
  let stillOpen = false
  for (const invoice of await openInvoices(tx, subscription)) {
    const part = Math.min(left, invoice.amount - invoice.paid_amount)
    const isPaid = invoice.paid_amount + part === invoice.amount
    stillOpen ||= !isPaid
    if (part === 0) continue
    left -= part
    const at = isPaid ? subscription.now.toISOString() : null
    await tx`
      update slotbase.subscription_invoices
      set paid_amount = paid_amount + ${part}, status = ${isPaid ? "paid" : "open"}, paid_at = ${at},
          next_retry_at = case when ${isPaid} then null else next_retry_at end
      where id = ${invoice.id} and facility_id = ${invoice.facility_id}`
  }
  return { left, stillOpen }
}

export interface Credited {
  /** The credit that is left, minor units. */
  readonly left: number
  /** The ids of the invoices that nothing is due for any more. */
  readonly paid: readonly string[]
  readonly stillOpen: boolean
}

/** Lowers the open invoices by a credit, the oldest invoice first, and their debt on the billing account with them. */
export async function creditInvoices(tx: Tx, subscription: LockedSubscription, credit: number): Promise<Credited> {
  let left = credit
  let stillOpen = false
  const paid: string[] = []
  for (const invoice of await openInvoices(tx, subscription)) {
    const part = Math.min(left, invoice.amount - invoice.paid_amount)
    const isPaid = invoice.paid_amount + part === invoice.amount
    stillOpen ||= !isPaid
    if (part === 0) continue
    left -= part
    if (isPaid) paid.push(invoice.id)
    await tx`
      update slotbase.subscription_invoices
      set credit = credit + ${part}, amount = amount - ${part}, status = ${isPaid ? "paid" : "open"},
          paid_at = ${isPaid ? subscription.now.toISOString() : null},
          next_retry_at = case when ${isPaid} then null else next_retry_at end
      where id = ${invoice.id} and facility_id = ${invoice.facility_id}`
    await lowerCharge(tx, chargeOf(subscription, invoice), part)
  }
  return { left, paid, stillOpen }
}

/** The oldest first. */
export const openInvoices = (db: Queryable, { id, facility_id }: Pick<SubscriptionRow, "id" | "facility_id">) => db<
  InvoiceRow[]
>`
  select * from slotbase.subscription_invoices
  where subscription_id = ${id} and facility_id = ${facility_id} and status = 'open'
  order by id`

/** The sum of the open invoices of a subscription, minus the payments for them, minor units. */
export async function openAmount(
  db: Queryable,
  { subscription_id: id, facility_id }: Pick<InvoiceRow, "subscription_id" | "facility_id">,
): Promise<number> {
  const open = await openInvoices(db, { id, facility_id })
  return open.reduce((sum, { amount, paid_amount }) => sum + amount - paid_amount, 0)
}

/** The invoice was found unpaid. It is checked again later. */
export async function countFailure(tx: Tx, invoice: InvoiceRow, now: Date): Promise<InvoiceRow> {
  const next = new Date(now.getTime() + retryEveryDays * dayMs)
  await tx`
    update slotbase.subscription_invoices
    set retry_count = retry_count + 1, next_retry_at = ${next.toISOString()}
    where id = ${invoice.id} and facility_id = ${invoice.facility_id}`
  return { ...invoice, retry_count: invoice.retry_count + 1, next_retry_at: next }
}

/** The open invoices are less than a card can be charged with: they are looked at again after the next period began. */
export async function waitForMore(tx: Tx, subscription: LockedSubscription): Promise<void> {
  const { id, facility_id, current_period_end, now } = subscription
  const next = new Date(Math.max(current_period_end.getTime(), now.getTime()) + retryEveryDays * dayMs)
  await tx`
    update slotbase.subscription_invoices set next_retry_at = ${next.toISOString()}
    where subscription_id = ${id} and facility_id = ${facility_id} and status = 'open'`
}

/** Gives up the open invoices of a subscription: they are no longer owed. */
export async function giveUpInvoices(tx: Tx, subscription: LockedSubscription): Promise<void> {
  const given = await tx<InvoiceRow[]>`
    update slotbase.subscription_invoices
    set status = 'failed', next_retry_at = null
    where subscription_id = ${subscription.id} and facility_id = ${subscription.facility_id} and status = 'open'
    returning *`
  for (const invoice of given) await waiveCharge(tx, chargeOf(subscription, invoice))
}

/**
 * Claims the next subscription whose payment was not asked for yet. This process asks, and then calls `markTried`.
 * If the process crashes in between, another one follows.
 */
export async function claimUntried(db: Db): Promise<Pick<InvoiceRow, "subscription_id" | "facility_id"> | undefined> {
  const [row] = await db<Pick<InvoiceRow, "subscription_id" | "facility_id">[]>`
    with next as materialized (
      select o.id, o.facility_id from slotbase.subscription_invoices o
      where o.status = 'open' and o.tried_at is null and o.next_retry_at <= (select slotbase.now())
      order by o.next_retry_at, o.id
      limit 1
      for no key update skip locked
    )
    update slotbase.subscription_invoices i
    set next_retry_at = (select slotbase.now()) + make_interval(mins => ${askAgainMinutes})
    from next n
    where i.id = n.id and i.facility_id = n.facility_id
    returning i.subscription_id, i.facility_id`
  return row
}

/** All open invoices of the subscription were asked for: the grace period runs. */
export async function markTried(
  db: Queryable,
  { subscription_id, facility_id }: Pick<InvoiceRow, "subscription_id" | "facility_id">,
): Promise<void> {
  await db`
    update slotbase.subscription_invoices
    set tried_at = slotbase.now(), next_retry_at = greatest(due_at + make_interval(hours => ${24 * graceDays}), slotbase.now())
    where subscription_id = ${subscription_id} and facility_id = ${facility_id} and status = 'open' and tried_at is null`
}

/** Invoices of a facility, the newest first. */
export const findInvoices = (db: Queryable, facilityId: string, before: string | undefined, limit: number) => db<
  InvoiceRow[]
>`
  select * from slotbase.subscription_invoices
  where facility_id = ${facilityId} ${before === undefined ? db`` : db`and id < ${before}`}
  order by id desc limit ${limit}`

const dayMs = 24 * 60 * 60_000

const chargeOf = (
  subscription: LockedSubscription,
  { id, amount }: { readonly id: string; readonly amount: number },
) => ({
  facilityId: subscription.facility_id,
  userId: subscription.owner_id,
  amount,
  currency: subscription.currency,
  reason: "subscription" as const,
  referenceType: "subscription" as const,
  referenceId: subscription.id,
  key: id,
})
