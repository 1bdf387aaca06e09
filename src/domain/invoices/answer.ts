/** A paper as the API answers it, and the queries of its lists. */

import * as Schema from "effect/Schema"
import { languages } from "#base/languages.ts"
import { pageQuery } from "#base/schema/page.ts"
import { Id, LocalDay, Money } from "#base/schema/request-fields.ts"
import { referenceTypes } from "#domain/ledger/payment-rows.ts"
import type { PaperLine } from "./lines.ts"
import { isElectronic } from "./papers/files.ts"
import { type PaperRow, paperSources } from "./rows.ts"
import { missingFacts } from "./seller.ts"

const kinds = ["invoice", "credit_note"] as const

export const IssuedInvoiceQuery = Schema.Struct({
  ...pageQuery,
  kind: Schema.optionalKey(Schema.Literals(kinds)),
  from: Schema.optionalKey(LocalDay).annotateKey({ description: "issued on this local day or later" }),
  to: Schema.optionalKey(LocalDay).annotateKey({ description: "issued on this local day or earlier" }),
  payerId: Schema.optionalKey(Id),
  billingAccountId: Schema.optionalKey(Id),
  referenceId: Schema.optionalKey(Id),
})

export const PaperLanguageQuery = Schema.Struct({
  language: Schema.optionalKey(Schema.Literals(languages)).annotateKey({
    description: "unless given: the language that the facility had set when the paper was issued",
  }),
})

const Signed = Schema.Int

const InvoiceLine = Schema.Struct({
  kind: Schema.Literals(["court", "coach", "agreed", "discount", "part", "fee", "subscription", "account", "other"]),
  label: Schema.String,
  amount: Signed.annotate({ description: "minor units, with the tax; negative for a discount" }),
  taxRate: Schema.Int.annotate({ description: "hundredths of a percent" }),
  taxAmount: Signed,
  minutes: Schema.NullOr(Schema.Int),
  place: Schema.NullOr(Schema.String),
  who: Schema.NullOr(Schema.String),
  from: Schema.NullOr(Schema.String).annotateKey({ description: "local day, or local day and time" }),
  to: Schema.NullOr(Schema.String),
})

const TaxLine = Schema.Struct({ taxRate: Schema.Int, net: Money, tax: Money, gross: Money })

const Party = Schema.Struct({
  name: Schema.String,
  street: Schema.NullOr(Schema.String),
  postcode: Schema.NullOr(Schema.String),
  city: Schema.NullOr(Schema.String),
  country: Schema.NullOr(Schema.String),
  vatId: Schema.NullOr(Schema.String),
})

export const IssuedInvoice = Schema.Struct({
  id: Id,
  facilityId: Id,
  number: Schema.String,
  kind: Schema.Literals(kinds),
  isReceipt: Schema.Boolean.annotate({ description: "true: no invoice, because something is missing" }),
  missing: Schema.Array(Schema.Literals(missingFacts)).annotate({
    description: "what an invoice needs, and the seller had not said when it was issued",
  }),
  hasXml: Schema.Boolean.annotate({ description: "whether there is a Factur-X file, in the PDF and alone" }),
  issuedOn: LocalDay,
  suppliedFrom: LocalDay,
  suppliedTo: LocalDay,
  dueOn: Schema.NullOr(LocalDay).annotateKey({ description: "null: paid, or given back, when it was issued" }),
  correctsId: Schema.NullOr(Id).annotateKey({ description: "the paper that it corrects" }),
  billingAccountId: Id,
  payerId: Schema.NullOr(Id),
  referenceType: Schema.NullOr(Schema.Literals(referenceTypes)),
  referenceId: Schema.NullOr(Id),
  sourceType: Schema.Literals(paperSources).annotate({
    description: "bill: of monthly-billing; bill_correction: takes off a bill what is not owed any more",
  }),
  sourceId: Id,
  currency: Schema.String,
  net: Money,
  tax: Money,
  gross: Money.annotate({ description: "minor units; positive on credit notes too" }),
  lines: Schema.Array(InvoiceLine),
  taxes: Schema.Array(TaxLine),
  seller: Party,
  buyer: Party,
  note: Schema.NullOr(Schema.String),
  paidBy: Schema.NullOr(Schema.String),
  paidOn: Schema.NullOr(LocalDay),
  issuedAt: Schema.String,
}).annotate({ identifier: "IssuedInvoice" })
export type IssuedInvoice = typeof IssuedInvoice.Type

export const toIssuedInvoice = (row: PaperRow): IssuedInvoice => ({
  id: row.id,
  facilityId: row.facility_id,
  number: row.number,
  kind: row.kind,
  isReceipt: row.missing.length > 0,
  missing: row.missing,
  hasXml: isElectronic(row),
  issuedOn: row.issued_on,
  suppliedFrom: row.supplied_from,
  suppliedTo: row.supplied_to,
  dueOn: row.due_on,
  correctsId: row.corrects_id,
  billingAccountId: row.billing_account_id,
  payerId: row.payer_id,
  referenceType: row.reference_type,
  referenceId: row.reference_id,
  sourceType: row.source_type,
  sourceId: row.source_id,
  currency: row.currency,
  net: row.net,
  tax: row.tax,
  gross: row.gross,
  lines: row.lines.map(toLine),
  taxes: row.taxes.map(({ taxRate, net, tax, gross }) => ({ taxRate, net, tax, gross })),
  seller: toParty({ ...row.seller, name: row.seller.legalName ?? row.seller.name }),
  buyer: toParty(row.buyer),
  note: row.note,
  paidBy: row.payment?.method ?? null,
  paidOn: row.payment?.paidOn ?? null,
  issuedAt: row.issued_at.toISOString(),
})

const toLine = ({ kind, label, amount, taxRate, taxAmount, minutes, detail }: PaperLine) => ({
  kind,
  label,
  amount,
  taxRate,
  taxAmount,
  minutes: minutes ?? null,
  place: detail?.place ?? null,
  who: detail?.who ?? null,
  from: detail?.from ?? null,
  to: detail?.to ?? null,
})

type Named = { readonly name: string } & Partial<Record<"street" | "postcode" | "city" | "country" | "vatId", string>>
const toParty = ({ name, street, postcode, city, country, vatId }: Named) => ({
  name,
  street: street ?? null,
  postcode: postcode ?? null,
  city: city ?? null,
  country: country ?? null,
  vatId: vatId ?? null,
})
