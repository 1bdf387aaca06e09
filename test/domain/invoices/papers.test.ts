// The files of papers, read by checkers of others. The XML is held against its official schema and the rules of
// EN 16931. The PDF is read by a library for hybrid invoices.

import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { PaperLine } from "#domain/invoices/lines.ts"
import { decimalText } from "#domain/invoices/papers/amounts.ts"
import { attachmentName, facturX } from "#domain/invoices/papers/factur-x.ts"
import { isElectronic } from "#domain/invoices/papers/files.ts"
import { pageOfPaper } from "#domain/invoices/papers/page.ts"
import { amountText, percentText, spanText } from "#domain/invoices/papers/words.ts"
import type { PaperRow } from "#domain/invoices/rows.ts"
import pdfOfPage from "#domain/invoices/tasks/pdf-of-page.ts"
import { lineOf } from "#domain/ledger/tax.ts"
import { cases } from "#test/whole/properties/property.ts"
import { aPaper, court, seller } from "./a-paper.ts"
import { brokenRules, brokenRulesIn, roundingOf, schemaFaults } from "./validators.ts"

const discount = court(-240, -38, { kind: "discount", label: "Members' week <&>" })
const untaxed = court(1000, 0, { kind: "fee", key: "charge no_show_fee", label: "", taxRate: 0 })
const original = { number: "INV-2026-00041", issued_on: "2026-03-10" }

const papers: Readonly<Record<string, PaperRow>> = {
  "an invoice that is paid": aPaper([court(2400, 383)]),
  "one with three rates, a discount and a line without tax": aPaper([
    court(2400, 383),
    court(5000, 327, { kind: "coach", key: "price 700", label: "Ana & Co", taxRate: 700 }),
    discount,
    untaxed,
  ]),
  "one that is open, to a company": aPaper([court(119_000, 19_000)], {
    payment: null,
    due_on: "2026-04-11",
    buyer: {
      name: "Keller Design GmbH",
      street: "Seestrasse 7",
      postcode: "8002",
      city: "Zürich",
      country: "CH",
      vatId: "ATU12345678",
      reference: "Cost centre 4711",
    },
  }),
  "a credit note": aPaper([court(1001, 160, { kind: "part" })], {
    kind: "credit_note",
    note: "Rain: the court was under water.\nSorry.",
    supplied_to: "2026-03-13",
  }),
  "one without any tax, by a tax number": aPaper([untaxed], { seller: { ...seller, vatId: "" } }),
  "one in a currency without decimals": aPaper([court(1100, 100, { taxRate: 1000 })], { currency: "JPY" }),
}

