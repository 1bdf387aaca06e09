/**
 * Marks refunds, in the transaction that decides them. An amount spreads over the payments of a booking, the newest
 * first, as far as they go.
 * - RefundHandler sends card refunds, or the job payment-resolution within a minute.
 * - Refunds of offline payments stay in the list of refunds until staff hand the money back.
 * Nothing is marked twice for one occasion, and never more than is left of the payments.
 */
import type { Tx } from "#base/database/transaction.ts"
import { postGivenBack } from "./ledger.ts"
import { countOfflineRefunded, lockOfflineRefundable, type OfflinePaymentRow } from "./offline-rows.ts"
import { countRefunded, lockRefundable, type PaymentRow, type Reference } from "./payment-rows.ts"
import { insertRefund, markedFor, type RefundRow } from "./refund-rows.ts"

export interface MarkedRefund extends Reference {
  /** Minor units, or everything that is left. */
  readonly amount: number | "all"
  readonly reason: string
  readonly refundedBy: string
  /** The occasion of the refund: the id of its event, or another id. */
  readonly sourceId: string
  /** The event that caused it, where the transaction that recorded the event marks the refund too. */
  readonly causedBy?: string
  /** Only of this payment. */
  readonly paymentId?: string
  /** Only of online payments that were settled by this instant: later ones were not part of the decision. ISO 8601. */
  readonly paidUntil?: string
}

/**
 * Marks the refund; returns the amount marked now, minor units.
 * The booking's row must be locked, unless the refund decides nothing about the booking.
 */
export async function markRefund(tx: Tx, wanted: MarkedRefund): Promise<number> {
  const { facilityId, referenceType, referenceId, paymentId } = wanted
  const online = await lockRefundable(tx, wanted)
  const offline =
    referenceType === "booking" && paymentId === undefined
      ? await lockOfflineRefundable(tx, facilityId, referenceId)
      : []
  let left =
    wanted.amount === "all"
      ? Number.POSITIVE_INFINITY
      : Math.max(0, wanted.amount - (await markedFor(tx, wanted.facilityId, wanted.sourceId)))
  let marked = 0
  for (const payment of newestFirst(online, offline)) {
    const amount = Math.min(left, payment.amount - payment.refunded_amount)
    if (amount === 0) break
    await mark(tx, wanted, payment, amount)
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

async function mark(tx: Tx, wanted: MarkedRefund, payment: Either, amount: number): Promise<void> {
  const refund = await insertRefund(tx, {
    facility_id: wanted.facilityId,
    payment_id: isOnline(payment) ? payment.id : null,
    offline_payment_id: isOnline(payment) ? null : payment.id,
    billing_account_id: payment.billing_account_id,
    reference_type: wanted.referenceType,
    reference_id: wanted.referenceId,
    amount,
    currency: payment.currency,
    reason: wanted.reason,
    refunded_by: wanted.refundedBy,
    source_id: wanted.sourceId,
    ...(wanted.causedBy !== undefined && { causation_id: wanted.causedBy }),
  })
  if (isOnline(payment)) {
    await countRefunded(tx, payment, amount)
  } else {
    await countOfflineRefunded(tx, payment, amount)
    await postGivenBack(tx, refundPosting(refund), "refund_owed", amount)
  }
}

/** A refund as a posting of the ledger. */
export const refundPosting = (refund: RefundRow) => ({
  sourceId: refund.id,
  facilityId: refund.facility_id,
  billingAccountId: refund.billing_account_id,
  currency: refund.currency,
  referenceType: refund.reference_type,
  referenceId: refund.reference_id,
})
