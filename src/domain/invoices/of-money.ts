/**
 * The papers of money that moved. A payment has an invoice, and a refund a credit note. A refund that the bank sent
 * back has an invoice again. Each first issues the paper that it builds on, so events in any order, and repeated
 * ones, lead to the same papers. Refunds of one payment never exceed it, so neither do its credit notes.
 */
import type { Tx } from "#base/database/transaction.ts"
import { platformFacilityId } from "#base/ids.ts"
import { localDateOf } from "#base/local-days.ts"
import { findPayment, type Reference, type ReferenceType } from "#domain/ledger/payment-rows.ts"
import { findRefund } from "#domain/ledger/refund-rows.ts"
import { issuePaper, type PaperDraft } from "./issue.ts"
import { divided, type PaperLine, type Sold } from "./lines.ts"
import { billPaidBy, billsOfBooking, settleBills } from "./monthly/bill-rows.ts"
import { lockCounters } from "./numbers.ts"
import { findPaper, type PaperRow, paperOf, takenBy } from "./rows.ts"
import { creditedOfBooking, linesOfPayment, partsOf, unpapered } from "./sold.ts"

/** The seller of what a payment is for: subscriptions are sold by the platform. */
export const sellerOf = (facilityId: string, referenceType: string | null): string =>
  referenceType === "subscription" ? platformFacilityId : facilityId

/**
 * The paper of a payment; undefined: it is none of ours, or it pays an invoice that was issued before. What pays a bill
 * of its booking settles the bill, and only the rest has a paper.
 */
export async function invoicePayment(tx: Tx, facilityId: string, paymentId: string): Promise<PaperRow | undefined> {
  const payment = (await cardPayment(tx, facilityId, paymentId)) ?? (await deskPayment(tx, facilityId, paymentId))
  if (!payment) return undefined
  const { referenceType, referenceId, amount } = payment
  if (referenceType === "invoice" && referenceId !== null && (await findPaper(tx, facilityId, referenceId)))
    return undefined
  await lockCounters(tx, [payment.sellerId])
  const issued = await paperOf(tx, facilityId, payment.sourceType, paymentId)
  if (issued) return issued
  if ((await billPaidBy(tx, facilityId, paymentId)) !== undefined) return undefined
  if (referenceType === null || referenceId === null) {
    const lines = [{ key: "account", kind: "account", label: "", amount, taxRate: 0, taxAmount: 0 } as const]
    return findPaper(tx, facilityId, await issuePaper(tx, { ...payment, lines }))
  }
  const reference = { facilityId, referenceType, referenceId }
  const own = referenceType === "booking" ? amount - (await payBills(tx, reference, paymentId, amount)) : amount
  if (own === 0) return undefined
  const sold = await linesOfPayment(tx, reference, own)
  const id = await issuePaper(tx, { ...payment, ...sold })
  return findPaper(tx, facilityId, id)
}

/** Settles bills of a booking by a payment, after what is on no paper. Answers by how much. */
async function payBills(tx: Tx, reference: Reference, sourceId: string, amount: number): Promise<number> {
  const { facilityId, referenceId: bookingId } = reference
  const bills = await billsOfBooking(tx, facilityId, bookingId)
  const open = bills.reduce((sum, bill) => sum + bill.open, 0)
  if (open === 0) return 0
  const part = Math.min(open, amount - Math.min(amount, await unpapered(tx, reference)))
  await settleBills(tx, { facilityId, bookingId, sourceId, isMoney: true }, bills, part)
  return part
}

/** The credit note of a refund that succeeded, or had. Undefined: there is no such refund. */
export async function creditRefund(tx: Tx, facilityId: string, refundId: string): Promise<PaperRow | undefined> {
  const refund = await findRefund(tx, facilityId, refundId)
  if (!refund) return undefined
  const paymentId = refund.payment_id ?? refund.offline_payment_id ?? ""
  const root =
    (await invoicePayment(tx, facilityId, paymentId)) ??
    (await findPaper(tx, facilityId, (await billPaidBy(tx, facilityId, paymentId)) ?? refund.reference_id))
  if (!root) return undefined
  const reference = { facilityId, referenceType: refund.reference_type, referenceId: refund.reference_id }
  const isBilled =
    reference.referenceType === "booking" && (await billsOfBooking(tx, facilityId, reference.referenceId)).length > 0
  await lockCounters(tx, [root.seller_id])
  const issued = await paperOf(tx, facilityId, "refund", refundId)
  if (issued) return issued
  const id = await issuePaper(tx, {
    ...sameParties(root),
    kind: "credit_note",
    sourceType: "refund",
    sourceId: refundId,
    corrects: root,
    ...(isBilled
      ? { ...reference, ...(await creditedOfBooking(tx, reference, refund.amount)) }
      : { lines: await creditedLines(tx, root, refund.amount) }),
    settled: {
      method: root.payment?.method ?? "card",
      paidOn: await dayOf(tx, facilityId, refund.settled_at ?? refund.created_at),
    },
    note: refund.reason,
  })
  return findPaper(tx, facilityId, id)
}

