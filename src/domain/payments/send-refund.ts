/**
 * The second half of a refund. The provider is asked outside of any transaction, under the refund's id. Its answer is
 * settled in a transaction of its own. The caller that marks a refund as sent asks for it, once. The job
 * payment-resolution looks up a refund that has no answer then. A refund can fail days after it succeeded, because
 * the card's bank sent the money back. A failed refund no longer counts on its payment: staff may make another.
 */
import type { Config } from "#base/config.ts"
import type { Tx } from "#base/database/transaction.ts"
import { postGivenBack, postReturned } from "#domain/ledger/ledger.ts"
import { refundPosting } from "#domain/ledger/mark-refund.ts"
import { contextOfPayment, countRefunded, findPayment, lockPayment } from "#domain/ledger/payment-rows.ts"
import { changeRefund, findRefund, lockRefund, markRefundSent, type RefundRow } from "#domain/ledger/refund-rows.ts"
import { record, transact } from "#events/outbox.ts"
import { type RefundAnswer, unlessUnknown } from "./providers/provider.ts"
import type { PaymentTools } from "./tools.ts"

/** A card is not needed to give money back. */
export type RefundTools = Omit<PaymentTools, "secrets">

/**
 * Sends a refund that was not sent yet. Any other refund is answered as it is.
 * Records payment.refunded or payment.refund_failed.
 */
export async function sendRefund(
  tools: RefundTools,
  refund: RefundRow,
): Promise<{ refund: RefundRow; eventIds: readonly string[] }> {
  const sent =
    refund.status === "processing" && refund.sent_at === null ? await markRefundSent(tools.db, refund) : undefined
  if (sent === undefined) return { refund, eventIds: [] }
  return askRefund(tools, sent)
}

/** Asks for a refund, even if it was asked for before: under its key the provider makes it once. */
export async function askRefund(
  tools: RefundTools,
  refund: RefundRow,
): Promise<{ refund: RefundRow; eventIds: readonly string[] }> {
  const payment =
    refund.payment_id === null ? undefined : await findPayment(tools.db, refund.facility_id, refund.payment_id)
  const providerPaymentId = payment?.provider_payment_id
  const provider = payment && tools.payments.named(payment.provider)
  if (!provider || typeof providerPaymentId !== "string") return { refund, eventIds: [] }
  const { id: key, amount, currency } = refund
  const answer = await unlessUnknown(provider.refund({ key, providerPaymentId, amount, currency }))
  if (answer === undefined) return { refund, eventIds: [] }
  return settleAlone(tools, refund, answer)
}

/** Settles an answer in a transaction of its own. */
export async function settleAlone(
  { db, config }: Pick<RefundTools, "db" | "config">,
  refund: RefundRow,
  answer: RefundAnswer,
): Promise<{ refund: RefundRow; eventIds: readonly string[] }> {
  const { result, eventIds } = await transact(db, contextOfRefund(refund, config.environment), (tx) =>
    settleRefund(tx, refund.facility_id, refund.id, answer),
  )
  return { refund: result, eventIds }
}

/**
 * Settles an answer in the caller's transaction. A second answer changes nothing, except that a failure has the last
 * word. Throws NotFound.
 */
export async function settleRefund(tx: Tx, facilityId: string, id: string, answer: RefundAnswer): Promise<RefundRow> {
  // A payment is locked before its refunds, everywhere.
  const present = await findRefund(tx, facilityId, id)
  if (typeof present?.payment_id === "string") await lockPayment(tx, facilityId, present.payment_id)
  const refund = await lockRefund(tx, facilityId, id)
  const returned = refund.status === "succeeded" && answer.status === "failed"
  if ((refund.status !== "processing" && !returned) || refund.payment_id === null) return refund
  if (answer.status === "processing") return changeRefund(tx, refund, { provider_refund_id: answer.providerRefundId })
  if (answer.status === "failed") {
    await countRefunded(tx, { id: refund.payment_id, facility_id: facilityId }, -refund.amount)
    if (returned) await postReturned(tx, refundPosting(refund), refund.amount)
    const failed = await changeRefund(tx, refund, {
      status: "failed",
      failure_code: answer.code,
      failure_reason: answer.reason,
      settled_at: refund.now,
    })
    record(tx, {
      type: "payment.refund_failed",
      facilityId,
      data: {
        ...refundData(failed, refund.payment_id),
        failureReason: failed.failure_reason ?? "",
        ...(failed.failure_code !== null && failed.failure_code !== "" && { failureCode: failed.failure_code }),
      },
    })
    return failed
  }
  const given = await changeRefund(tx, refund, {
    status: "succeeded",
    provider_refund_id: answer.providerRefundId,
    settled_at: refund.now,
  })
  await postGivenBack(tx, refundPosting(given), "refund", given.amount)
  recordRefunded(tx, given, refund.payment_id)
  return given
}

/** @param transactionId the payment, or offline payment, that was refunded */
export const recordRefunded = (tx: Tx, refund: RefundRow, transactionId: string): string =>
  record(tx, {
    type: "payment.refunded",
    facilityId: refund.facility_id,
    data: refundData(refund, transactionId),
  })

const refundData = (refund: RefundRow, transactionId: string) => ({
  refundId: refund.id,
  transactionId,
  facilityId: refund.facility_id,
  amount: refund.amount,
  currency: refund.currency,
  reason: refund.reason,
  refundedBy: refund.refunded_by,
  referenceType: refund.reference_type,
  referenceId: refund.reference_id,
})

/** The context of the events that a refund's outcome records. */
export const contextOfRefund = (refund: RefundRow, environment: Config["environment"]) =>
  contextOfPayment({ ...refund, requested_by: refund.refunded_by }, environment)
