/**
 * The seller on a facility's papers, and how they are numbered. Each paper copies them when it is issued, so a change
 * counts for later papers only. While the seller has not said what an invoice needs, papers are receipts; `missing`
 * names what was missing.
 * Writes: invoice_settings.
 */
import * as Schema from "effect/Schema"
import { isCountryCode } from "#base/countries.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { languages } from "#base/languages.ts"
import { Email } from "#base/schema/request-fields.ts"
import { rule, saidRule } from "#base/schema/rule.ts"
import { atMost, lineUpTo } from "#base/schema/text-fields.ts"
import { noteChange } from "#events/audit.ts"
import { isIban } from "./iban.ts"
import type { PaperLine } from "./lines.ts"
import { prefixPattern } from "./numbers.ts"

export const Country = Schema.String.annotate({ description: "ISO 3166 code", examples: ["DE"] }).check(
  Schema.isPattern(/^[A-Z]{2}$/u, { expected: "an ISO 3166 code of two capital letters such as DE" }).abort(),
  rule("a country is one of ISO 3166", isCountryCode, "the code of a country that there is, such as DE"),
)
/** Greece and Northern Ireland have another code in VAT ids (EN 16931, BR-CO-09). */
const vatCountries = ["EL", "XI"]
/** The longest of the European Union has 14 characters; other countries' are not longer. */
export const VatId = Schema.String.annotate({ description: "with its country", examples: ["DE123456789"] }).check(
  atMost(20),
  Schema.isPattern(/^[A-Z]{2}[0-9A-Z+*]{2,13}$/u, {
    expected: "a VAT id with its country, such as DE123456789",
  }).abort(),
  rule(
    "a VAT id begins with a country",
    (id: string) => isCountryCode(id.slice(0, 2)) || vatCountries.includes(id.slice(0, 2)),
    "a VAT id that begins with a country, such as DE123456789",
  ),
)
const Iban = Schema.String.annotate({ examples: ["DE02120300000000202051"] }).check(
  Schema.isPattern(/^[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}$/u, {
    expected: "an IBAN without spaces, such as DE02120300000000202051",
  }).abort(),
  rule("an IBAN's check digits are right", isIban, "an IBAN whose check digits are right"),
)
const Bic = Schema.String.annotate({ examples: ["BYLADEM1001"] }).check(
  Schema.isPattern(/^[A-Z]{6}[0-9A-Z]{2}(?:[0-9A-Z]{3})?$/u, { expected: "a BIC such as BYLADEM1001" }),
)

const nullable = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

export const InvoiceSettingsInput = Schema.Struct({
  legalName: lineUpTo(200).annotate({ description: "the name in the register, or the owner's" }),
  street: lineUpTo(200).annotate({ description: "with the number" }),
  postcode: lineUpTo(20),
  city: lineUpTo(100),
  country: Country,
  vatId: nullable(VatId),
  taxNumber: nullable(lineUpTo(30)).annotateKey({
    description: "where there is no VAT id; an invoice needs one of them",
  }),
  exemptionReason: nullable(lineUpTo(200)).annotateKey({
    description: "why lines without tax have none, such as a section of a law; an invoice with such lines needs it",
  }),
  email: nullable(Email),
  accountHolder: nullable(lineUpTo(70)),
  iban: nullable(Iban),
  bic: nullable(Bic),
  numberPrefix: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(prefixPattern, { expected: "1 to 8 capital letters, such as INV" })),
  ).annotateKey({ description: "INV unless given" }),
  numbering: Schema.optionalKey(Schema.Literals(["yearly", "continuous"])).annotateKey({
    description: "yearly unless given: INV-2026-00001; continuous: INV-000001",
  }),
  language: Schema.optionalKey(Schema.Literals(languages)).annotateKey({
    description: "of the pages, unless their reader asks for another; en unless given",
  }),
}).check(
  saidRule(
    {
      anyOf: [
        { not: { required: ["bic"] } },
        { required: ["iban"], properties: { iban: { type: "string" } } },
        { properties: { bic: { type: "null" } } },
      ],
    },
    ({ bic, iban }: { bic?: string | null; iban?: string | null }) =>
      (bic ?? null) !== null && (iban ?? null) === null
        ? [
            {
              path: ["iban"],
              issue: iban === undefined ? "Missing key: a BIC goes with an IBAN" : "A BIC goes with an IBAN",
            },
          ]
        : [],
  ),
)
export type InvoiceSettingsInput = typeof InvoiceSettingsInput.Type

