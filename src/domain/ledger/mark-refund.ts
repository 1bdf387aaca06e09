/**
 * Marking money to be given back, in the transaction that decides it: over the payments of a booking, the newest first, as
 * far as it goes. Payments by card are then sent by RefundHandler or, within a minute, by the job payment-resolution; of
 * offline payments it is owed, and stands in the list of refunds until somebody has handed it back. Never twice for one
 * occasion, never more than is left of what was paid.
 */
import type { Tx } from "#base/database/transaction.ts"
import { postGivenBack } from "./ledger.ts"
import { countOfflineRefunded, lockOfflineRefundable, type OfflinePaymentRow } from "./offline-rows.ts"
import { countRefunded, lockRefundable, type PaymentRow, type Reference } from "./payment-rows.ts"
import { insertRefund, markedFor, type RefundRow } from "./refund-rows.ts"

export interface MarkedRefund extends Reference {
  /** Minor units, or all that is left. */
  readonly amount: number | "all"
  readonly reason: string
  readonly refundedBy: string
  /** What it is given back for: the event, or another id that names the occasion. */
  readonly sourceId: string
  /** Of this payment alone. */
  readonly paymentId?: string
  /** Of online payments that were settled until then: what came later was not part of what was decided. ISO 8601. */
  readonly paidUntil?: string
}

/** Marks it; answers how much was marked now, minor units. The booking's row must be locked, or nothing be decided about it. */
export async function markRefund(tx: Tx, owed: MarkedRefund): Promise<number> {
  const { facilityId, referenceType, referenceId, paymentId } = owed
  const online = await lockRefundable(tx, owed)
  const offline =
    referenceType === "booking" && paymentId === undefined
      ? await lockOfflineRefundable(tx, facilityId, referenceId)
      : []
  let left =
    owed.amount === "all"
      ? Number.POSITIVE_INFINITY
      : Math.max(0, owed.amount - (await markedFor(tx, owed.facilityId, owed.sourceId)))
  let marked = 0
  for (const payment of newestFirst(online, offline)) {
    const amount = Math.min(left, payment.amount - payment.refunded_amount)
    if (amount === 0) break
    await mark(tx, owed, payment, amount)
    left -= amount
    marked += amount
  }
  return marked
}

type Either = PaymentRow | OfflinePaymentRow
const isOnline = (payment: Either): payment is PaymentRow => "payer_id" in payment

/** Ids carry their time. */
const newestFirst = (online: readonly PaymentRow[], offline: readonly OfflinePaymentRow[]): Either[] =>
  [...online, ...offline].sort((a, b) => (a.id < b.id ? 1 : -1))

async function mark(tx: Tx, owed: MarkedRefund, payment: Either, amount: number): Promise<void> {
  const refund = await insertRefund(tx, {
    facility_id: owed.facilityId,
    payment_id: isOnline(payment) ? payment.id : null,
    offline_payment_id: isOnline(payment) ? null : payment.id,
    billing_account_id: payment.billing_account_id,
    reference_type: owed.referenceType,
    reference_id: owed.referenceId,
    amount,
    currency: payment.currency,
    reason: owed.reason,
    refunded_by: owed.refundedBy,
    source_id: owed.sourceId,
  })
  if (isOnline(payment)) {
    await countRefunded(tx, payment, amount)
  } else {
    await countOfflineRefunded(tx, payment, amount)
    await postGivenBack(tx, refundPosting(refund), "refund_owed", amount)
  }
}

/** A refund as the ledger takes it. */
export const refundPosting = (refund: RefundRow) => ({
  sourceId: refund.id,
  facilityId: refund.facility_id,
  billingAccountId: refund.billing_account_id,
  currency: refund.currency,
  referenceType: refund.reference_type,
  referenceId: refund.reference_id,
})
