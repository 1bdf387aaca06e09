/**
 * The second half of a payment. The provider is asked outside of any transaction. Its answer is settled in a
 * transaction of its own, with its event and its entries in the ledger. The request, Stripe's webhook and the job
 * payment-resolution may settle an answer, in any order and more than once. Success is final; a failure gives way to
 * success.
 */
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { SecretBox } from "#base/secrets.ts"
import { postReceived } from "#domain/ledger/ledger.ts"
import {
  changePayment,
  contextOfPayment,
  type LockedPayment,
  lockBookingOf,
  lockPayment,
  type PaymentRow,
} from "#domain/ledger/payment-rows.ts"
import { type EventContext, record, transact } from "#events/outbox.ts"
import { openSealedCard } from "./cards.ts"
import { type ChargeAnswer, type ChargeRequest, unlessUnknown } from "./providers/provider.ts"
import { nextRetryAt } from "./retry-policy.ts"
import type { PaymentTools } from "./tools.ts"

/**
 * Asks the provider for the money and settles the answer. A payment whose outcome stays unknown stays processing. A
 * settled payment is answered as it is. Records payment.succeeded or payment.failed.
 * @param context of the request; default: the context in which the payment was begun
 */
export async function finishPayment(
  { db, payments, secrets, config }: PaymentTools,
  payment: PaymentRow,
  context: EventContext = contextOfPayment(payment, config.environment),
): Promise<{ payment: PaymentRow; eventIds: readonly string[] }> {
  if (payment.status !== "processing" || payment.sealed_card === null) return { payment, eventIds: [] }
  const provider = payments.named(payment.provider)
  const answer = provider && (await unlessUnknown(provider.charge(chargeOf(secrets, payment, payment.sealed_card))))
  if (answer === undefined) return { payment, eventIds: [] }
  return settleInOwnTransaction(db, payment, answer, context)
}

/** Settles an answer in a transaction of its own. */
export async function settleInOwnTransaction(
  db: Db,
  payment: Pick<PaymentRow, "id" | "facility_id">,
  answer: ChargeAnswer,
  context: EventContext,
): Promise<{ payment: PaymentRow; eventIds: readonly string[] }> {
  const { result, eventIds } = await transact(db, context, (tx) =>
    settlePayment(tx, payment.facility_id, payment.id, answer),
  )
  return { payment: result, eventIds }
}

/** Settles an answer in the caller's transaction. Throws NotFound. */
export async function settlePayment(tx: Tx, facilityId: string, id: string, answer: ChargeAnswer): Promise<PaymentRow> {
  // The booking is locked first, as everywhere. So it is certain whether the booking was cancelled before or after
  // the payment.
  await lockBookingOf(tx, facilityId, id)
  const payment = await lockPayment(tx, facilityId, id)
  if (answer.status === "succeeded" && payment.status !== "succeeded")
    return succeed(tx, payment, answer.providerPaymentId)
  if (payment.status !== "processing") return payment
  if (answer.status === "failed") return fail(tx, payment, answer)
  return changePayment(tx, payment, { provider_payment_id: answer.providerPaymentId })
}

async function succeed(tx: Tx, payment: LockedPayment, providerPaymentId: string): Promise<PaymentRow> {
  const paid = await changePayment(tx, payment, {
    status: "succeeded",
    provider_payment_id: providerPaymentId,
    settled_at: payment.now,
    sealed_card: null,
    // The payment had failed, and the money came after all.
    failure_code: null,
    failure_reason: null,
    next_retry_at: null,
  })
  await postReceived(tx, postingOf(paid), "payment", paid.amount)
  record(tx, {
    type: "payment.succeeded",
    facilityId: paid.facility_id,
    data: {
      transactionId: paid.id,
      ...sharedData(paid),
      paymentMethod: paid.payment_method,
      referenceType: paid.reference_type,
      ...(paid.provider === "stripe" && { stripePaymentIntentId: providerPaymentId }),
    },
  })
  return paid
}

type Failure = Extract<ChargeAnswer, { readonly status: "failed" }>

async function fail(tx: Tx, payment: LockedPayment, { code, reason, providerPaymentId }: Failure): Promise<PaymentRow> {
  const retryAt = payment.automatic ? nextRetryAt(payment.now, payment.retry_count) : null
  const failed = await changePayment(tx, payment, {
    status: "failed",
    ...(providerPaymentId !== undefined && { provider_payment_id: providerPaymentId }),
    settled_at: payment.now,
    sealed_card: null,
    failure_code: code,
    failure_reason: reason,
    next_retry_at: retryAt,
  })
  record(tx, {
    type: "payment.failed",
    facilityId: failed.facility_id,
    data: {
      transactionId: failed.id,
      ...sharedData(failed),
      referenceType: failed.reference_type,
      failureReason: reason,
      failureCode: code,
      retryCount: failed.retry_count,
      ...(retryAt !== null && { nextRetryAt: retryAt.toISOString() }),
    },
  })
  return failed
}

const sharedData = (payment: PaymentRow) => ({
  facilityId: payment.facility_id,
  billingAccountId: payment.billing_account_id,
  payerId: payment.payer_id,
  amount: payment.amount,
  currency: payment.currency,
  referenceId: payment.reference_id,
})

/** A payment as the ledger takes it. */
const postingOf = (payment: PaymentRow) => ({
  sourceId: payment.id,
  facilityId: payment.facility_id,
  billingAccountId: payment.billing_account_id,
  currency: payment.currency,
  referenceType: payment.reference_type,
  referenceId: payment.reference_id,
})

const chargeOf = (secrets: SecretBox, payment: PaymentRow, sealedCard: Buffer): ChargeRequest => ({
  key: payment.id,
  facilityId: payment.facility_id,
  amount: payment.amount,
  currency: payment.currency,
  card: openSealedCard(secrets, payment.id, sealedCard),
  description: `SlotBase ${payment.reference_type} ${payment.reference_id}`,
})
