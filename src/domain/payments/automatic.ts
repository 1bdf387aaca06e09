/**
 * Payments that nobody is there for: a renewal, from the card that is saved on the billing account of who owes it. They
 * run the same two halves as any payment, and the hooks of before:payment.process before them; a failure names when it is
 * tried again (retry-policy.ts), which the job payment-resolution does.
 */

import type { Caller } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { BlockedByHook, WrongState } from "#base/errors.ts"
import type { Hooked, Hooks } from "#base/hooks.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import { accountIdOf } from "#domain/ledger/accounts.ts"
import { type Payment, toPayment } from "#domain/ledger/answer.ts"
import { dueOf, lockDue, payable } from "#domain/ledger/due.ts"
import { markRetried, type PaymentRow, type Reference } from "#domain/ledger/payment-rows.ts"
import { type EventContext, transact } from "#events/outbox.ts"
import { insertAttempt, type PaymentAsked, savedCard } from "./begin.ts"
import { sealCard } from "./cards.ts"
import { runPaymentHooks } from "./hooks.ts"
import { finishPayment, settlePayment } from "./settle.ts"
import type { PaymentTools } from "./tools.ts"

/**
 * Takes what is due, or less: at most `amount`, together with what is under way. Who is asked for by themself is named an
 * amount, for what was given back to them is due again by the books, and nobody's to take. Never inside a transaction: the provider is asked. Records payment.succeeded or payment.failed.
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
  const verdict = await hooked(tools.hooks, asked)
  const { result: begun } = await transact(tools.db, context, (tx) => begin(tx, tools, asked, verdict))
  if (begun === undefined) return undefined
  const { payment } = await finishPayment(tools, begun, context)
  return toPayment(payment)
}

async function askedOf(db: Db, reference: Reference, amount: number | undefined): Promise<PaymentAsked | undefined> {
  const due = await dueOf(db, reference.facilityId, reference.referenceType, reference.referenceId)
  const atMost = amount === undefined ? due.due : Math.min(due.due, amount - due.underWay)
  const payableAmount = atMost > 0 ? ifAny(() => payable(due, atMost)) : undefined
  if (payableAmount === undefined) return undefined
  return {
    ...reference,
    payerId: due.debtorId,
    amount: payableAmount,
    currency: due.currency,
    paymentMethod: "saved_card",
  }
}

/** What is asked as the hooks let it pass, or the refusal of one of them. */
async function hooked(hooks: Hooks | undefined, asked: PaymentAsked): Promise<Hooked<PaymentAsked> | BlockedByHook> {
  try {
    return await runPaymentHooks(hooks, asked, { facilityId: asked.facilityId, caller: jobsCaller })
  } catch (error) {
    if (error instanceof BlockedByHook) return error
    throw error
  }
}

/** An attempt that cannot even be sent fails in the same transaction: it was one, and is counted and announced as one. */
async function begin(
  tx: Tx,
  tools: Pick<PaymentTools, "payments" | "secrets">,
  asked: PaymentAsked,
  verdict: Hooked<PaymentAsked> | BlockedByHook,
): Promise<PaymentRow | undefined> {
  const due = await lockDue(tx, asked)
  if (ifAny(() => payable(due, asked.amount)) === undefined) return undefined
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

/** In whose name it is paid. */
const jobsCaller: Caller = {
  userId: jobsUserId,
  kind: "system",
  name: "Scheduled Jobs",
  email: null,
  grants: [],
  tokenExpiresAt: null,
}

/** Undefined when nothing can be paid now. */
function ifAny(amount: () => number): number | undefined {
  try {
    return amount()
  } catch (error) {
    if (error instanceof WrongState) return undefined
    throw error
  }
}
