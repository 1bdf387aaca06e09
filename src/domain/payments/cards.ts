/**
 * Cards: the provider's reference to a card, sealed at rest, and the card that is saved on a billing account.
 * Automatic payments are taken from the saved card. The provider is asked before the transaction, never inside.
 */
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, WrongState } from "#base/errors.ts"
import type { SecretBox } from "#base/secrets.ts"
import { keepCardOn } from "#domain/ledger/accounts.ts"
import type { SavedCard } from "#domain/ledger/saved-card.ts"
import type { PaymentProviders } from "./providers/choose.ts"
import { type Card, CardRefused, OutcomeUnknown } from "./providers/provider.ts"

/**
 * Has the provider keep a card. Not inside a transaction.
 * Throws RuleBroken `card_refused`, WrongState `provider_unavailable`.
 */
export async function keepCard(payments: PaymentProviders, cardToken: string): Promise<SavedCard> {
  try {
    return await payments.current.saveCard(cardToken)
  } catch (error) {
    if (error instanceof CardRefused) {
      throw new RuleBroken("card_refused", error.message, [
        { path: "body.cardToken", message: `${error.code}: ${error.message}` },
      ])
    }
    if (error instanceof OutcomeUnknown) {
      throw new WrongState("provider_unavailable", "The payment provider does not answer; try again in a moment.")
    }
    throw error
  }
}

/** Keeps a card on an account, in place of the one before. */
export const setCardOf = (tx: Tx, secrets: SecretBox, facilityId: string, accountId: string, card: SavedCard) =>
  keepCardOn(tx, facilityId, accountId, card, secrets.seal(card.reference, purposeOf(accountId)))

/** The reference of an account's saved card. */
export const openCard = (secrets: SecretBox, sealed: Buffer, accountId: string): string =>
  secrets.open(sealed, purposeOf(accountId))

/** The card of one payment, sealed. After a crash the provider is asked again with this card. */
export const sealCard = (secrets: SecretBox, paymentId: string, card: Card): Buffer =>
  secrets.seal(JSON.stringify(card), purposeOf(paymentId))

export const openSealedCard = (secrets: SecretBox, paymentId: string, sealed: Buffer): Card =>
  JSON.parse(secrets.open(sealed, purposeOf(paymentId))) as Card

const purposeOf = (id: string) => `card ${id}`
