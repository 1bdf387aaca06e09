/**
 * A payment provider takes money and gives it back. It is an outside system. It is asked outside of any database
 * transaction, and always under a key of ours (the id of the payment or refund). A request that is repeated under its
 * key is carried out once and answered with its outcome. There are two implementations: the built-in one (local.ts),
 * which is the default, and Stripe (stripe.ts).
 */
import type { ProviderName, SavedCard } from "#domain/ledger/saved-card.ts"

/** The card to charge: a token that the provider's own form made of a card, or a saved card. Never a card number. */
export type Card =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "saved"; readonly reference: string }

export interface ChargeRequest {
  /** Our payment's id. */
  readonly key: string
  readonly facilityId: string
  /** Minor units. */
  readonly amount: number
  /** ISO 4217. */
  readonly currency: string
  readonly card: Card
  /** For the payer's statement and the provider's own pages. */
  readonly description: string
}

export type ChargeAnswer =
  | { readonly status: "succeeded"; readonly providerPaymentId: string }
  /** The outcome comes later, by itself. */
  | { readonly status: "processing"; readonly providerPaymentId: string }
  | {
      readonly status: "failed"
      /** Stable, such as "card_declined". */
      readonly code: string
      /** For people. */
      readonly reason: string
      readonly providerPaymentId?: string
    }

export interface RefundRequest {
  /** Our refund's id. */
  readonly key: string
  readonly providerPaymentId: string
  readonly amount: number
  readonly currency: string
}

export type RefundAnswer =
  | { readonly status: "succeeded" | "processing"; readonly providerRefundId: string }
  | {
      readonly status: "failed"
      readonly code: string
      readonly reason: string
      readonly providerRefundId?: string
    }

/** Each call ends within a few seconds. All throw OutcomeUnknown when the provider may or may not have done it. */
export interface PaymentProvider {
  readonly name: ProviderName
  charge(request: ChargeRequest): Promise<ChargeAnswer>
  /** The outcome of a charge; undefined: the provider does not know the charge (yet). Charges nothing. */
  findCharge(key: string, providerPaymentId: string | null): Promise<ChargeAnswer | undefined>
  refund(request: RefundRequest): Promise<RefundAnswer>
  /** The outcome of a refund; undefined: the provider does not know the refund. Refunds nothing. */
  findRefund(
    request: Pick<RefundRequest, "key" | "providerPaymentId">,
    providerRefundId: string | null,
  ): Promise<RefundAnswer | undefined>
  /** Throws CardRefused. */
  saveCard(token: string): Promise<SavedCard>
}

/** No answer, or an answer without an outcome: ask again under the same key. */
export class OutcomeUnknown extends Error {
  readonly _tag = "OutcomeUnknown"
}

/** The provider will not keep this card. */
export class CardRefused extends Error {
  readonly _tag = "CardRefused"
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

/** The answer of the call; undefined when the outcome is unknown. */
export async function unlessUnknown<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof OutcomeUnknown) return undefined
    throw error
  }
}
