/**
 * The rows of papers. A row is inserted once and never changed; a trigger refuses anything else.
 * Writes: invoices.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { ReferenceType } from "#domain/ledger/payment-rows.ts"
import type { PaperLine, TaxSum } from "./lines.ts"
import type { MissingFact, PaperLanguage, Seller } from "./seller.ts"

export type PaperKind = "invoice" | "credit_note"
export type PaperSource = "payment" | "offline_payment" | "refund" | "refund_returned" | "bill"

export interface Buyer {
  readonly name: string
  readonly street?: string
  readonly postcode?: string
  readonly city?: string
  readonly country?: string
  readonly vatId?: string
  readonly reference?: string
}

/** How it was paid, or given back. */
export interface PaidBy {
  readonly method: string
  /** Local day. */
  readonly paidOn: string
  readonly reference?: string
}

export interface PaperRow {
  readonly id: string
  readonly facility_id: string
  readonly seller_id: string
  readonly number: string
  readonly year: number
  readonly counter: number
  readonly kind: PaperKind
  readonly source_type: PaperSource
  readonly source_id: string
  readonly corrects_id: string | null
  /** The invoice that all of its corrections lead to. */
  readonly root_id: string
  readonly billing_account_id: string
  readonly payer_id: string | null
  readonly debtor_id: string | null
  readonly reference_type: ReferenceType | null
  readonly reference_id: string | null
  readonly currency: string
  readonly net: number
  readonly tax: number
  readonly gross: number
  readonly issued_on: string
  readonly supplied_from: string
  readonly supplied_to: string
  readonly due_on: string | null
  readonly payment: PaidBy | null
  readonly lines: readonly PaperLine[]
  readonly taxes: readonly TaxSum[]
  readonly seller: Partial<Seller> & { readonly name: string }
  readonly buyer: Buyer
  readonly note: string | null
  readonly language: PaperLanguage
  readonly missing: readonly MissingFact[]
  readonly issued_at: Date
}

export type NewPaper = Omit<PaperRow, "issued_at">

export async function insertPaper(tx: Tx, paper: NewPaper): Promise<void> {
  await tx`
    insert into slotbase.invoices (id, facility_id, seller_id, number, year, counter, kind, source_type, source_id, corrects_id,
      root_id, billing_account_id, payer_id, debtor_id, reference_type, reference_id, currency, net, tax, gross, issued_on, supplied_from,
      supplied_to, due_on, payment, lines, taxes, seller, buyer, note, language, missing)
    values (${paper.id}, ${paper.facility_id}, ${paper.seller_id}, ${paper.number}, ${paper.year}, ${paper.counter}, ${paper.kind},
      ${paper.source_type}, ${paper.source_id}, ${paper.corrects_id}, ${paper.root_id}, ${paper.billing_account_id}, ${paper.payer_id},
      ${paper.debtor_id}, ${paper.reference_type}, ${paper.reference_id}, ${paper.currency}, ${paper.net}, ${paper.tax},
      ${paper.gross}, ${paper.issued_on}::text::date, ${paper.supplied_from}::text::date, ${paper.supplied_to}::text::date,
      ${paper.due_on}::text::date, ${paper.payment === null ? null : tx.json(paper.payment as never)}, ${tx.json(paper.lines as never)},
      ${tx.json(paper.taxes as never)}, ${tx.json(paper.seller as never)}, ${tx.json(paper.buyer as never)}, ${paper.note},
      ${paper.language}, ${tx.array([...paper.missing])}::text[])`
}

/** The paper of a payment, a refund or a bill. */
export async function paperOf(
  db: Queryable,
  facilityId: string,
  sourceType: PaperSource,
  sourceId: string,
): Promise<PaperRow | undefined> {
  const [row] = await db<PaperRow[]>`
    select ${paperColumns(db)} from slotbase.invoices i
    where i.source_id = ${sourceId} and i.facility_id = ${facilityId} and i.source_type = ${sourceType}`
  return row
}

export async function findPaper(db: Queryable, facilityId: string, id: string): Promise<PaperRow | undefined> {
  const [row] = await db<PaperRow[]>`
    select ${paperColumns(db)} from slotbase.invoices i where i.id = ${id} and i.facility_id = ${facilityId}`
  return row
}

/** The sums by key of the papers about one thing; credit notes count as negative. */
export async function takenBy(
  tx: Tx,
  facilityId: string,
  about: { readonly referenceId: string } | { readonly rootId: string },
): Promise<ReadonlyMap<string, { gross: number; tax: number }>> {
  const isReference = "referenceId" in about
  const rows = await tx<{ key: string; gross: number; tax: number }[]>`
    select l ->> 'key' as key,
           sum(case when i.kind = 'invoice' then 1 else -1 end * (l ->> 'amount')::bigint)::bigint as gross,
           sum(case when i.kind = 'invoice' then 1 else -1 end * (l ->> 'taxAmount')::bigint)::bigint as tax
    from slotbase.invoices i cross join lateral jsonb_array_elements(i.lines) l
    where i.facility_id = ${facilityId}
      and ${isReference ? tx`i.reference_id = ${about.referenceId}` : tx`i.root_id = ${about.rootId}`}
    group by 1`
  return new Map(rows.map(({ key, gross, tax }) => [key, { gross, tax }]))
}

/** Days are texts: the driver would make instants of them. */
export const paperColumns = (sql: Queryable) => sql`
  i.id, i.facility_id, i.seller_id, i.number, i.year, i.counter, i.kind, i.source_type, i.source_id, i.corrects_id, i.root_id,
  i.billing_account_id, i.payer_id, i.debtor_id, i.reference_type, i.reference_id, i.currency, i.net, i.tax, i.gross,
  i.issued_on::text as issued_on, i.supplied_from::text as supplied_from, i.supplied_to::text as supplied_to,
  i.due_on::text as due_on, i.payment, i.lines, i.taxes, i.seller, i.buyer, i.note, i.language, i.missing, i.issued_at`
