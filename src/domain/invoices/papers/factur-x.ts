/**
 * The XML of a paper: UN/CEFACT Cross Industry Invoice in the profile EN 16931 of Factur-X 1.07 (ZUGFeRD 2.3). Its XML
 * Schema gives the order of the elements. Discounts are allowances of the document, because a price is not negative.
 * The tax of a rate is the sum of the agreed taxes of its lines. EN 16931 rounds it from the sum, and its rules allow
 * the difference.
 */
import type { PaperLine } from "#domain/invoices/lines.ts"
import type { Buyer, PaperRow } from "#domain/invoices/rows.ts"
import { decimalText, rateText } from "./amounts.ts"
import { descriptionOf, nameOf } from "./words.ts"
import { element as e, type XmlElement, xmlDocument } from "./xml-writer.ts"

export const guideline = "urn:cen.eu:en16931:2017"
export const attachmentName = "factur-x.xml"

/** The paper must be an invoice, not a receipt, in a currency with at most two decimals. */
export function facturX(paper: PaperRow, corrected: Pick<PaperRow, "number" | "issued_on"> | undefined): string {
  const goods = paper.lines.filter(({ kind }) => kind !== "discount")
  const discounts = paper.lines.filter(({ kind }) => kind === "discount")
  return xmlDocument(
    e(
      "rsm:CrossIndustryInvoice",
      [
        e("rsm:ExchangedDocumentContext", [
          e("ram:GuidelineSpecifiedDocumentContextParameter", [e("ram:ID", guideline)]),
        ]),
        e("rsm:ExchangedDocument", [
          e("ram:ID", paper.number),
          e("ram:TypeCode", paper.kind === "invoice" ? "380" : "381"),
          e("ram:IssueDateTime", [day("udt:DateTimeString", paper.issued_on)]),
          paper.note === null ? undefined : e("ram:IncludedNote", [e("ram:Content", paper.note)]),
        ]),
        e("rsm:SupplyChainTradeTransaction", [
          ...goods.map((line, nth) => lineItem(paper, line, nth + 1)),
          e("ram:ApplicableHeaderTradeAgreement", [
            optional("ram:BuyerReference", paper.buyer.reference),
            sellerParty(paper),
            buyerParty(paper.buyer, paper.seller.country ?? ""),
          ]),
          e("ram:ApplicableHeaderTradeDelivery", [
            paper.supplied_from === paper.supplied_to
              ? e("ram:ActualDeliverySupplyChainEvent", [
                  e("ram:OccurrenceDateTime", [day("udt:DateTimeString", paper.supplied_to)]),
                ])
              : undefined,
          ]),
          settlement(paper, discounts, corrected),
        ]),
      ],
      {
        "xmlns:rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
        "xmlns:ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
        "xmlns:udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
        "xmlns:qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
      },
    ),
  )
}

const netOf = ({ amount, taxAmount }: PaperLine) => amount - taxAmount
const optional = (name: string, text: string | undefined) => (text === undefined ? undefined : e(name, text))
const day = (name: string, date: string) => e(name, date.replaceAll("-", ""), { format: "102" })

function lineItem(paper: PaperRow, line: PaperLine, nth: number): XmlElement {
  const net = decimalText(netOf(line), paper.currency)
  return e("ram:IncludedSupplyChainTradeLineItem", [
    e("ram:AssociatedDocumentLineDocument", [e("ram:LineID", String(nth))]),
    e("ram:SpecifiedTradeProduct", [
      e("ram:Name", nameOf(line, paper.language)),
      optional("ram:Description", descriptionOf(line, paper.language)),
    ]),
    e("ram:SpecifiedLineTradeAgreement", [e("ram:NetPriceProductTradePrice", [e("ram:ChargeAmount", net)])]),
    e("ram:SpecifiedLineTradeDelivery", [e("ram:BilledQuantity", "1", { unitCode: "C62" })]),
    e("ram:SpecifiedLineTradeSettlement", [
      e("ram:ApplicableTradeTax", taxCategory(line.taxRate)),
      e("ram:SpecifiedTradeSettlementLineMonetarySummation", [e("ram:LineTotalAmount", net)]),
    ]),
  ])
}

/** Taxed, or exempt with a reason. */
const taxCategory = (rate: number) => [
  e("ram:TypeCode", "VAT"),
  e("ram:CategoryCode", rate > 0 ? "S" : "E"),
  e("ram:RateApplicablePercent", rateText(rate)),
]

interface Address {
  readonly street?: string
  readonly postcode?: string
  readonly city?: string
  readonly country?: string
}

const address = ({ street, postcode, city, country }: Address) =>
  e("ram:PostalTradeAddress", [
    optional("ram:PostcodeCode", postcode),
    optional("ram:LineOne", street),
    optional("ram:CityName", city),
    optional("ram:CountryID", country),
  ])

const taxRegistration = (id: string, scheme: "VA" | "FC") =>
  e("ram:SpecifiedTaxRegistration", [e("ram:ID", id, { schemeID: scheme })])

