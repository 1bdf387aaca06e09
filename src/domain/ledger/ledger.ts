/**
 * The ledger: double entry. What happens to money once (a payment, a refund, a charge) moves an amount between accounts;
 * its entries sum to zero, which a trigger checks, and are never changed. Whether what customers owe (receivable) or sales
 * are on the other side of money is decided here: first what is owed for the same thing, as far as it goes.
 * Writes: payment_ledger.
 */
import type { Tx } from "#base/database/transaction.ts"
import type { ReferenceType } from "./payment-rows.ts"

/** What earns money: the price of bookings (sales), and each reason of a charge. */
export type Income = "sales" | "fees" | "subscriptions" | "invoices"

export interface Posting {
  /** The payment, refund or charge that it is of. */
  readonly sourceId: string
  readonly facilityId: string
  readonly billingAccountId: string
  readonly currency: string
  /** None: an offline payment that is for nothing in particular. */
  readonly referenceType: ReferenceType | null
  readonly referenceId: string | null
}

/** Money came in (`amount` > 0). */
export const postReceived = (tx: Tx, posting: Posting, kind: "payment" | "offline_payment", amount: number) =>
  postMoney(tx, posting, kind, kind === "payment" ? "provider" : "till", amount)

/** Money went back, or is owed back. */
export const postGivenBack = (tx: Tx, posting: Posting, kind: "refund" | "refund_owed", amount: number) =>
  postMoney(tx, posting, kind, kind === "refund" ? "provider" : "owed_refunds", -amount)

/** What was given back has come back: the card's bank did not take it. */
export const postReturned = (tx: Tx, posting: Posting, amount: number) =>
  postMoney(tx, posting, "refund_returned", "provider", amount)

/** What was owed back was handed over at the desk. */
export const postHandedBack = (tx: Tx, posting: Posting, amount: number) =>
  post(tx, posting, "refund_handed_back", { owed_refunds: amount, till: -amount })

/** Somebody owes the facility something beside a price. */
export const postCharge = (tx: Tx, posting: Posting, income: Income, amount: number) =>
  post(tx, posting, "charge", { receivable: amount, [income]: -amount })

/** … and does not any more. */
export const postWaived = (tx: Tx, posting: Posting, income: Income, amount: number) =>
  post(tx, posting, "charge_waived", { receivable: -amount, [income]: amount })

type Kind =
  | "payment"
  | "offline_payment"
  | "refund"
  | "refund_returned"
  | "refund_owed"
  | "refund_handed_back"
  | "charge"
  | "charge_waived"

/** @param amount comes in when positive, goes out when negative. */
async function postMoney(
  tx: Tx,
  posting: Posting,
  kind: Kind,
  account: "provider" | "till" | "owed_refunds",
  amount: number,
): Promise<void> {
  const owed = await receivableOf(tx, posting)
  // Coming in pays what is owed; going out uses up a credit.
  const settled = amount > 0 ? Math.min(amount, Math.max(0, owed)) : Math.max(amount, Math.min(0, owed))
  await post(tx, posting, kind, { [account]: amount, receivable: -settled, sales: settled - amount })
}

/** What is owed for a reference beside its price, minor units; negative: a credit. Two who post for one reference wait for each other. */
async function receivableOf(tx: Tx, { facilityId, referenceType, referenceId }: Posting): Promise<number> {
  if (referenceId === null) return 0
  const lock = tx`
    select pg_advisory_xact_lock(hashtext('slotbase ledger'), hashtext(${`${facilityId} ${referenceType} ${referenceId}`}))`.execute()
  const [, [row]] = await Promise.all([
    lock,
    tx<{ owed: number }[]>`
      select coalesce(sum(amount), 0)::bigint as owed from slotbase.payment_ledger
      where reference_id = ${referenceId} and facility_id = ${facilityId} and reference_type = ${referenceType} and account = 'receivable'`,
  ])
  return row?.owed ?? 0
}

async function post(tx: Tx, posting: Posting, kind: Kind, moved: Readonly<Record<string, number>>): Promise<void> {
  const accounts = Object.keys(moved).filter((account) => moved[account] !== 0)
  const amounts = accounts.map((account) => moved[account] ?? 0)
  await tx`
    insert into slotbase.payment_ledger (source_id, facility_id, kind, account, amount, currency, billing_account_id, reference_type, reference_id)
    select ${posting.sourceId}::uuid, ${posting.facilityId}::uuid, ${kind}, e.account, e.amount, ${posting.currency},
           ${posting.billingAccountId}::uuid, ${posting.referenceType}::text, ${posting.referenceId}::uuid
    from unnest(${accounts}::text[], ${amounts}::bigint[]) as e (account, amount)`
}
