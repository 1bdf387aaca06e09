/**
 * Issues a paper, in the transaction of its cause: the number, the lines, the seller and the buyer as they are now. A
 * cause has one paper, however often it is asked for. The counter of the seller is locked first. So papers of a seller
 * are issued one after the other, and each knows what earlier ones took.
 */
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { localDateOf } from "#base/local-days.ts"
import { buyerOf } from "./addresses.ts"
import { type PaperLine, taxesOf } from "./lines.ts"
import { lockCounters, takeNumber } from "./numbers.ts"
import {
  insertPaper,
  type NewPaper,
  type PaidBy,
  type PaperKind,
  type PaperRow,
  type PaperSource,
  paperOf,
} from "./rows.ts"
import { invoiceSettingsOf, missingOn, sellerIn } from "./seller.ts"

/** What a paper says, before it has its number. */
export interface PaperDraft {
  readonly facilityId: string
  /** The facility, or the platform for what the platform sells. */
  readonly sellerId: string
  readonly kind: PaperKind
  readonly sourceType: PaperSource
  readonly sourceId: string
  /** The paper that it corrects; left out: it begins something. */
  readonly corrects?: Pick<PaperRow, "id" | "root_id">
  readonly billingAccountId: string
  /** Named instead of the billing account, such as a walk-in customer. */
  readonly buyerName?: string
  readonly payerId: string | null
  readonly debtorId: string | null
  readonly referenceType: PaperRow["reference_type"]
  readonly referenceId: string | null
  readonly currency: string
  /** Their amounts sum to more than 0. */
  readonly lines: readonly PaperLine[]
  /** Local days; left out: the day of issue. */
  readonly supplied?: { readonly from: string; readonly to: string }
  /** How it was paid, or in how many days it is due. */
  readonly settled: PaidBy | { readonly dueInDays: number }
  readonly note?: string
}

/** Returns the id of the paper. A cause that has one already gets no second. Throws NotFound: no such seller. */
export async function issuePaper(tx: Tx, draft: PaperDraft): Promise<string> {
  const { facilityId, sellerId, lines } = draft
  await lockCounters(tx, [sellerId])
  const issued = await paperOf(tx, facilityId, draft.sourceType, draft.sourceId)
  if (issued) return issued.id
  const [settings, buyer, { name, today }] = await Promise.all([
    invoiceSettingsOf(tx, sellerId),
    buyerOf(tx, facilityId, draft.billingAccountId, draft.buyerName),
    sellerNow(tx, sellerId),
  ])
  const { numberPrefix: prefix, numbering, language } = settings
  const numbered = await takeNumber(tx, sellerId, { prefix, numbering, year: Number(today.slice(0, 4)) })
  const gross = lines.reduce((sum, { amount }) => sum + amount, 0)
  const tax = lines.reduce((sum, { taxAmount }) => sum + taxAmount, 0)
  const id = newId()
  const paper: NewPaper = {
    ...numbered,
    id,
    facility_id: facilityId,
    seller_id: sellerId,
    kind: draft.kind,
    source_type: draft.sourceType,
    source_id: draft.sourceId,
    corrects_id: draft.corrects?.id ?? null,
    root_id: draft.corrects?.root_id ?? id,
    billing_account_id: draft.billingAccountId,
    payer_id: draft.payerId,
    debtor_id: draft.debtorId,
    reference_type: draft.referenceType,
    reference_id: draft.referenceId,
    currency: draft.currency,
    net: gross - tax,
    tax,
    gross,
    issued_on: today,
    supplied_from: draft.supplied?.from ?? today,
    supplied_to: draft.supplied?.to ?? today,
    due_on: "dueInDays" in draft.settled ? dayAfter(today, draft.settled.dueInDays) : null,
    payment: "dueInDays" in draft.settled ? null : draft.settled,
    lines,
    taxes: taxesOf(lines),
    seller: { name, ...sellerIn(settings) },
    buyer,
    note: draft.note ?? null,
    language,
    missing: missingOn(settings, lines),
  }
  await insertPaper(tx, paper)
  return id
}

/** The seller's name and local day. The clock is read after the lock, so numbers and days have one order. */
async function sellerNow(tx: Tx, sellerId: string): Promise<{ name: string; today: string }> {
  const [row] = await tx<{ name: string; timezone: string; now: Date }[]>`
    select name, timezone, slotbase.now() as now from slotbase.facilities f where f.id = ${sellerId}`
  if (!row) throw new NotFound("facility", sellerId)
  return { name: row.name, today: localDateOf(row.timezone, row.now.getTime()) }
}

const dayMs = 24 * 60 * 60_000
const dayAfter = (day: string, days: number) => new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10)
