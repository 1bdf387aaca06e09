/**
 * The words on papers, in English and German, with amounts and days in the reader's form. The formats are our own:
 * those of the runtime change with its data, and a paper must be the same in ten years.
 */

import { decimalsOf } from "#base/currencies.ts"
import type { Language } from "#base/languages.ts"
import type { PaperLine } from "#domain/invoices/lines.ts"
import type { MissingFact } from "#domain/invoices/seller.ts"

const english = {
  invoice: "Invoice",
  receipt: "Receipt",
  creditNote: "Credit note",
  receiptOfRefund: "Receipt of a refund",
  number: "Number",
  date: "Date",
  supplied: "Supplied",
  corrects: "Corrects",
  reference: "Your reference",
  description: "Description",
  rate: "Tax",
  amount: "Amount",
  net: "Net",
  tax: "Tax",
  total: "Total",
  refunded: "Refunded",
  taxRate: "Tax rate",
  gross: "Gross",
  ofWhichTax: "of which tax",
  paidBy: "Paid on {day}: {method}",
  refundedBy: "Given back on {day}: {method}",
  deductedOn: "Taken off the open amount on {day}. No money is given back.",
  dueOn: "Please pay by {day}, with the number {number} as the reference.",
  account: "Account",
  reason: "Reason",
  vatId: "VAT id",
  taxNumber: "Tax number",
  untaxed: "No tax: {reason}",
  isReceipt: "This paper is a receipt and no invoice. Missing: {facts}.",
  page: "{number} · page {page} of {pages}",
  minutes: "{count} min",
  agreed: "Agreed price",
  part: "Part of the price",
  lesson: "Lesson with {label}",
  fee: "No-show fee",
  subscription: "Subscription {label}",
  onAccount: "Payment without a named purpose",
  other: "Charge",
  discount: "Discount: {label}",
}
type Words = typeof english

const german: Words = {
  invoice: "Rechnung",
  receipt: "Quittung",
  creditNote: "Rechnungskorrektur",
  receiptOfRefund: "Quittung über eine Erstattung",
  number: "Nummer",
  date: "Datum",
  supplied: "Leistung",
  corrects: "Korrigiert",
  reference: "Ihr Zeichen",
  description: "Beschreibung",
  rate: "USt.",
  amount: "Betrag",
  net: "Netto",
  tax: "Steuer",
  total: "Gesamt",
  refunded: "Erstattet",
  taxRate: "Steuersatz",
  gross: "Brutto",
  ofWhichTax: "darin Steuer",
  paidBy: "Bezahlt am {day}: {method}",
  refundedBy: "Erstattet am {day}: {method}",
  deductedOn: "Am {day} vom offenen Betrag abgezogen. Es wird kein Geld erstattet.",
  dueOn: "Bitte zahlen Sie bis {day} unter Angabe der Nummer {number}.",
  account: "Konto",
  reason: "Grund",
  vatId: "USt-IdNr.",
  taxNumber: "Steuernummer",
  untaxed: "Ohne Steuer: {reason}",
  isReceipt: "Dieses Papier ist eine Quittung und keine Rechnung. Es fehlt: {facts}.",
  page: "{number} · Seite {page} von {pages}",
  minutes: "{count} Min.",
  agreed: "Vereinbarter Preis",
  part: "Teil des Preises",
  lesson: "Trainerstunde mit {label}",
  fee: "Gebühr für Nichterscheinen",
  subscription: "Abonnement {label}",
  onAccount: "Zahlung ohne genannten Zweck",
  other: "Forderung",
  discount: "Rabatt: {label}",
}

export const words: Readonly<Record<Language, Words>> = { en: english, de: german }

