// Papers as rows, without a database.

import { type PaperLine, taxesOf } from "#domain/invoices/lines.ts"
import type { PaperRow } from "#domain/invoices/rows.ts"

export const court = (amount: number, taxAmount: number, more: Partial<PaperLine> = {}): PaperLine => ({
  key: `price ${more.taxRate ?? 1900}`,
  kind: "court",
  label: "Court 1",
  amount,
  taxRate: 1900,
  taxAmount,
  minutes: 60,
  detail: { place: "Court 1", who: "Mia Maier", from: "2026-03-12 18:00", to: "2026-03-12 19:00" },
  ...more,
})

export const seller = {
  name: "Padel Mitte",
  legalName: "Padel Mitte Sport GmbH & Co. KG",
  street: "Invalidenstraße 44",
  postcode: "10115",
  city: "Berlin",
  country: "DE",
  vatId: "DE123456789",
  email: "buchhaltung@padel-mitte.example",
  accountHolder: "Padel Mitte Sport GmbH & Co. KG",
  iban: "DE02120300000000202051",
  bic: "BYLADEM1001",
  exemptionReason: "steuerfrei nach § 4 Nr. 22 Buchst. b UStG",
}

export function aPaper(lines: readonly PaperLine[], more: Partial<PaperRow> = {}): PaperRow {
  const gross = lines.reduce((sum, { amount }) => sum + amount, 0)
  const tax = lines.reduce((sum, { taxAmount }) => sum + taxAmount, 0)
  return {
    id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01",
    facility_id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e02",
    seller_id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e02",
    number: "INV-2026-00042",
    year: 2026,
    counter: 42,
    kind: "invoice",
    source_type: "payment",
    source_id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e03",
    corrects_id: null,
    root_id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01",
    billing_account_id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e04",
    payer_id: null,
    debtor_id: null,
    reference_type: "booking",
    reference_id: null,
    currency: "EUR",
    net: gross - tax,
    tax,
    gross,
    issued_on: "2026-03-12",
    supplied_from: "2026-03-12",
    supplied_to: "2026-03-12",
    due_on: null,
    payment: { method: "card", paidOn: "2026-03-12" },
    lines,
    taxes: taxesOf(lines),
    seller,
    buyer: { name: "Łukasz Wójcik" },
    note: null,
    language: "en",
    missing: [],
    issued_at: new Date("2026-03-12T17:00:00Z"),
    ...more,
  }
}
