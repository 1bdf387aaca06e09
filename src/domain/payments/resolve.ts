/**
 * Resolves payments and refunds that no request waits for any more. A process crashed between the two halves, an
 * answer was lost, or a card took its time. The provider is asked about the outcome under our key. A payment that the
 * provider does not know is sent again under the same key while the payer may expect it. Later the payment is given
 * up. Failed renewals are tried again.
 */
import { dueOf } from "#domain/ledger/due.ts"
import {
  claimUnsettled,
  contextOfPayment,
  type DuePayment,
  dueRetries,
  findPayment,
  markRetried,
  type PaymentRow,
} from "#domain/ledger/payment-rows.ts"
import { claimUnsettledRefunds, type RefundRow } from "#domain/ledger/refund-rows.ts"
import { payAutomatically } from "./automatic.ts"
import { type ChargeAnswer, OutcomeUnknown, type RefundAnswer } from "./providers/provider.ts"
import { askRefund, sendRefund, settleAlone } from "./send-refund.ts"
import { finishPayment, settleInOwnTransaction } from "./settle.ts"
import type { PaymentTools } from "./tools.ts"

/**
 * A payment that the provider does not know is sent again within this time, milliseconds. Later the payer does not
 * expect it.
 */
export const resendWithinMs = 15 * 60_000
/** Stripe's search may lag by an hour. After this time, milliseconds, the provider would know of the payment. */
export const giveUpAfterMs = 90 * 60_000

export interface Resolved {
  /** Payments that were settled. */
  readonly payments: number
  /** Refunds that were settled. */
  readonly refunds: number
  /** Renewals that were tried again. */
  readonly retries: number
  /** More may be waiting. */
  readonly more: boolean
  /**
   * Where the next retries begin; undefined: at the head of their queue. A retry that fails on our side stays due. So
   * the next look begins behind it, and nobody waits for it.
   */
  readonly retriesFrom?: Pick<DuePayment, "id" | "due"> | undefined
}

/**
 * Resolves at most `limit` of each. A failure on our side is logged, comes again, and does not stop the others.
 * @param retriesFrom as the call before answered it
 */
export async function resolvePayments(
  tools: PaymentTools,
  limit: number,
  retriesFrom?: Resolved["retriesFrom"],
): Promise<Resolved> {
  const payments = await claimUnsettled(tools.db, tools.payments.names, limit)
  const refunds = await claimUnsettledRefunds(tools.db, limit)
  const retries = await dueRetries(tools.db, limit, retriesFrom)
  const settled = {
    payments: await countOf(payments, (payment) => resolvePayment(tools, payment, payment.age_ms)),
    refunds: await countOf(refunds, (refund) => resolveRefund(tools, refund)),
    retries: await countOf(retries, (payment) => tryAgain(tools, payment)),
  }
  const more = payments.length === limit || refunds.length === limit || retries.length === limit
  return { ...settled, more, ...(retries.length === limit && { retriesFrom: retries.at(-1) }) }
}

/** True when it is settled now. */
export async function resolvePayment(tools: PaymentTools, payment: PaymentRow, ageMs: number): Promise<boolean> {
  const provider = tools.payments.named(payment.provider)
  const found = provider && (await asked(provider.findCharge(payment.id, payment.provider_payment_id)))
  if (found === undefined || found === "unknown") return false
  if (found === "never") {
    if (ageMs < resendWithinMs) return isSettled(await finishPayment(tools, payment))
    if (ageMs < giveUpAfterMs) return false
    return isSettled(
      await settleInOwnTransaction(tools.db, payment, neverSent, contextOfPayment(payment, tools.config.environment)),
    )
  }
  if (found.status === "processing" && payment.provider_payment_id !== null) return false
  return isSettled(
    await settleInOwnTransaction(tools.db, payment, found, contextOfPayment(payment, tools.config.environment)),
  )
}

/** True when it is settled now. */
async function resolveRefund(tools: PaymentTools, refund: RefundRow): Promise<boolean> {
  if (refund.sent_at === null) return isOver(await sendRefund(tools, refund))
  const payment = await findPayment(tools.db, refund.facility_id, refund.payment_id ?? "")
  const provider = payment && tools.payments.named(payment.provider)
  if (!provider) return false
  const ours = { key: refund.id, providerPaymentId: payment.provider_payment_id ?? "" }
  const found = await asked(provider.findRefund(ours, refund.provider_refund_id))
  if (found === "unknown") return false
  if (found === "never") return isOver(await askRefund(tools, refund))
  return isOver(await settleAlone(tools, refund, found))
}

async function tryAgain(tools: PaymentTools, payment: PaymentRow): Promise<boolean> {
  const reference = {
    facilityId: payment.facility_id,
    referenceType: payment.reference_type,
    referenceId: payment.reference_id,
  }
  const asked = { ...reference, amount: payment.amount }
  const again = await payAutomatically(tools, asked, contextOfPayment(payment, tools.config.environment))
  if (again !== undefined) return true
  // Paid meanwhile, or waived. While another payment is under way the renewal stays due: that payment may fail.
  const { paid, total } = await dueOf(tools.db, reference.facilityId, reference.referenceType, reference.referenceId)
  if (paid >= total) await markRetried(tools.db, reference)
  return false
}

/** The provider's answer; "never": the provider does not know the key, "unknown": the provider did not answer. */
async function asked<T extends ChargeAnswer | RefundAnswer>(
  call: Promise<T | undefined>,
): Promise<T | "never" | "unknown"> {
  try {
    return (await call) ?? "never"
  } catch (error) {
    if (error instanceof OutcomeUnknown) return "unknown"
    throw error
  }
}

const neverSent: ChargeAnswer = {
  status: "failed",
  code: "never_sent",
  reason: "The payment did not reach the payment provider; nothing was taken.",
}

const isSettled = ({ payment }: { payment: PaymentRow }) => payment.status !== "processing"
const isOver = ({ refund }: { refund: RefundRow }) => refund.status !== "processing"

/** How many of them `work` settled. */
async function countOf<T extends { readonly id: string }>(
  list: readonly T[],
  work: (each: T) => Promise<boolean>,
): Promise<number> {
  let count = 0
  for (const each of list) {
    try {
      if (await work(each)) count++
    } catch (error) {
      process.emitWarning(`payment-resolution, ${each.id}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return count
}
