/**
 * The papers of a month as a CSV file for an accountant. It has a row for each paper and tax rate, in the order of
 * issue, and the totals at the end. It begins with a byte order mark, because Excel reads a file without one in the
 * alphabet of its machine. It is read and written page by page, so its length costs no memory.
 */
import * as Schema from "effect/Schema"
import type { Staff } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { decimalText, rateText } from "./papers/amounts.ts"
import { type PaperRow, paperColumns } from "./rows.ts"

export const InvoiceExportQuery = Schema.Struct({
  month: Schema.String.annotate({ description: "of the day of issue, such as 2026-03", examples: ["2026-03"] }).check(
    Schema.isPattern(/^20\d{2}-(?:0[1-9]|1[0-2])$/u, { expected: "a month such as 2026-03" }),
  ),
  separator: Schema.optionalKey(Schema.Literals(["comma", "semicolon"])).annotateKey({
    description:
      "comma unless given; semicolon: with a comma before the decimals, as spreadsheets in German or French open it",
  }),
})
type Separator = "comma" | "semicolon"

const rowsAtOnce = 500

const head = [
  ...["number", "kind", "issued_on", "supplied_from", "supplied_to", "buyer", "buyer_vat_id", "currency"],
  ...["tax_rate", "net", "tax", "gross", "paid_by", "paid_on", "due_on", "corrects", "reference_type", "reference_id"],
  ...["is_receipt", "seller"],
]

/** The lines of the file, each with its line end. */
export async function* csvOfMonth(
  db: Queryable,
  staff: Staff,
  month: string,
  separator: Separator = "comma",
): AsyncGenerator<string> {
  const line = (fields: readonly string[]) => lineOf(fields, separator)
  const decimals = (text: string) => (separator === "comma" ? text : text.replace(".", ","))
  yield `\ufeff${line(head)}`
  const totals = new Map<string, { currency: string; taxRate: number; net: number; tax: number; gross: number }>()
  for await (const paper of papersOf(db, staff, month)) {
    const sign = paper.kind === "invoice" ? 1 : -1
    for (const { taxRate, net, tax, gross } of paper.taxes) {
      const key = `${paper.currency} ${String(taxRate).padStart(5, "0")}`
      const total = totals.get(key) ?? { currency: paper.currency, taxRate, net: 0, tax: 0, gross: 0 }
      totals.set(key, {
        ...total,
        net: total.net + sign * net,
        tax: total.tax + sign * tax,
        gross: total.gross + sign * gross,
      })
      yield line(rowOf(paper, { taxRate, net: sign * net, tax: sign * tax, gross: sign * gross }, decimals))
    }
  }
  for (const [, { currency, taxRate, net, tax, gross }] of [...totals].sort()) {
    const sums = [rateText(taxRate), ...[net, tax, gross].map((amount) => decimalText(amount, currency))].map(decimals)
    yield line(["total", "", "", "", "", "", "", currency, ...sums, "", "", "", "", "", "", "", ""])
  }
}

type ExportedPaper = PaperRow & { readonly corrects: string | null }

async function* papersOf(db: Queryable, { facilityId }: Staff, month: string): AsyncGenerator<ExportedPaper> {
  let after: ExportedPaper | undefined
  do {
    const rows: ExportedPaper[] = await db<ExportedPaper[]>`
      select ${paperColumns(db)}, c.number as corrects
      from slotbase.invoices i
      left join slotbase.invoices c on c.id = i.corrects_id and c.facility_id = i.facility_id
      where i.facility_id = ${facilityId}
        and i.issued_on >= ${`${month}-01`}::text::date and i.issued_on < ${`${month}-01`}::text::date + interval '1 month'
        ${after === undefined ? db`` : db`and i.id > ${after.id}`}
      order by i.id limit ${rowsAtOnce}`
    yield* rows
    after = rows.length < rowsAtOnce ? undefined : rows.at(-1)
  } while (after !== undefined)
}

function rowOf(
  paper: ExportedPaper,
  { taxRate, net, tax, gross }: { taxRate: number; net: number; tax: number; gross: number },
  decimals: (text: string) => string,
): string[] {
  const { currency, payment } = paper
  return [
    paper.number,
    paper.kind,
    paper.issued_on,
    paper.supplied_from,
    paper.supplied_to,
    paper.buyer.name,
    paper.buyer.vatId ?? "",
    currency,
    ...[rateText(taxRate), ...[net, tax, gross].map((amount) => decimalText(amount, currency))].map(decimals),
    payment?.method ?? "",
    payment?.paidOn ?? "",
    paper.due_on ?? "",
    paper.corrects ?? "",
    paper.reference_type ?? "",
    paper.reference_id ?? "",
    paper.missing.length > 0 ? "yes" : "no",
    paper.seller.legalName ?? paper.seller.name,
  ]
}

function lineOf(fields: readonly string[], separator: Separator): string {
  const sign = separator === "comma" ? "," : ";"
  return `${fields.map((text) => field(text, sign)).join(sign)}\r\n`
}

/** As in RFC 4180. A name that a spreadsheet would compute as a formula begins with an apostrophe. */
function field(text: string, separator: "," | ";"): string {
  const harmless = /^(?:[=+@\t\r]|-(?!\d+(?:[.,]\d+)?$))/.test(text) ? `'${text}` : text
  return harmless.includes(separator) || /["\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