/** A refund came back after its credit note: what it credited is sold again. Undefined: nothing was credited. */
export async function invoiceReturned(tx: Tx, facilityId: string, refundId: string): Promise<PaperRow | undefined> {
  const [returned] = await tx<{ recorded_at: Date }[]>`
    select recorded_at from slotbase.payment_ledger
    where source_id = ${refundId} and facility_id = ${facilityId} and kind = 'refund_returned' limit 1`
  const credit = returned && (await creditRefund(tx, facilityId, refundId))
  if (!credit) return undefined
  const id = await issuePaper(tx, {
    ...sameParties(credit),
    kind: "invoice",
    sourceType: "refund_returned",
    sourceId: refundId,
    corrects: credit,
    lines: credit.lines,
    settled: { method: credit.payment?.method ?? "card", paidOn: await dayOf(tx, facilityId, returned.recorded_at) },
  })
  return findPaper(tx, facilityId, id)
}

/** All of the invoice at once: its own lines. A part: its share of what is left of each. */
async function creditedLines(tx: Tx, root: PaperRow, amount: number): Promise<readonly PaperLine[]> {
  if (amount === root.gross) {
    const { count } = await tx`
      select from slotbase.invoices where root_id = ${root.id} and facility_id = ${root.facility_id} limit 2`
    if (count === 1) return root.lines
  }
  const rates = new Map(root.lines.map(({ key, taxRate }) => [key, taxRate]))
  const left: Sold[] = [...(await takenBy(tx, root.facility_id, { rootId: root.id }))].map(([key, sums]) => ({
    key,
    taxRate: rates.get(key) ?? 0,
    ...sums,
  }))
  // In the order of the invoice's lines: sums by key come in any order.
  const order = [...rates.keys()]
  return partsOf(
    root.lines,
    divided(
      amount,
      left.toSorted((a, b) => order.indexOf(a.key) - order.indexOf(b.key)),
    ),
  )
}

const sameParties = (paper: PaperRow) => ({
  facilityId: paper.facility_id,
  sellerId: paper.seller_id,
  billingAccountId: paper.billing_account_id,
  buyerName: paper.buyer.name,
  payerId: paper.payer_id,
  debtorId: paper.debtor_id,
  referenceType: paper.reference_type,
  referenceId: paper.reference_id,
  currency: paper.currency,
  supplied: { from: paper.supplied_from, to: paper.supplied_to },
})

type Paid = Omit<PaperDraft, "lines" | "supplied"> & {
  readonly amount: number
  readonly referenceType: ReferenceType | null
}

async function cardPayment(tx: Tx, facilityId: string, id: string): Promise<Paid | undefined> {
  const row = await findPayment(tx, facilityId, id)
  if (row?.status !== "succeeded") return undefined
  return {
    facilityId,
    sellerId: sellerOf(facilityId, row.reference_type),
    kind: "invoice",
    sourceType: "payment",
    sourceId: id,
    billingAccountId: row.billing_account_id,
    payerId: row.payer_id,
    debtorId: row.debtor_id,
    referenceType: row.reference_type,
    referenceId: row.reference_id,
    currency: row.currency,
    amount: row.amount,
    settled: { method: "card", paidOn: await dayOf(tx, facilityId, row.settled_at ?? row.created_at) },
  }
}

async function deskPayment(tx: Tx, facilityId: string, id: string): Promise<Paid | undefined> {
  const [row] = await tx<
    {
      billing_account_id: string
      owner_id: string | null
      booker_id: string | null
      amount: number
      currency: string
      payment_method: string
      reference_number: string | null
      payer_name: string
      paid_on: string
      booking_id: string | null
    }[]
  >`
    select p.billing_account_id, a.owner_id, b.booker_id, p.amount, p.currency, p.payment_method, p.reference_number, p.payer_name,
           p.payment_date::text as paid_on, p.booking_id
    from slotbase.offline_payments p
    join slotbase.billing_accounts a on a.id = p.billing_account_id and a.facility_id = p.facility_id
    left join slotbase.bookings b on b.id = p.booking_id and b.facility_id = p.facility_id
    where p.id = ${id} and p.facility_id = ${facilityId}`
  if (!row) return undefined
  const { reference_number: reference } = row
  return {
    facilityId,
    sellerId: facilityId,
    kind: "invoice",
    sourceType: "offline_payment",
    sourceId: id,
    billingAccountId: row.billing_account_id,
    buyerName: row.payer_name,
    payerId: row.owner_id,
    debtorId: row.booker_id,
    referenceType: row.booking_id === null ? null : "booking",
    referenceId: row.booking_id,
    currency: row.currency,
    amount: row.amount,
    settled: { method: row.payment_method, paidOn: row.paid_on, ...(reference !== null && { reference }) },
  }
}

async function dayOf(tx: Tx, facilityId: string, at: Date): Promise<string> {
  const [row] = await tx<{ timezone: string }[]>`select timezone from slotbase.facilities f where f.id = ${facilityId}`
  return localDateOf(row?.timezone ?? "UTC", at.getTime())
}