const methods: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  en: {
    card: "card",
    cash: "cash",
    check: "check",
    bank_transfer: "bank transfer",
    venmo: "Venmo",
    zelle: "Zelle",
    deducted: "deducted from the open amount",
    other: "other",
  },
  de: {
    card: "Karte",
    cash: "bar",
    check: "Scheck",
    bank_transfer: "Überweisung",
    venmo: "Venmo",
    zelle: "Zelle",
    deducted: "vom offenen Betrag abgezogen",
    other: "sonstiges",
  },
}
export const methodName = (method: string, language: Language): string => methods[language][method] ?? method

const facts: Readonly<Record<Language, Readonly<Record<MissingFact, string>>>> = {
  en: {
    seller: "the seller's name and address",
    taxNumber: "the seller's VAT id or tax number",
    exemptionReason: "the reason why there is no tax",
    goods: "what the payment is for",
  },
  de: {
    seller: "Name und Anschrift des Verkäufers",
    taxNumber: "USt-IdNr. oder Steuernummer des Verkäufers",
    exemptionReason: "der Grund, warum keine Steuer anfällt",
    goods: "wofür gezahlt wurde",
  },
}
export const factNames = (missing: readonly MissingFact[], language: Language): string =>
  missing.map((fact) => facts[language][fact]).join("; ")

/** Puts values into the {places} of a text. */
export const filled = (text: string, values: Readonly<Record<string, string | number>>): string =>
  text.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""))

/** What a line is called. */
export function nameOf({ kind, label }: PaperLine, language: Language): string {
  const its = words[language]
  const names: Readonly<Record<PaperLine["kind"], string>> = {
    court: label,
    coach: label === "" ? "" : filled(its.lesson, { label }),
    agreed: its.agreed,
    discount: filled(its.discount, { label }),
    part: its.part,
    fee: its.fee,
    subscription: filled(its.subscription, { label }),
    account: its.onAccount,
    other: label === "" ? its.other : label,
  }
  return names[kind] || its.other
}

/** Where, for whom and when; undefined: the name says it all. */
export function descriptionOf({ detail, minutes }: PaperLine, language: Language): string | undefined {
  if (!detail) return undefined
  const parts = [detail.place, detail.who, spanText(detail.from, detail.to, language)]
  if (minutes !== undefined) parts.push(filled(words[language].minutes, { count: minutes }))
  return parts.filter((part) => part !== undefined && part !== "").join(", ")
}

/** A day, such as 12 Mar 2026 or 12.03.2026. */
export function dayText(day: string, language: Language): string {
  const [year = "", month = "", date = ""] = day.split("-")
  return language === "de" ? `${date}.${month}.${year}` : `${Number(date)} ${months[Number(month) - 1]} ${year}`
}
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/** Two days, or two local times "YYYY-MM-DD HH:MM". What is the same is said once. */
export function spanText(from: string, to: string, language: Language): string {
  const [[day = "", time], [lastDay = "", lastTime]] = [from.split(" "), to.split(" ")]
  const said = (day: string, time: string | undefined) => [dayText(day, language), time].filter(Boolean).join(" ")
  if (day !== lastDay) return `${said(day, time)} – ${said(lastDay, lastTime)}`
  return time === undefined || lastTime === undefined ? dayText(day, language) : `${said(day, time)}–${lastTime}`
}

/** An amount with its currency, such as "1,234.50 EUR" or "1.234,50 EUR". The minus is the sign of arithmetic. */
export function amountText(amount: number, currency: string, language: Language): string {
  const places = decimalsOf(currency)
  const digits = String(Math.abs(amount)).padStart(places + 1, "0")
  const [group, point] = language === "de" ? [".", ","] : [",", "."]
  const whole = digits.slice(0, digits.length - places).replaceAll(/\B(?=(?:\d{3})+$)/g, group)
  return `${amount < 0 ? "−" : ""}${whole}${places === 0 ? "" : point + digits.slice(-places)} ${currency}`
}

/** A rate in hundredths of a percent: "19 %", "8.1 %" or "8,1 %". */
export function percentText(rate: number, language: Language): string {
  const text = String(rate / 100)
  return `${language === "de" ? text.replace(".", ",") : text} %`
}
