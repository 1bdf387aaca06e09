/**
 * Takes off a bill what is not owed any more, such as a cancelled booking or a waived fee that is not paid yet. A
 * credit note names the bill. Money that was paid is another matter: its refund has a credit note.
 */
import type { Tx } from "#base/database/transaction.ts"
import { localDateOf } from "#base/local-days.ts"
import { issuePaper } from "#domain/invoices/issue.ts"
import { lockCounters } from "#domain/invoices/numbers.ts"
import { findPaper, type PaperRow, paperOf } from "#domain/invoices/rows.ts"
import { creditedOfBooking } from "#domain/invoices/sold.ts"
import { indebted } from "#domain/ledger/debts.ts"
import { dueOf } from "#domain/ledger/due.ts"
import { type BilledBooking, billsOfBooking, settleBills } from "./bill-rows.ts"
import { issueWaitingPapers } from "./waiting-papers.ts"

/** Undefined: nothing is to be taken off. @param causeId the event that made it necessary */
export async function correctBill(
  tx: Tx,
  facilityId: string,
  bookingId: string,
  causeId: string,
): Promise<PaperRow | undefined> {
  if ((await billsOfBooking(tx, facilityId, bookingId)).length === 0) return undefined
  await lockCounters(tx, [facilityId])
  const issued = await paperOf(tx, facilityId, "bill_correction", causeId)
  if (issued) return issued
  await issueWaitingPapers(tx, facilityId, bookingId)
  const bills = await billsOfBooking(tx, facilityId, bookingId)
  const amount = openIn(bills) - (await owedFor(tx, facilityId, bookingId))
  const newest = bills.findLast(({ open }) => open > 0)
  if (amount <= 0 || newest === undefined) return undefined
  const bill = (await findPaper(tx, facilityId, newest.invoice_id)) as PaperRow
  const reference = { facilityId, referenceType: "booking", referenceId: bookingId } as const
  const id = await issuePaper(tx, {
    ...reference,
    sellerId: bill.seller_id,
    kind: "credit_note",
    sourceType: "bill_correction",
    sourceId: causeId,
    corrects: bill,
    billingAccountId: bill.billing_account_id,
    payerId: bill.payer_id,
    debtorId: bill.debtor_id,
    currency: bill.currency,
    ...(await creditedOfBooking(tx, reference, amount)),
    settled: { method: "deducted", paidOn: await today(tx, facilityId) },
  })
  // The newest bills first: an older one is likelier to be paid as it was.
  await settleBills(tx, { facilityId, bookingId, sourceId: causeId, isMoney: false }, bills.toReversed(), amount)
  return findPaper(tx, facilityId, id)
}

const openIn = (bills: readonly BilledBooking[]) => bills.reduce((sum, { open }) => sum + open, 0)

/** What is due or is being paid; nothing for a booking that is no debt. */
async function owedFor(tx: Tx, facilityId: string, bookingId: string): Promise<number> {
  const { due, underWay, status = "" } = await dueOf(tx, facilityId, "booking", bookingId)
  return (indebted as readonly string[]).includes(status) ? due + underWay : 0
}

async function today(tx: Tx, facilityId: string): Promise<string> {
  const [row] = await tx<{ timezone: string; now: Date }[]>`
    select timezone, slotbase.now() as now from slotbase.facilities f where f.id = ${facilityId}`
  return localDateOf(row?.timezone ?? "UTC", row?.now.getTime() ?? 0)
}
