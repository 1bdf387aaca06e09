/**
 * Stripe as a payment provider. A payment is a PaymentIntent that is confirmed at once. Our id is its idempotency key,
 * and is also in its metadata. Stripe forgets keys after a day, so an outcome is looked up by that metadata. A payment
 * is sent again only while its key is certainly known. A card that asks for its holder (3-D Secure) fails with
 * authentication_required: nobody is there to answer. An answer that is not of its form is an unknown outcome, as no
 * answer is.
 */
import Stripe from "stripe"
import { unitOf } from "#base/money.ts"
import {
  CardRefused,
  type ChargeAnswer,
  type ChargeRequest,
  OutcomeUnknown,
  type PaymentProvider,
  type RefundAnswer,
} from "./provider.ts"
import {
  NotStripes,
  readCustomer,
  readIntent,
  readIntents,
  readMethod,
  readRefund,
  readRefunds,
  type StripeIntent,
  type StripeRefund,
} from "./stripe-answers.ts"
import { inStripesUnits, stripeAmount } from "./stripe-client.ts"

/** The names of our ids in the metadata of Stripe's objects. */
export const paymentIdKey = "slotbasePaymentId"
export const facilityIdKey = "slotbaseFacilityId"
export const refundIdKey = "slotbaseRefundId"

export const stripeProvider = (stripe: Stripe): PaymentProvider => ({
  name: "stripe",

  async charge(request) {
    const amount = stripeAmount(request.amount, request.currency)
    if (amount === undefined) {
      const reason = `Stripe cannot charge ${request.amount} minor units of ${request.currency}: no multiple of ${unitOf(request.currency)}.`
      return { status: "failed", code: "amount_not_chargeable", reason }
    }
    try {
      const intent = await stripe.paymentIntents.create(await intentOf(stripe, request, amount), keyed(request.key))
      return chargeAnswer(ours(readIntent(intent), request.key))
    } catch (error) {
      return refused(error)
    }
  },

  async findCharge(key, providerPaymentId) {
    const { paymentIntents } = stripe
    try {
      if (providerPaymentId !== null)
        return chargeAnswer(ours(readIntent(await paymentIntents.retrieve(providerPaymentId)), key))
      const found = await paymentIntents.search({ query: `metadata['${paymentIdKey}']:'${key}'`, limit: 1 })
      const [intent] = readIntents(found).data
      return intent && chargeAnswer(ours(intent, key))
    } catch (error) {
      throw unknownOutcome(error)
    }
  },

  async refund({ key, providerPaymentId, amount, currency }) {
    const params = {
      payment_intent: providerPaymentId,
      amount: inStripesUnits(amount, currency),
      metadata: { [refundIdKey]: key },
    }
    try {
      return refundAnswer(readRefund(await stripe.refunds.create(params, keyed(key))))
    } catch (error) {
      return refused(error)
    }
  },

  async findRefund({ key, providerPaymentId }, providerRefundId) {
    try {
      if (providerRefundId !== null) return refundAnswer(readRefund(await stripe.refunds.retrieve(providerRefundId)))
      const made = await stripe.refunds.list({ payment_intent: providerPaymentId, limit: maxRefunds })
      const found = readRefunds(made).data.find((refund) => refund.metadata?.[refundIdKey] === key)
      return found && refundAnswer(found)
    } catch (error) {
      throw unknownOutcome(error)
    }
  },

  async saveCard(token) {
    try {
      const method = readMethod(
        token.startsWith("tok_")
          ? await stripe.paymentMethods.create({ type: "card", card: { token } })
          : await stripe.paymentMethods.retrieve(token),
      )
      const customer = readCustomer(await stripe.customers.create({}))
      const { card } = readMethod(await stripe.paymentMethods.attach(method.id, { customer: customer.id }))
      const label = card ? `${card.brand} ···· ${card.last4}` : method.type
      return { provider: "stripe", reference: JSON.stringify([customer.id, method.id]), label }
    } catch (error) {
      const { code, reason } = refused(error)
      throw new CardRefused(code, reason)
    }
  },
})

