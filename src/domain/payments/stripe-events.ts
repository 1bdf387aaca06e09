/**
 * Stripe's own reports: signed webhook events. Each is taken in once, by its id, in the transaction of its change.
 * Events may come late, twice and in any order. An answer about a payment is settled like any other: success is
 * final, and an older report changes nothing. A refund that somebody made at Stripe is entered as ours, so that the
 * ledger stays true.
 * Writes: stripe_inbox.
 */
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { isId, jobsUserId } from "#base/ids.ts"
import {
  contextOfPayment,
  countRefunded,
  findByProviderId,
  findPayment,
  lockBookingOf,
  lockPayment,
  type PaymentRow,
} from "#domain/ledger/payment-rows.ts"
import { insertRefund, type RefundRow } from "#domain/ledger/refund-rows.ts"
import { eventContextOf, setEventContext } from "#events/outbox.ts"
import { chargeAnswer, facilityIdKey, paymentIdKey, refundAnswer, refundIdKey } from "./providers/stripe.ts"
import {
  readIntent,
  readRefund,
  type StripeEvent,
  type StripeIntent,
  type StripeRefund,
} from "./providers/stripe-answers.ts"
import { ourAmount } from "./providers/stripe-client.ts"
import { contextOfRefund, settleRefund } from "./send-refund.ts"
import { settlePayment } from "./settle.ts"

/** The outcome of an event of Stripe. */
export type StripeOutcome = "settled" | "repeated" | "not_ours" | "not_needed"

/** Takes in an event with a checked signature. Throws NotStripes when it tells of an object that is not of its form. */
export async function receiveStripeEvent(tx: Tx, event: StripeEvent): Promise<StripeOutcome> {
  const { id } = event.data.object
  const { count } = await tx`
    insert into slotbase.stripe_inbox (event_id, type, object_id)
    values (${event.id}, ${event.type}, ${typeof id === "string" ? id : null})
    on conflict (event_id) do nothing`
  if (count === 0) return "repeated"
  const outcome = await settleEvent(tx, event)
  await tx`update slotbase.stripe_inbox set outcome = ${outcome} where event_id = ${event.id}`
  return outcome
}

/** Stripe repeats an event for some days. After this time the event never comes again, and its row has no use. */
const keptDays = 90

/** Deletes old events, at most `limit`; answers how many. */
export async function forgetOldStripeEvents(db: Db, limit: number): Promise<number> {
  const { count } = await db`
    delete from slotbase.stripe_inbox
    where event_id = any (array(
      select event_id from slotbase.stripe_inbox
      where received_at <= (select slotbase.now()) - make_interval(days => ${keptDays})
      order by received_at limit ${limit}))`
  return count
}

async function settleEvent(tx: Tx, event: StripeEvent): Promise<StripeOutcome> {
  switch (event.type) {
    case "payment_intent.succeeded":
    case "payment_intent.processing":
    case "payment_intent.payment_failed":
    case "payment_intent.canceled":
      return settleIntent(tx, readIntent(event.data.object))
    case "refund.created":
    case "refund.updated":
    case "refund.failed":
      return settleReported(tx, readRefund(event.data.object))
    default:
      return "not_needed"
  }
}

async function settleIntent(tx: Tx, intent: StripeIntent): Promise<StripeOutcome> {
  const payment = await paymentOf(tx, intent)
  if (!payment) return "not_ours"
  setEventContext(tx, contextOfPayment(payment, eventContextOf(tx).environment))
  await settlePayment(tx, payment.facility_id, payment.id, chargeAnswer(intent))
  return "settled"
}

/** By our ids in its metadata: the event may come before the answer that tells us its id. */
async function paymentOf(tx: Tx, { id, metadata }: StripeIntent): Promise<PaymentRow | undefined> {
  const [paymentId, facilityId] = [metadata?.[paymentIdKey], metadata?.[facilityIdKey]]
  const known = await findByProviderId(tx, "stripe", id)
  if (known || !paymentId || !facilityId || !isId(paymentId) || !isId(facilityId)) return known
  const payment = await findPayment(tx, facilityId, paymentId)
  return payment?.provider === "stripe" ? payment : undefined
}

async function settleReported(tx: Tx, refund: StripeRefund): Promise<StripeOutcome> {
  const intentId = typeof refund.payment_intent === "string" ? refund.payment_intent : refund.payment_intent?.id
  const payment = intentId === undefined ? undefined : await findByProviderId(tx, "stripe", intentId)
  if (!payment) return "not_ours"
  const ours = await ourRefund(tx, payment, refund)
  if (!ours) return "not_needed"
  setEventContext(tx, contextOfRefund(ours, eventContextOf(tx).environment))
  await settleRefund(tx, payment.facility_id, ours.id, refundAnswer(refund))
  return "settled"
}

/** Our row for a refund of Stripe. A refund that was made at Stripe gets its row now, if its money is on its way. */
async function ourRefund(tx: Tx, payment: PaymentRow, refund: StripeRefund): Promise<RefundRow | undefined> {
  const goesBack = refund.status === "succeeded" || refund.status === "pending"
  // Only money that was taken can be given back. The report of the payment's success is still on its way.
  if (goesBack && payment.status !== "succeeded" && payment.provider_payment_id !== null) {
    setEventContext(tx, contextOfPayment(payment, eventContextOf(tx).environment))
    const answer = { status: "succeeded", providerPaymentId: payment.provider_payment_id } as const
    await settlePayment(tx, payment.facility_id, payment.id, answer)
  }
  await lockBookingOf(tx, payment.facility_id, payment.id)
  const locked = await lockPayment(tx, payment.facility_id, payment.id)
  const [known] = await tx<RefundRow[]>`
    select * from slotbase.refunds
    where payment_id = ${payment.id} and facility_id = ${payment.facility_id}
      and (provider_refund_id = ${refund.id} or id::text = ${refund.metadata?.[refundIdKey] ?? ""})`
  const amount = ourAmount(refund.amount, payment.currency)
  if (known || !goesBack || locked.status !== "succeeded" || amount > locked.amount - locked.refunded_amount)
    return known
  setEventContext(tx, contextOfPayment(payment, eventContextOf(tx).environment))
  const made = await insertRefund(tx, {
    facility_id: payment.facility_id,
    payment_id: payment.id,
    offline_payment_id: null,
    billing_account_id: payment.billing_account_id,
    reference_type: payment.reference_type,
    reference_id: payment.reference_id,
    amount,
    currency: payment.currency,
    reason: "Refunded at Stripe",
    refunded_by: jobsUserId,
    provider_refund_id: refund.id,
  })
  await countRefunded(tx, payment, amount)
  return made
}
