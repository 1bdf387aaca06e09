/**
 * The ledger: double entry. Each movement of money (a payment, a refund, a charge) moves an amount between accounts.
 * Its entries sum to zero, which a trigger checks, and are never changed.
 * The other side of money is the debt of customers (receivable) or sales. This file decides: the debt for the same
 * reference comes first, as far as it goes.
 * Writes: payment_ledger.
 */
import type { Tx } from "#base/database/transaction.ts"
import type { ReferenceType } from "./payment-rows.ts"

/** The sources of income: the price of bookings (sales), and each reason of a charge. */
export type Income = "sales" | "fees" | "subscriptions" | "invoices"

export interface Posting {
  /** The payment, refund or charge of the posting. */
  readonly sourceId: string
  readonly facilityId: string
  readonly billingAccountId: string
  readonly currency: string
  /** Null: an offline payment without a reference. */
  readonly referenceType: ReferenceType | null
  readonly referenceId: string | null
}

/** A payment arrived (`amount` > 0). */
export const postReceived = (tx: Tx, posting: Posting, kind: "payment" | "offline_payment", amount: number) =>
  postMoney(tx, posting, kind, kind === "payment" ? "provider" : "till", amount)

/** Money was refunded, or is marked for a refund at the desk. */
export const postGivenBack = (tx: Tx, posting: Posting, kind: "refund" | "refund_owed", amount: number) =>
  postMoney(tx, posting, kind, kind === "refund" ? "provider" : "owed_refunds", -amount)

/** A refund came back: the card's bank did not accept it. */
export const postReturned = (tx: Tx, posting: Posting, amount: number) =>
  postMoney(tx, posting, "refund_returned", "provider", amount)

/** A refund was handed over at the desk. */
export const postHandedBack = (tx: Tx, posting: Posting, amount: number) =>
  post(tx, posting, "refund_handed_back", { owed_refunds: amount, till: -amount })

/** A charge was made. */
export const postCharge = (tx: Tx, posting: Posting, income: Income, amount: number) =>
  post(tx, posting, "charge", { receivable: amount, [income]: -amount })

/** A charge was waived. */
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

/** @param amount positive: incoming; negative: outgoing. */
async function postMoney(
  tx: Tx,
  posting: Posting,
  kind: Kind,
  account: "provider" | "till" | "owed_refunds",
  amount: number,
): Promise<void> {
  const owed = await receivableOf(tx, posting)
  // Incoming money pays a debt; outgoing money uses up a credit.
  const settled = amount > 0 ? Math.min(amount, Math.max(0, owed)) : Math.max(amount, Math.min(0, owed))
  await post(tx, posting, kind, { [account]: amount, receivable: -settled, sales: settled - amount })
}

/**
 * The debt of a reference beside its price, minor units; negative: a credit.
 * Two postings for one reference wait for each other.
 */
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
