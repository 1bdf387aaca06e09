/**
 * The page of a paper as data: every text that stands on it, in the reader's language, in its place. The task that
 * makes the PDF knows no rule of papers. So it runs in a child process with nothing but this.
 */
import type { Language } from "#base/languages.ts"
import { spacedIban } from "#domain/invoices/iban.ts"
import type { PaperLine } from "#domain/invoices/lines.ts"
import type { PaperRow } from "#domain/invoices/rows.ts"
import {
  amountText,
  dayText,
  descriptionOf,
  factNames,
  filled,
  methodName,
  nameOf,
  percentText,
  spanText,
  words,
} from "./words.ts"

export interface PaperPage {
  readonly language: Language
  /** Of the file; letters, digits and spaces. */
  readonly title: string
  readonly heading: string
  readonly sender: string
  readonly recipient: readonly string[]
  /** Name and value. */
  readonly facts: readonly (readonly [string, string])[]
  readonly columns: readonly [string, string, string]
  readonly lines: readonly {
    readonly name: string
    readonly about: string
    readonly rate: string
    readonly amount: string
  }[]
  readonly taxHead: readonly string[]
  readonly taxes: readonly (readonly string[])[]
  /** Name and value; the last one is the total. */
  readonly sums: readonly (readonly [string, string])[]
  readonly notes: readonly string[]
  readonly footer: readonly string[]
  /** The number of the paper, with the places {page} and {pages}. */
  readonly pageOf: string
  /** Milliseconds since the epoch: when the paper was issued. */
  readonly issuedAt: number
}

/** @param corrected the paper that this one corrects */
export function pageOfPaper(
  paper: PaperRow,
  corrected: Pick<PaperRow, "number" | "issued_on"> | undefined,
  language: Language,
): PaperPage {
  const { currency, seller, buyer } = paper
  const its = words[language]
  const money = (amount: number) => amountText(amount, currency, language)
  const heading = headingOf(paper, language)
  const sellerName = seller.legalName ?? seller.name
  const place = [seller.postcode, seller.city].filter(Boolean).join(" ")
  const isPaid = paper.payment !== null
  return {
    language,
    title: `${heading.replace(/ü/g, "ue").replace(/[^A-Za-z ]/g, "")} ${paper.number}`,
    heading,
    sender: [sellerName, seller.street, place].filter(Boolean).join(" · "),
    recipient: [
      buyer.name,
      ...[buyer.street, [buyer.postcode, buyer.city].filter(Boolean).join(" ")].filter(isText),
      ...(buyer.country === seller.country ? [] : [buyer.country].filter(isText)),
      ...(buyer.vatId === undefined ? [] : [`${its.vatId} ${buyer.vatId}`]),
    ],
    facts: [
      [its.number, paper.number],
      [its.date, dayText(paper.issued_on, language)],
      [its.supplied, spanText(paper.supplied_from, paper.supplied_to, language)],
      ...(corrected
        ? [[its.corrects, `${corrected.number} (${dayText(corrected.issued_on, language)})`] as const]
        : []),
      ...(buyer.reference === undefined ? [] : [[its.reference, buyer.reference] as const]),
    ],
    columns: [its.description, its.rate, its.amount],
    lines: paper.lines.map((line) => ({
      name: nameOf(line, language),
      about: descriptionOf(line, language) ?? "",
      rate: line.taxRate === 0 ? "" : percentText(line.taxRate, language),
      amount: money(line.amount),
    })),
    taxHead: [its.taxRate, its.net, its.tax, its.gross],
    taxes: paper.taxes.map(({ taxRate, net, tax, gross }) => [
      percentText(taxRate, language),
      money(net),
      money(tax),
      money(gross),
    ]),
    sums: [
      [its.net, money(paper.net)],
      [its.tax, money(paper.tax)],
      [paper.kind === "invoice" || isDeducted(paper) ? its.total : its.refunded, money(paper.gross)],
    ],
    notes: notesOf(paper, language),
    footer: [
      [sellerName, seller.street, place, seller.country].filter(Boolean).join(", "),
      [
        seller.vatId && `${its.vatId} ${seller.vatId}`,
        seller.taxNumber && `${its.taxNumber} ${seller.taxNumber}`,
        seller.email,
      ]
        .filter(Boolean)
        .join(" · "),
      isPaid ? "" : accountOf(paper, language),
    ].filter((line) => line !== ""),
    pageOf: its.page.replace("{number}", paper.number),
    issuedAt: paper.issued_at.getTime(),
  }
}

const isText = (text: string | undefined): text is string => text !== undefined && text !== ""

function headingOf({ kind, missing }: PaperRow, language: Language): string {
  const its = words[language]
  if (missing.length > 0) return kind === "invoice" ? its.receipt : its.receiptOfRefund
  return kind === "invoice" ? its.invoice : its.creditNote
}

/** No money moved: something was taken off a bill before it was paid. */
const isDeducted = ({ source_type: source }: PaperRow) => source === "bill_correction"

function notesOf(paper: PaperRow, language: Language): string[] {
  const its = words[language]
  const { payment, seller, due_on: dueOn } = paper
  const notes: string[] = []
  if (payment) {
    const how = [methodName(payment.method, language), payment.reference].filter(Boolean).join(", ")
    const refund = isDeducted(paper) ? its.deductedOn : its.refundedBy
    const text = paper.kind === "invoice" ? its.paidBy : refund
    notes.push(filled(text, { day: dayText(payment.paidOn, language), method: how }))
  }
  if (dueOn !== null) notes.push(filled(its.dueOn, { day: dayText(dueOn, language), number: paper.number }))
  if (paper.note !== null) notes.push(`${its.reason}: ${paper.note}`)
  const isUntaxed = paper.lines.some(({ taxRate, kind }: PaperLine) => taxRate === 0 && kind !== "account")
  if (isUntaxed && seller.exemptionReason !== undefined)
    notes.push(filled(its.untaxed, { reason: seller.exemptionReason }))
  if (paper.missing.length > 0) notes.push(filled(its.isReceipt, { facts: factNames(paper.missing, language) }))
  return notes
}

function accountOf({ seller }: PaperRow, language: Language): string {
  if (seller.iban === undefined) return ""
  const holder = seller.accountHolder ?? seller.legalName
  const parts = [holder, `IBAN ${spacedIban(seller.iban)}`, seller.bic && `BIC ${seller.bic}`]
  return `${words[language].account}: ${parts.filter(Boolean).join(" · ")}`
}
