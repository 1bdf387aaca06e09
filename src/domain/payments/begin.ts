/**
 * The first half of a payment, before the provider is asked: the right to pay, the amount due, and the attempt's row.
 * The booking (or the charges) are locked meanwhile, so of two callers that pay the same, one is told that a payment is
 * under way.
 */

import { type Caller, isStaff, type Member, mayActFor } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, RuleBroken } from "#base/errors.ts"
import type { Hooked } from "#base/hooks.ts"
import { newId } from "#base/ids.ts"
import { requireChargeable } from "#base/money.ts"
import { accountIdOf, cardOn } from "#domain/ledger/accounts.ts"
import type { PaymentInput } from "#domain/ledger/answer.ts"
import { type Due, dueOf, lockDue, payable } from "#domain/ledger/due.ts"
import { insertPayment, type PaymentRow, type Reference } from "#domain/ledger/payment-rows.ts"
import { eventContextOf } from "#events/outbox.ts"
import { openCard, sealCard } from "./cards.ts"
import type { PaymentProviders } from "./providers/choose.ts"
import type { Card } from "./providers/provider.ts"
import type { PaymentTools } from "./tools.ts"

/** A payment before it is begun, as the hooks of before:payment.process see it. */
export interface PaymentAsked extends Reference {
  readonly payerId: string
  /** Minor units. */
  readonly amount: number
  readonly currency: string
  readonly paymentMethod: "card" | "saved_card"
}

/**
 * The payment that a request asks for, checked without a lock; `beginPayment` checks it again.
 * @throws NotFound, NotAllowed, WrongState, RuleBroken
 */
export async function askedPayment(
  db: Queryable,
  { caller, facilityId }: Member,
  input: PaymentInput,
): Promise<PaymentAsked> {
  const due = await dueOf(db, facilityId, input.referenceType, input.referenceId.toLowerCase())
  requireMayPay(caller, due)
  return {
    facilityId,
    referenceType: due.referenceType,
    referenceId: due.referenceId,
    payerId: payerOf(caller, due),
    amount: chargeable(due, input.amount),
    currency: due.currency,
    paymentMethod: input.paymentMethod ?? "card",
  }
}

/**
 * Writes the attempt down, as processing. The hooks have seen the asked payment: exactly this is paid, or nothing.
 * @throws NotFound, NotAllowed, WrongState, RuleBroken
 */
export async function beginPayment(
  tx: Tx,
  tools: Pick<PaymentTools, "payments" | "secrets">,
  caller: Caller,
  { input: asked }: Hooked<PaymentAsked>,
  cardToken: string | undefined,
): Promise<PaymentRow> {
  const due = await lockDue(tx, asked)
  requireMayPay(caller, due)
  chargeable(due, asked.amount)
  const id = newId()
  const accountId = await accountIdOf(tx, asked.facilityId, due.debtorId)
  const { card, payerId } =
    cardToken === undefined
      ? await ownCard(tx, tools, caller, asked.facilityId, accountId)
      : { card: { kind: "token", token: cardToken } as const, payerId: asked.payerId }
  const sealed = sealCard(tools.secrets, id, card)
  const who = { payer_id: payerId, requested_by: caller.userId, automatic: false }
  return insertAttempt(tx, tools.payments, { id, asked, due, accountId, sealed, ...who })
}

/** The amount to take from a card. Throws the errors of `payable`, and RuleBroken `amount_not_chargeable`. */
export function chargeable(due: Due, asked: number | undefined): number {
  const amount = payable(due, asked)
  requireChargeable(amount, due.currency)
  return amount
}

interface Attempt {
  readonly id: string
  readonly asked: PaymentAsked
  readonly due: Due
  readonly accountId: string
  readonly sealed: Buffer | null
  readonly payer_id: string
  readonly requested_by: string
  readonly automatic: boolean
}

export function insertAttempt(tx: Tx, payments: PaymentProviders, attempt: Attempt): Promise<PaymentRow> {
  const { id, asked, due, accountId, sealed, ...who } = attempt
  const { correlationId, causationId = null } = eventContextOf(tx)
  return insertPayment(tx, {
    ...who,
    id,
    facility_id: asked.facilityId,
    billing_account_id: accountId,
    debtor_id: due.debtorId,
    reference_type: asked.referenceType,
    reference_id: asked.referenceId,
    amount: asked.amount,
    currency: asked.currency,
    payment_method: asked.paymentMethod,
    provider: payments.current.name,
    sealed_card: sealed,
    correlation_id: correlationId,
    causation_id: causationId,
  })
}

type SavedOnAccount = Extract<Card, { readonly kind: "saved" }> & { readonly ownerId: string }

/** The saved card of an account, if it is one of the present provider's. */
export async function savedCard(
  tx: Tx,
  { payments, secrets }: Pick<PaymentTools, "payments" | "secrets">,
  facilityId: string,
  accountId: string,
): Promise<SavedOnAccount | undefined> {
  const kept = await cardOn(tx, facilityId, accountId)
  if (kept?.provider !== payments.current.name) return undefined
  return { kind: "saved", reference: openCard(secrets, kept.sealed, accountId), ownerId: kept.ownerId }
}

/**
 * The saved card belongs to the owner of the account, who is then the payer. Other members of a family may not use it.
 */
async function ownCard(
  tx: Tx,
  tools: Pick<PaymentTools, "payments" | "secrets">,
  caller: Caller,
  facilityId: string,
  accountId: string,
): Promise<{ card: Card; payerId: string }> {
  const card = await savedCard(tx, tools, facilityId, accountId)
  if (card === undefined) {
    throw new RuleBroken("no_saved_card", "The billing account has no saved card for this payment provider.", [
      { path: "body.paymentMethod", message: "there is no saved card" },
    ])
  }
  const { ownerId, ...rest } = card
  if (ownerId !== caller.userId && !isStaff(caller, facilityId)) {
    throw new NotAllowed("Only the owner of a billing account pays with its saved card.")
  }
  return { card: rest, payerId: ownerId }
}

/**
 * Allowed: the debtor, a parent with `pay`, and staff. Throws NotFound for a caller that may not even see the booking.
 */
function requireMayPay(caller: Caller, { facilityId, debtorId, referenceType, referenceId }: Due): void {
  const acting = { caller, facilityId }
  if (isStaff(caller, facilityId) || mayActFor(acting, debtorId, "pay")) return
  if (mayActFor(acting, debtorId, "book")) throw new NotAllowed("You may book for this child, but not pay.")
  throw new NotFound(referenceType, referenceId)
}

/** Staff and API keys pay in the name of the debtor. */
const payerOf = (caller: Caller, { facilityId, debtorId }: Due) =>
  caller.kind === "person" && mayActFor({ caller, facilityId }, debtorId, "pay") ? caller.userId : debtorId
