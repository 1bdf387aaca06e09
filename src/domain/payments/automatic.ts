/**
 * Automatic payments, such as a renewal, from the card that is saved on the debtor's billing account. They run the
 * hooks of before:payment.process and then the two halves of any payment. A failure names the time of the next try
 * (retry-policy.ts); the job payment-resolution makes it.
 */

import type { Caller } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { BlockedByHook, RuleBroken, WrongState } from "#base/errors.ts"
import type { Hooked, Hooks } from "#base/hooks.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import { accountIdOf } from "#domain/ledger/accounts.ts"
import { type Payment, toPayment } from "#domain/ledger/answer.ts"
import { dueOf, lockDue } from "#domain/ledger/due.ts"
import { markRetried, type PaymentRow, type Reference } from "#domain/ledger/payment-rows.ts"
import { type EventContext, transact } from "#events/outbox.ts"
import { chargeable, insertAttempt, type PaymentAsked, savedCard } from "./begin.ts"
import { sealCard } from "./cards.ts"
import { runPaymentHooks } from "./hooks.ts"
import { finishPayment, settlePayment } from "./settle.ts"
import type { PaymentTools } from "./tools.ts"

/**
 * Takes the due amount, or less: at most `amount`, together with payments under way. The limit is needed because an
 * amount refunded by hand is due again by the books, and must not be taken again. Never call it inside a transaction:
 * the provider is asked. Records payment.succeeded or payment.failed.
 * @returns undefined when nothing is due, or just being paid.
 * @throws NotFound, RuleBroken `more_than_is_due`
 */
export async function payAutomatically(
  tools: PaymentTools,
  { facilityId, referenceType, referenceId, amount }: Reference & { readonly amount?: number },
  context: EventContext,
): Promise<Payment | undefined> {
  const asked = await askedOf(tools.db, { facilityId, referenceType, referenceId }, amount)
  if (asked === undefined) return undefined
  const verdict = await askHooks(tools.hooks, asked)
  const { result: begun } = await transact(tools.db, context, (tx) => begin(tx, tools, asked, verdict))
  if (begun === undefined) return undefined
  const { payment } = await finishPayment(tools, begun, context)
  return toPayment(payment)
}

async function askedOf(db: Db, reference: Reference, amount: number | undefined): Promise<PaymentAsked | undefined> {
  const due = await dueOf(db, reference.facilityId, reference.referenceType, reference.referenceId)
  const atMost = amount === undefined ? due.due : Math.min(due.due, amount - due.underWay)
  const payableAmount = atMost > 0 ? ifAny(() => chargeable(due, atMost)) : undefined
  if (payableAmount === undefined) return undefined
  return {
    ...reference,
    payerId: due.debtorId,
    amount: payableAmount,
    currency: due.currency,
    paymentMethod: "saved_card",
  }
}

/** The payment as the hooks let it pass, or the refusal of a hook. */
async function askHooks(hooks: Hooks | undefined, asked: PaymentAsked): Promise<Hooked<PaymentAsked> | BlockedByHook> {
  try {
    return await runPaymentHooks(hooks, asked, { facilityId: asked.facilityId, caller: jobsCaller })
  } catch (error) {
    if (error instanceof BlockedByHook) return error
    throw error
  }
}

/** An attempt that cannot be sent fails in the same transaction. It is counted and recorded like any failed attempt. */
async function begin(
  tx: Tx,
  tools: Pick<PaymentTools, "payments" | "secrets">,
  asked: PaymentAsked,
  verdict: Hooked<PaymentAsked> | BlockedByHook,
): Promise<PaymentRow | undefined> {
  const due = await lockDue(tx, asked)
  if (ifAny(() => chargeable(due, asked.amount)) === undefined) return undefined
  const id = newId()
  const accountId = await accountIdOf(tx, asked.facilityId, due.debtorId)
  const card = await savedCard(tx, tools, asked.facilityId, accountId)
  const blocked = verdict instanceof BlockedByHook ? verdict.reason : undefined
  const sealed =
    card && blocked === undefined ? sealCard(tools.secrets, id, { kind: "saved", reference: card.reference }) : null
  await markRetried(tx, asked)
  const who = { payer_id: card?.ownerId ?? due.debtorId, requested_by: jobsCaller.userId, automatic: true }
  const begun = await insertAttempt(tx, tools.payments, { id, asked, due, accountId, sealed, ...who })
  if (sealed !== null) return begun
  const failure =
    blocked === undefined
      ? { code: "no_saved_card", reason: "There is no saved card to pay with." }
      : { code: "blocked_by_hook", reason: blocked }
  return settlePayment(tx, asked.facilityId, id, { status: "failed", ...failure })
}

/** The actor of automatic payments. */
const jobsCaller: Caller = {
  userId: jobsUserId,
  kind: "system",
  name: "Scheduled Jobs",
  email: null,
  grants: [],
  tokenExpiresAt: null,
}

const notNow = new Set(["amount_not_chargeable", "facility_closed"])

/** Undefined when nothing can be paid now. */
function ifAny(amount: () => number): number | undefined {
  try {
    return amount()
  } catch (error) {
    if (error instanceof WrongState) return undefined
    if (error instanceof RuleBroken && notNow.has(error.code)) return undefined
    throw error
  }
}