/** The answer that a PaymentIntent gives. Succeeded and failed are final; every other state is processing. */
export function chargeAnswer(intent: StripeIntent): ChargeAnswer {
  const providerPaymentId = intent.id
  if (intent.status === "succeeded") return { status: "succeeded", providerPaymentId }
  if (intent.status === "canceled") {
    return { status: "failed", code: "canceled", reason: "The payment was cancelled at Stripe.", providerPaymentId }
  }
  if (intent.status === "requires_payment_method") {
    const { code, decline_code, message } = intent.last_payment_error ?? {}
    return { status: "failed", code: codeOf(code, decline_code), reason: message ?? declined, providerPaymentId }
  }
  return { status: "processing", providerPaymentId }
}

export function refundAnswer(refund: StripeRefund): RefundAnswer {
  const providerRefundId = refund.id
  if (refund.status === "succeeded") return { status: "succeeded", providerRefundId }
  if (refund.status === "failed" || refund.status === "canceled") {
    const code = refund.failure_reason ?? `refund_${refund.status}`
    return { status: "failed", code, reason: `Stripe could not give it back: ${code}.`, providerRefundId }
  }
  return { status: "processing", providerRefundId }
}

/** The intent, if it is about the payment that was asked about. Throws NotStripes. */
function ours(intent: StripeIntent, key: string): StripeIntent {
  if (intent.metadata?.[paymentIdKey] !== key) throw new NotStripes("What Stripe sent is about another payment.")
  return intent
}

/** Nobody makes this many refunds of one payment. */
const maxRefunds = 100
const declined = "The card was declined."

async function intentOf(
  stripe: Stripe,
  { key, facilityId, currency, card, description }: ChargeRequest,
  amount: number,
) {
  const [customer, method] =
    card.kind === "saved" ? (JSON.parse(card.reference) as [string, string]) : [undefined, card.token]
  // A token becomes a payment method once. A repetition under the same key gets the same payment method.
  const payment_method = method.startsWith("tok_")
    ? readMethod(await stripe.paymentMethods.create({ type: "card", card: { token: method } }, keyed(`${key}:card`))).id
    : method
  return {
    amount,
    currency: currency.toLowerCase(),
    payment_method,
    ...(customer === undefined ? { error_on_requires_action: true } : { customer, off_session: true }),
    confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    description,
    metadata: { [paymentIdKey]: key, [facilityIdKey]: facilityId },
  } satisfies Stripe.PaymentIntentCreateParams
}

const keyed = (idempotencyKey: string): Stripe.RequestOptions => ({ idempotencyKey })

/** The answer to a failure in which Stripe certainly did nothing. Throws OutcomeUnknown for every other failure. */
function refused(error: unknown) {
  // The SDK takes the class from the status. A body without a type of Stripe's is somebody else's, such as a proxy's.
  if (!(error instanceof Stripe.errors.StripeError) || !refusals.has(error.rawType ?? "")) throw unknownOutcome(error)
  if (error instanceof Stripe.errors.StripeCardError) {
    const providerPaymentId = intentIdOf(error.payment_intent)
    return {
      status: "failed",
      code: codeOf(error.code, error.decline_code),
      reason: error.message || declined,
      ...(providerPaymentId !== undefined && { providerPaymentId }),
    } as const
  }
  if (error instanceof Stripe.errors.StripeInvalidRequestError) {
    return { status: "failed", code: error.code ?? "invalid_request", reason: error.message } as const
  }
  if (
    error instanceof Stripe.errors.StripeAuthenticationError ||
    error instanceof Stripe.errors.StripePermissionError
  ) {
    process.emitWarning(`Stripe refuses our key: ${error.message}`)
    return { status: "failed", code: "provider_refused", reason: "The payment provider refused the facility." } as const
  }
  throw unknownOutcome(error)
}

/** The types of errors with which Stripe refuses a request. */
const refusals: ReadonlySet<string> = new Set(["card_error", "invalid_request_error"])

function intentIdOf(intent: unknown): string | undefined {
  try {
    return readIntent(intent).id
  } catch {
    return undefined
  }
}

const unknownOutcome = (error: unknown) => new OutcomeUnknown(error instanceof Error ? error.message : String(error))

/** The decline code says why, where "card_declined" does not. */
const codeOf = (code: string | null | undefined, declineCode: string | null | undefined) =>
  (code === "card_declined" && declineCode && declineCode !== "generic_decline" ? declineCode : code) ?? "card_declined"
