/**
 * The credit of a subscription settles its open invoices before anything else is judged. So a subscription has a credit
 * or an open invoice, and never both. Nobody is past due whose credit covers what is open.
 */
import type { Tx } from "#base/database/transaction.ts"
import { recordCreditApplied, recordStatusChanged } from "./events.ts"
import { creditInvoices } from "./invoices.ts"
import { changeSubscription, type LockedSubscription } from "./rows.ts"

/**
 * Uses the credit of a locked subscription for its open invoices, the oldest first. Without a credit or an open invoice
 * nothing happens. Records subscription.credit_applied, and subscription.status_changed when nothing is overdue any
 * more.
 */
export async function netCredit(tx: Tx, subscription: LockedSubscription): Promise<LockedSubscription> {
  const { credit_balance: credit } = subscription
  if (credit === 0) return subscription
  const { left, paid, stillOpen } = await creditInvoices(tx, subscription, credit)
  if (left === credit) return subscription
  const recovers = subscription.status === "past_due" && !stillOpen
  const netted = await changeSubscription(tx, subscription, {
    credit_balance: left,
    ...(recovers && { status: "active" }),
  })
  recordCreditApplied(tx, netted, credit - left, paid)
  if (recovers) recordStatusChanged(tx, subscription, "active", "paid", subscription.now)
  return netted
}