describe("the XML", () => {
  for (const [name, paper] of Object.entries(papers)) {
    test(`of ${name} keeps the schema and the rules`, async () => {
      const { vatId, ...others } = paper.seller
      const its = vatId === "" ? { ...paper, seller: { ...others, taxNumber: "27/123/45678" } } : paper
      const xml = facturX(its, its.kind === "credit_note" ? original : undefined)
      expect(await schemaFaults(xml)).toEqual([])
      expect(await brokenRules(xml)).toEqual([])
    })
  }

  test("breaks no rule but the rounding of the tax, and that by less than is allowed, whatever was sold", async () => {
    const line = fc.record({
      gross: fc.integer({ min: 1, max: 1_000_000 }),
      taxRate: fc.constantFrom(0, 700, 810, 1900, 2500),
    })
    const sold = fc.array(line, { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(sold, async (given) => {
        const lines = given.map(
          ({ gross, taxRate }): PaperLine => court(gross, lineOf(gross, taxRate).taxAmount, { taxRate }),
        )
        const xml = facturX(aPaper(lines), undefined)
        const broken = await brokenRules(xml)
        expect(broken.filter((rule) => !["BR-CO-17", "BR-S-9"].includes(rule))).toEqual([])
        expect(roundingOf(xml)).toBeLessThanOrEqual(given.length)
      }),
      cases(40, 20_000),
    )
  })

  test("the checkers see a sum that is wrong, an element in the wrong place and a missing tax number", async () => {
    const xml = facturX(aPaper([court(2400, 383)]), undefined)
    expect(await brokenRules(xml.replace("<ram:GrandTotalAmount>24.00", "<ram:GrandTotalAmount>24.01"))).toContain(
      "BR-CO-15",
    )
    expect((await schemaFaults(xml.replaceAll("ram:DuePayableAmount", "ram:DueAmount"))).length).toBeGreaterThan(0)
    const { vatId: _vatId, ...without } = seller
    expect(await brokenRules(facturX(aPaper([court(2400, 383)], { seller: without }), undefined))).toContain("BR-S-2")
  })

  test("a receipt has none, and neither has a currency with three decimals", () => {
    expect(isElectronic({ missing: [], currency: "EUR" })).toBe(true)
    expect(isElectronic({ missing: ["seller"], currency: "EUR" })).toBe(false)
    expect(isElectronic({ missing: [], currency: "KWD" })).toBe(false)
  })
})

describe("the PDF", () => {
  const fileOf = async (paper: PaperRow, language: "en" | "de" = "en") => {
    const xml = { name: attachmentName, text: facturX(paper, undefined) }
    const { pdf } = await pdfOfPage({ page: pageOfPaper(paper, undefined, language), xml })
    return Buffer.from(pdf, "base64")
  }

  test("holds the XML, says so in its metadata, embeds every font, and is the same bytes each time", async () => {
    const paper = aPaper([court(2400, 383)], { buyer: { name: "Łukasz Žižek-Đorđević Ωmega Козлова & <Söhne>" } })
    const file = await fileOf(paper)
    expect(await brokenRulesIn(file)).toEqual([])
    const text = file.toString("latin1")
    const metadata = text.slice(text.indexOf("<?xpacket begin"), text.indexOf("<?xpacket end"))
    expect(metadata).toContain("<pdfaid:part>3</pdfaid:part>")
    expect(metadata).toContain("<pdfaid:conformance>B</pdfaid:conformance>")
    expect(metadata).toContain("<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>")
    expect(text).toContain("/AFRelationship /Alternative")
    const fonts =
      text.match(/\/Type \/Font\b(?!Descriptor)[\s\S]*?\/BaseFont \/[A-Z]{6}\+NotoSans-(?:Regular|Bold)/g) ?? []
    expect(fonts.length).toBeGreaterThan(0)
    expect(text).not.toContain("Helvetica")
    expect(text.match(/\/FontFile2 /g)?.length).toBe(2)
    expect((await fileOf(paper)).equals(file)).toBe(true)
  })

  test("of many lines has many pages, each with its number and the heads of the columns", async () => {
    const lines = Array.from({ length: 100 }, (_, i) =>
      court(2400, 383, { label: `Court ${i} with a name that is so long that it needs a second line on the page` }),
    )
    const file = await fileOf(aPaper(lines), "de")
    expect(file.toString("latin1").match(/\/Type \/Page\b(?!s)/g)?.length).toBeGreaterThan(4)
    expect(pageOfPaper(aPaper(lines), undefined, "de").pageOf).toBe("INV-2026-00042 · Seite {page} von {pages}")
  })

  test("says what a receipt lacks, and shows what its font lacks as question marks", async () => {
    const paper = aPaper([{ key: "account", kind: "account", label: "", amount: 500, taxRate: 0, taxAmount: 0 }], {
      missing: ["seller", "goods"],
      seller: { name: "Padel Mitte" },
      buyer: { name: "小林 さくら" },
    })
    const page = pageOfPaper(paper, undefined, "de")
    expect(page.heading).toBe("Quittung")
    expect(page.notes).toEqual([
      "Bezahlt am 12.03.2026: Karte",
      "Dieses Papier ist eine Quittung und keine Rechnung. Es fehlt: Name und Anschrift des Verkäufers; wofür gezahlt wurde.",
    ])
    expect((await pdfOfPage({ page })).pdf.length).toBeGreaterThan(1_000)
  })
})

test("amounts, rates and days are written in the reader's form, with a real minus", () => {
  expect(amountText(-1_234_550, "EUR", "de")).toBe("−12.345,50 EUR")
  expect(amountText(1_234_550, "EUR", "en")).toBe("12,345.50 EUR")
  expect(amountText(5, "KWD", "en")).toBe("0.005 KWD")
  expect(amountText(2_400, "JPY", "de")).toBe("2.400 JPY")
  expect(amountText(Number.MAX_SAFE_INTEGER, "EUR", "en")).toBe("90,071,992,547,409.91 EUR")
  expect(decimalText(-5, "EUR")).toBe("-0.05")
  expect(decimalText(12_345, "UYW")).toBe("1.2345")
  expect([percentText(1900, "en"), percentText(810, "de"), percentText(810, "en")]).toEqual(["19 %", "8,1 %", "8.1 %"])
  expect(spanText("2026-03-12 18:00", "2026-03-12 19:00", "en")).toBe("12 Mar 2026 18:00–19:00")
  expect(spanText("2026-03-12 23:00", "2026-03-13 01:00", "de")).toBe("12.03.2026 23:00 – 13.03.2026 01:00")
  expect(spanText("2026-03-01", "2026-03-31", "en")).toBe("1 Mar 2026 – 31 Mar 2026")
})