const OrNull = Schema.NullOr(Schema.String)
export const InvoiceSettings = Schema.Struct({
  legalName: OrNull.annotate({ description: "null, as all of the address: not set yet, so papers are receipts" }),
  street: OrNull,
  postcode: OrNull,
  city: OrNull,
  country: OrNull,
  vatId: OrNull,
  taxNumber: OrNull,
  exemptionReason: OrNull,
  email: OrNull,
  accountHolder: OrNull,
  iban: OrNull,
  bic: OrNull,
  numberPrefix: Schema.String,
  numbering: Schema.Literals(["yearly", "continuous"]),
  language: Schema.Literals(languages),
}).annotate({ identifier: "InvoiceSettings" })
export type InvoiceSettings = typeof InvoiceSettings.Type

/** As a paper keeps it: what was not given is left out. */
export type Seller = {
  readonly [K in Exclude<keyof InvoiceSettings, "numberPrefix" | "numbering" | "language">]?: string
}

/** What an invoice lacks: the seller, its tax number, the reason why a line has no tax, or what was sold. */
export const missingFacts = ["seller", "taxNumber", "exemptionReason", "goods"] as const
export type MissingFact = (typeof missingFacts)[number]

/** Replaces the settings as a whole. */
export async function putInvoiceSettings(
  tx: Tx,
  facilityId: string,
  input: InvoiceSettingsInput,
): Promise<InvoiceSettings> {
  const before = await invoiceSettingsOf(tx, facilityId)
  const after: InvoiceSettings = { ...defaults, ...input }
  await tx`
    insert into slotbase.invoice_settings (facility_id, legal_name, street, postcode, city, country, vat_id, tax_number,
      exemption_reason, email, account_holder, iban, bic, number_prefix, numbering, language, updated_at)
    values (${facilityId}, ${after.legalName}, ${after.street}, ${after.postcode}, ${after.city}, ${after.country}, ${after.vatId},
      ${after.taxNumber}, ${after.exemptionReason}, ${after.email}, ${after.accountHolder}, ${after.iban}, ${after.bic},
      ${after.numberPrefix}, ${after.numbering}, ${after.language}, slotbase.now())
    on conflict (facility_id) do update set
      legal_name = excluded.legal_name, street = excluded.street, postcode = excluded.postcode, city = excluded.city,
      country = excluded.country, vat_id = excluded.vat_id, tax_number = excluded.tax_number,
      exemption_reason = excluded.exemption_reason, email = excluded.email, account_holder = excluded.account_holder,
      iban = excluded.iban, bic = excluded.bic, number_prefix = excluded.number_prefix, numbering = excluded.numbering,
      language = excluded.language, updated_at = excluded.updated_at`
  noteChange(tx, { facilityId, before, after })
  return after
}

/** The settings; before they are set, those by which papers are issued anyway. */
export async function invoiceSettingsOf(db: Queryable, facilityId: string): Promise<InvoiceSettings> {
  const [row] = await db<InvoiceSettings[]>`
    select legal_name as "legalName", street, postcode, city, country, vat_id as "vatId", tax_number as "taxNumber",
           exemption_reason as "exemptionReason", email, account_holder as "accountHolder", iban, bic,
           number_prefix as "numberPrefix", numbering, language
    from slotbase.invoice_settings where facility_id = ${facilityId}`
  return { ...defaults, ...row }
}

/** Where a transfer to the facility goes, as far as it has said so. */
export async function payToOf(
  db: Queryable,
  facilityId: string,
): Promise<{ readonly accountHolder?: string; readonly iban?: string }> {
  const { iban, accountHolder, legalName } = await invoiceSettingsOf(db, facilityId)
  const holder = accountHolder ?? legalName
  return iban === null ? {} : { iban, ...(holder !== null && { accountHolder: holder }) }
}

const defaults: InvoiceSettings = {
  legalName: null,
  street: null,
  postcode: null,
  city: null,
  country: null,
  vatId: null,
  taxNumber: null,
  exemptionReason: null,
  email: null,
  accountHolder: null,
  iban: null,
  bic: null,
  numberPrefix: "INV",
  numbering: "yearly",
  language: "en",
}

/** The seller as a paper keeps it. */
export function sellerIn(settings: InvoiceSettings): Seller {
  const { numberPrefix: _prefix, numbering: _numbering, language: _language, ...facts } = settings
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== null)) as Seller
}

/** What keeps a paper with these lines from being an invoice. */
export function missingOn(settings: InvoiceSettings, lines: readonly PaperLine[]): MissingFact[] {
  const isKnown = settings.legalName !== null
  const untaxed = lines.some(({ taxRate, kind }) => taxRate === 0 && kind !== "account")
  const missing: Record<MissingFact, boolean> = {
    seller: !isKnown,
    taxNumber: isKnown && settings.vatId === null && settings.taxNumber === null,
    exemptionReason: isKnown && settings.exemptionReason === null && untaxed,
    goods: lines.some(({ kind }) => kind === "account"),
  }
  return missingFacts.filter((fact) => missing[fact])
}
