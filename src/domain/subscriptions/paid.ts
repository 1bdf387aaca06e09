/** The effects of a payment for a subscription. The amount due follows from its charges: ledger/due.ts. */
import type { Tx } from "#base/database/transaction.ts"
import { recordStatusChanged } from "./events.ts"
import { settleInvoices } from "./invoices.ts"
import { changeSubscription, lockById } from "./rows.ts"

/**
 * Handles a payment for a subscription. It pays the open invoices, and the rest becomes credit.
 * A past-due subscription is active again when no invoice is open. Records subscription.status_changed for that.
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