function sellerParty({ seller }: PaperRow): XmlElement {
  const { legalName, email, vatId, taxNumber } = seller
  return e("ram:SellerTradeParty", [
    // BR-CO-26: a seller without a VAT id has another identifier.
    vatId === undefined ? optional("ram:ID", taxNumber) : undefined,
    e("ram:Name", legalName ?? seller.name),
    email === undefined
      ? undefined
      : e("ram:DefinedTradeContact", [
          e("ram:PersonName", legalName ?? seller.name),
          e("ram:EmailURIUniversalCommunication", [e("ram:URIID", email)]),
        ]),
    address(seller),
    taxNumber === undefined ? undefined : taxRegistration(taxNumber, "FC"),
    vatId === undefined ? undefined : taxRegistration(vatId, "VA"),
  ])
}

/** EN 16931 asks for the buyer's country. A buyer without an address is where the sport is. */
const buyerParty = (buyer: Buyer, sellersCountry: string) =>
  e("ram:BuyerTradeParty", [
    e("ram:Name", buyer.name),
    address({ ...buyer, country: buyer.country ?? sellersCountry }),
    buyer.vatId === undefined ? undefined : taxRegistration(buyer.vatId, "VA"),
  ])

function settlement(
  paper: PaperRow,
  discounts: readonly PaperLine[],
  corrected: Pick<PaperRow, "number" | "issued_on"> | undefined,
): XmlElement {
  const { currency, taxes, net, tax, gross, due_on: dueOn, seller } = paper
  const text = (amount: number) => decimalText(amount, currency)
  const allowances = -discounts.reduce((sum, line) => sum + netOf(line), 0)
  return e("ram:ApplicableHeaderTradeSettlement", [
    e("ram:PaymentReference", paper.number),
    e("ram:InvoiceCurrencyCode", currency),
    paymentMeans(paper),
    ...taxes.map(({ taxRate, net, tax }) =>
      e("ram:ApplicableTradeTax", [
        e("ram:CalculatedAmount", text(tax)),
        e("ram:TypeCode", "VAT"),
        taxRate > 0 ? undefined : optional("ram:ExemptionReason", seller.exemptionReason),
        e("ram:BasisAmount", text(net)),
        ...taxCategory(taxRate).slice(1),
      ]),
    ),
    paper.supplied_from === paper.supplied_to
      ? undefined
      : e("ram:BillingSpecifiedPeriod", [
          e("ram:StartDateTime", [day("udt:DateTimeString", paper.supplied_from)]),
          e("ram:EndDateTime", [day("udt:DateTimeString", paper.supplied_to)]),
        ]),
    ...discounts.map((line) =>
      e("ram:SpecifiedTradeAllowanceCharge", [
        e("ram:ChargeIndicator", [e("udt:Indicator", "false")]),
        e("ram:ActualAmount", text(-netOf(line))),
        e("ram:Reason", nameOf(line, paper.language)),
        e("ram:CategoryTradeTax", taxCategory(line.taxRate)),
      ]),
    ),
    dueOn === null
      ? undefined
      : e("ram:SpecifiedTradePaymentTerms", [e("ram:DueDateDateTime", [day("udt:DateTimeString", dueOn)])]),
    e("ram:SpecifiedTradeSettlementHeaderMonetarySummation", [
      e("ram:LineTotalAmount", text(net + allowances)),
      e("ram:ChargeTotalAmount", text(0)),
      e("ram:AllowanceTotalAmount", text(allowances)),
      e("ram:TaxBasisTotalAmount", text(net)),
      e("ram:TaxTotalAmount", text(tax), { currencyID: currency }),
      e("ram:GrandTotalAmount", text(gross)),
      e("ram:TotalPrepaidAmount", text(paper.payment === null ? 0 : gross)),
      e("ram:DuePayableAmount", text(paper.payment === null ? gross : 0)),
    ]),
    corrected &&
      e("ram:InvoiceReferencedDocument", [
        e("ram:IssuerAssignedID", corrected.number),
        e("ram:FormattedIssueDateTime", [day("qdt:DateTimeString", corrected.issued_on)]),
      ]),
  ])
}

/** UNTDID 4461. */
const meansCodes: Readonly<Record<string, string>> = { cash: "10", check: "20", card: "48", bank_transfer: "58" }

/** A paid invoice names how. One that is open names the account to pay to. */
function paymentMeans({ payment, seller }: PaperRow): XmlElement | undefined {
  const { iban, bic, accountHolder } = seller
  const account =
    iban === undefined
      ? []
      : [
          e("ram:PayeePartyCreditorFinancialAccount", [
            e("ram:IBANID", iban),
            optional("ram:AccountName", accountHolder),
          ]),
          bic === undefined ? undefined : e("ram:PayeeSpecifiedCreditorFinancialInstitution", [e("ram:BICID", bic)]),
        ]
  // A transfer without an account would break BR-61.
  if (payment !== null) {
    const code = payment.method === "bank_transfer" && iban === undefined ? "1" : (meansCodes[payment.method] ?? "1")
    return e("ram:SpecifiedTradeSettlementPaymentMeans", [e("ram:TypeCode", code), ...(code === "58" ? account : [])])
  }
  if (iban === undefined) return undefined
  return e("ram:SpecifiedTradeSettlementPaymentMeans", [e("ram:TypeCode", "58"), ...account])
}
