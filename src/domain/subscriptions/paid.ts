/** What follows when something is paid for a subscription. What is due for it follows from its charges: payments/due.ts. */
import type { Tx } from "#base/database/transaction.ts"
import { recordStatusChanged } from "./events.ts"
import { settleInvoices } from "./invoices.ts"
import { changeSubscription, lockById } from "./rows.ts"

/**
 * A payment for a subscription has arrived: it pays the open invoices, what is over becomes credit, and a subscription that
 * was past due is active again when nothing is open. Records subscription.status_changed for that.
 * @returns false when there is no such subscription.
 */
export async function paymentArrived(
  tx: Tx,
  facilityId: string,
  subscriptionId: string,
  amount: number,
): Promise<boolean> {
  const subscription = await lockById(tx, facilityId, subscriptionId)
  if (!subscription) return false
  const { left, stillOpen } = await settleInvoices(tx, subscription, amount)
  const recovers = subscription.status === "past_due" && !stillOpen
  if (recovers || left > 0) {
    const credit_balance = subscription.credit_balance + left
    await changeSubscription(tx, subscription, { credit_balance, ...(recovers && { status: "active" }) })
  }
  if (recovers) recordStatusChanged(tx, subscription, "active", "paid", subscription.now)
  return true
}
