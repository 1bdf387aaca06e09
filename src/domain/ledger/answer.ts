/** A payment and a refund as the API answers them, and the input that requests them. */
import * as Schema from "effect/Schema"
import { pageQuery } from "#base/schema/page.ts"
import { Id, Instant, Money, WrittenNote } from "#base/schema/request-fields.ts"
import { saidRule } from "#base/schema/rule.ts"
import { atMost } from "#base/schema/text-fields.ts"
import { type PaymentRow, paymentStatuses, referenceTypes } from "./payment-rows.ts"

/** Tokens of a provider's form are short; Stripe's have 28 characters. */
const maxTokenLength = 255
const Amount = Money.check(Schema.isGreaterThanOrEqualTo(1))

export const CardToken = Schema.String.annotate({
  description: "what the provider's form made of the card, such as tok_visa; never a card number",
}).check(
  atMost(maxTokenLength),
  Schema.isPattern(/^[A-Za-z]+_[A-Za-z0-9_]+$/u, { expected: "a token such as tok_visa" }),
)

export const PaymentInput = Schema.Struct({
  referenceType: Schema.Literals(referenceTypes),
  referenceId: Id,
  amount: Schema.optionalKey(Amount).annotateKey({ description: "minor units; unless given: all that is due" }),
  paymentMethod: Schema.optionalKey(Schema.Literals(["card", "saved_card"])).annotateKey({
    description: "card (unless given) needs a cardToken; saved_card is the one of the billing account",
  }),
  cardToken: Schema.optionalKey(CardToken),
}).check(
  saidRule(
    {
      anyOf: [
        { properties: { paymentMethod: { const: "card" } }, required: ["cardToken"] },
        {
          properties: { paymentMethod: { const: "saved_card" } },
          required: ["paymentMethod"],
          not: { required: ["cardToken"] },
        },
      ],
    },
    ({ paymentMethod = "card", cardToken }: { paymentMethod?: string; cardToken?: string }) => {
      if (paymentMethod === "card" && cardToken === undefined) return [{ path: ["cardToken"], issue: "Missing key" }]
      if (paymentMethod === "saved_card" && cardToken !== undefined) {
        return [{ path: ["cardToken"], issue: "does not go with a saved card" }]
      }
      return []
    },
  ),
)
export type PaymentInput = typeof PaymentInput.Type

export const PaymentQuery = Schema.Struct({
  ...pageQuery,
  status: Schema.optionalKey(Schema.Literals(paymentStatuses)),
  referenceType: Schema.optionalKey(Schema.Literals(referenceTypes)),
  referenceId: Schema.optionalKey(Id),
  payerId: Schema.optionalKey(Id),
  billingAccountId: Schema.optionalKey(Id),
  from: Schema.optionalKey(Instant).annotateKey({ description: "begun at this instant or later" }),
  to: Schema.optionalKey(Instant).annotateKey({ description: "begun before this instant" }),
})

export const Payment = Schema.Struct({
  id: Id,
  facilityId: Id,
  billingAccountId: Id,
  payerId: Id,
  referenceType: Schema.Literals(referenceTypes),
  referenceId: Id,
  amount: Money,
  currency: Schema.String,
  paymentMethod: Schema.Literals(["card", "saved_card"]),
  status: Schema.Literals(paymentStatuses).annotateKey({
    description: "processing: the outcome is not known yet; it becomes one of the others by itself",
  }),
  provider: Schema.Literals(["local", "stripe"]),
  stripePaymentIntentId: Schema.optionalKey(Schema.String),
  failureCode: Schema.NullOr(Schema.String),
  failureReason: Schema.NullOr(Schema.String),
  retryCount: Schema.Int.annotate({ description: "failed attempts for the same thing before this one" }),
  nextRetryAt: Schema.NullOr(Schema.String).annotateKey({ description: "automatic payments only" }),
  refundedAmount: Money.annotateKey({ description: "given back, or on its way back" }),
  createdAt: Schema.String,
  settledAt: Schema.NullOr(Schema.String),
}).annotate({ identifier: "Payment" })
export type Payment = typeof Payment.Type

export const toPayment = (row: PaymentRow): Payment => ({
  id: row.id,
  facilityId: row.facility_id,
  billingAccountId: row.billing_account_id,
  payerId: row.payer_id,
  referenceType: row.reference_type,
  referenceId: row.reference_id,
  amount: row.amount,
  currency: row.currency,
  paymentMethod: row.payment_method,
  status: row.status,
  provider: row.provider,
  ...(row.provider === "stripe" &&
    row.provider_payment_id !== null && { stripePaymentIntentId: row.provider_payment_id }),
  failureCode: row.failure_code,
  failureReason: row.failure_reason,
  retryCount: row.retry_count,
  nextRetryAt: row.next_retry_at?.toISOString() ?? null,
  refundedAmount: row.refunded_amount,
  createdAt: row.created_at.toISOString(),
  settledAt: row.settled_at?.toISOString() ?? null,
})

export const RefundInput = Schema.Struct({
  amount: Schema.optionalKey(Amount).annotateKey({ description: "minor units; unless given: all that is left" }),
  reason: WrittenNote,
})
export type RefundInput = typeof RefundInput.Type

const refundStatuses = ["processing", "owed", "succeeded", "failed"] as const

export const RefundQuery = Schema.Struct({
  ...pageQuery,
  status: Schema.optionalKey(Schema.Literals(refundStatuses)),
  paymentId: Schema.optionalKey(Id),
  referenceId: Schema.optionalKey(Id),
})

export const Refund = Schema.Struct({
  id: Id,
  facilityId: Id,
  paymentId: Schema.NullOr(Id),
  offlinePaymentId: Schema.NullOr(Id),
  billingAccountId: Id,
  referenceType: Schema.Literals(referenceTypes),
  referenceId: Id,
  amount: Money,
  currency: Schema.String,
  reason: Schema.String,
  refundedBy: Id,
  status: Schema.Literals(refundStatuses).annotateKey({
    description: "owed: of an offline payment, to be handed back at the desk",
  }),
  failureCode: Schema.NullOr(Schema.String),
  failureReason: Schema.NullOr(Schema.String),
  createdAt: Schema.String,
  settledAt: Schema.NullOr(Schema.String),
}).annotate({ identifier: "Refund" })
export type Refund = typeof Refund.Type
