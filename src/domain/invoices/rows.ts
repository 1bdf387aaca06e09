/**
 * The rows of papers. A row is inserted once and never changed; a trigger refuses anything else.
 * Writes: invoices.
 */

import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { Language } from "#base/languages.ts"
import type { ReferenceType } from "#domain/ledger/payment-rows.ts"
import type { PaperLine, TaxSum } from "./lines.ts"
import type { MissingFact, Seller } from "./seller.ts"

export type PaperKind = "invoice" | "credit_note"
export const paperSources = [
  "payment",
  "offline_payment",
  "refund",
  "refund_returned",
  "bill",
  "bill_correction",
] as const
export type PaperSource = (typeof paperSources)[number]

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
  readonly language: Language
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

/** The sums by key of the papers about one thing, with its lines on bills; credit notes count as negative. */
export async function takenBy(
  tx: Tx,
  facilityId: string,
  about: { readonly referenceId: string } | { readonly rootId: string },
): Promise<ReadonlyMap<string, { gross: number; tax: number }>> {
  const rows = await tx<{ key: string; gross: number; tax: number }[]>`
    select p.key, sum(p.sign * (p.line ->> 'amount')::bigint)::bigint as gross,
           sum(p.sign * (p.line ->> 'taxAmount')::bigint)::bigint as tax
    from (${"referenceId" in about ? linesAbout(tx, facilityId, about.referenceId) : linesBelow(tx, facilityId, about.rootId)}) p
    group by p.key`
  return new Map(rows.map(({ key, gross, tax }) => [key, { gross, tax }]))
}

/** The lines about one thing on its invoices, in their order, with the keys that papers of its own have. */
export async function paperedLines(tx: Tx, facilityId: string, referenceId: string): Promise<readonly PaperLine[]> {
  const rows = await tx<{ key: string; line: PaperLine }[]>`
    select p.key, p.line from (${linesAbout(tx, facilityId, referenceId)}) p where p.sign = 1 order by p.invoice_id, p.nth`
  return rows.map(({ key, line }) => ({ ...line, key }))
}

const linesBelow = (tx: Tx, facilityId: string, rootId: string): ReturnType<Queryable> => tx`
  select l ->> 'key' as key, case when i.kind = 'invoice' then 1 else -1 end as sign, l as line
  from slotbase.invoices i cross join lateral jsonb_array_elements(i.lines) l
  where i.facility_id = ${facilityId} and i.root_id = ${rootId}`

/** The keys of a bill's lines begin with the booking (sold.ts). */
const linesAbout = (tx: Tx, facilityId: string, referenceId: string): ReturnType<Queryable> => tx`
  select l ->> 'key' as key, case when i.kind = 'invoice' then 1 else -1 end as sign, l as line, i.id as invoice_id, nth
  from slotbase.invoices i cross join lateral jsonb_array_elements(i.lines) with ordinality as e (l, nth)
  where i.facility_id = ${facilityId} and i.reference_id = ${referenceId}
  union all
  select substr(l ->> 'key', length(${referenceId}::text) + 2), 1, l, i.id, nth
  from slotbase.billed_bookings b
  join slotbase.invoices i on i.id = b.invoice_id and i.facility_id = b.facility_id
  cross join lateral jsonb_array_elements(i.lines) with ordinality as e (l, nth)
  where b.booking_id = ${referenceId}::uuid and b.facility_id = ${facilityId}
    and starts_with(l ->> 'key', ${referenceId}::text || ' ')`

/** Days are texts: the driver would make instants of them. */
export const paperColumns = (sql: Queryable) => sql`
  i.id, i.facility_id, i.seller_id, i.number, i.year, i.counter, i.kind, i.source_type, i.source_id, i.corrects_id, i.root_id,
  i.billing_account_id, i.payer_id, i.debtor_id, i.reference_type, i.reference_id, i.currency, i.net, i.tax, i.gross,
  i.issued_on::text as issued_on, i.supplied_from::text as supplied_from, i.supplied_to::text as supplied_to,
  i.due_on::text as due_on, i.payment, i.lines, i.taxes, i.seller, i.buyer, i.note, i.language, i.missing, i.issued_at`
