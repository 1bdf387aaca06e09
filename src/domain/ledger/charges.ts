/**
 * Charges: debts to a facility beside the price of a booking, such as a no-show fee, a period of a subscription or an
 * invoice. A charge is on the debtor's billing account and is paid like anything else. If a paid charge is waived, the
 * payment is refunded.
 * Writes: charges.
 */

import type { Tx } from "#base/database/transaction.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import { eventContextOf } from "#events/outbox.ts"
import { accountIdOf } from "./accounts.ts"
import { dueOf } from "./due.ts"
import { type Income, postCharge, postWaived } from "./ledger.ts"
import { markRefund } from "./mark-refund.ts"
import type { ReferenceType } from "./payment-rows.ts"

export interface Charge {
  readonly facilityId: string
  /** The debtor. */
  readonly userId: string
  /** Minor units. */
  readonly amount: number
  readonly currency: string
  readonly reason: "no_show_fee" | "subscription" | "invoice"
  readonly referenceType: ReferenceType
  readonly referenceId: string
  /** Tells charges of one reason apart, such as the start of a period. Left out: there is only one. */
  readonly key?: string
  /** Hundredths of a percent: the amount contains this tax. Left out: none. */
  readonly taxRate?: number
}

/** Puts the charge on the person's billing account in the facility. An existing charge is not made twice. */
export async function charge(tx: Tx, charge: Charge): Promise<void> {
  if (charge.amount === 0) return
  const billingAccountId = await accountIdOf(tx, charge.facilityId, charge.userId)
  await make(tx, charge, billingAccountId)
}

/**
 * Waives a charge, such as that of a forgiven no-show, and refunds its payments. The amount is the charge's own.
 * Without such a charge nothing happens.
 */
export async function waiveCharge(tx: Tx, charge: Charge): Promise<void> {
  const [waived] = await tx<{ id: string; billing_account_id: string; amount: number }[]>`
    update slotbase.charges set waived_at = slotbase.now()
    where reference_id = ${charge.referenceId} and facility_id = ${charge.facilityId} and reason = ${charge.reason}
      and key = ${charge.key ?? ""} and waived_at is null
    returning id, billing_account_id, amount`
  if (!waived) return
  const { facilityId, referenceType, referenceId } = charge
  const { paid, total } = await dueOf(tx, facilityId, referenceType, referenceId)
  const amount = Math.min(waived.amount, paid - total)
  // Before the ledger is touched: every transaction locks payments before ledger entries.
  if (amount > 0) {
    const refundedBy = eventContextOf(tx).userId ?? jobsUserId
    const reason = `${charge.reason.replaceAll("_", " ")} waived`
    await markRefund(tx, { facilityId, referenceType, referenceId, amount, reason, refundedBy, sourceId: waived.id })
  }
  const posting = postingOf(charge, waived.id, waived.billing_account_id)
  await postWaived(tx, posting, incomeOf[charge.reason], waived.amount)
}

/**
 * Lowers an unpaid charge by a credit of the debtor: the charge is waived, and the rest is charged anew on the same
 * account. Nothing is refunded, because the credit is never more than the unpaid part. Ledger entries stay unchanged.
 */
export async function lowerCharge(tx: Tx, charge: Omit<Charge, "amount">, credit: number): Promise<void> {
  const [row] = await tx<
    { id: string; billing_account_id: string; amount: number; tax_rate: number; user_id: string }[]
  >`
    update slotbase.charges set waived_at = slotbase.now()
    where reference_id = ${charge.referenceId} and facility_id = ${charge.facilityId} and reason = ${charge.reason}
      and key = ${charge.key ?? ""} and waived_at is null
    returning id, billing_account_id, amount, tax_rate, user_id`
  if (!row) throw new Error("lowerCharge: there is no such charge")
  await postWaived(tx, postingOf(charge, row.id, row.billing_account_id), incomeOf[charge.reason], row.amount)
  const lowered = { ...charge, userId: row.user_id, amount: row.amount - credit, taxRate: row.tax_rate }
  if (lowered.amount > 0) await make(tx, lowered, row.billing_account_id)
}

async function make(tx: Tx, charge: Charge, billingAccountId: string): Promise<void> {
  const [made] = await tx<{ id: string }[]>`
    insert into slotbase.charges (id, facility_id, billing_account_id, user_id, reason, reference_type, reference_id, key, amount, currency,
      tax_rate)
    values (${newId()}, ${charge.facilityId}, ${billingAccountId}, ${charge.userId}, ${charge.reason}, ${charge.referenceType},
            ${charge.referenceId}, ${charge.key ?? ""}, ${charge.amount}, ${charge.currency}, ${charge.taxRate ?? 0})
    on conflict (reference_id, facility_id, reason, key) where waived_at is null do nothing
    returning id`
  if (made) await postCharge(tx, postingOf(charge, made.id, billingAccountId), incomeOf[charge.reason], charge.amount)
}

const incomeOf = { no_show_fee: "fees", subscription: "subscriptions", invoice: "invoices" } as const satisfies Record<
  Charge["reason"],
  Income
>

const postingOf = (charge: Omit<Charge, "amount">, sourceId: string, billingAccountId: string) => ({
  sourceId,
  facilityId: charge.facilityId,
  billingAccountId,
  currency: charge.currency,
  referenceType: charge.referenceType,
  referenceId: charge.referenceId,
})
