// Tax in whole minor units: by hand, and the laws for any lines.
import { expect, test } from "bun:test"
import fc from "fast-check"
import { type TaxTerms, taxModes } from "#domain/club/tax-rates.ts"
import { lineOf, sumOfLines, taxed, taxOfPart } from "#domain/ledger/tax.ts"

const german: TaxTerms = { mode: "inclusive", rates: { court: 1900, coaching: 700 } }
const swiss: TaxTerms = { mode: "exclusive", rates: { court: 810 } }

test("an inclusive price contains its tax, and an exclusive price gets it added", () => {
  expect(taxed(2400, "court", german, "EUR")).toEqual({ net: 2017, taxRate: 1900, taxAmount: 383, gross: 2400 })
  expect(taxed(3000, "coaching", german, "EUR")).toEqual({ net: 2804, taxRate: 700, taxAmount: 196, gross: 3000 })
  expect(taxed(2500, "court", swiss, "CHF")).toEqual({ net: 2500, taxRate: 810, taxAmount: 203, gross: 2703 })
  expect(taxed(1000, "fee", german, "EUR")).toEqual({ net: 1000, taxRate: 0, taxAmount: 0, gross: 1000 })
})

test("half a minor unit is rounded up, and an added tax to what can be moved", () => {
  const ten: TaxTerms = { mode: "exclusive", rates: { court: 1000 } }
  expect(taxed(15, "court", ten, "EUR").taxAmount).toBe(2)
  expect(taxed(1040, "court", { mode: "exclusive", rates: { court: 500 } }, "KWD").gross).toBe(1090)
  expect(taxed(1040, "court", { mode: "inclusive", rates: { court: 500 } }, "KWD").taxAmount).toBe(50)
})

test("the largest price is taxed to the minor unit", () => {
  expect(lineOf(1_000_000_000_000, 1900).taxAmount).toBe(159_663_865_546)
  expect(taxed(1_000_000_000_000, "court", swiss, "CHF").gross).toBe(1_081_000_000_000)
})

const amount = fc.integer({ min: 0, max: 10_000_000 })
const rate = fc.integer({ min: 0, max: 10_000 })
const line = fc
  .tuple(amount, rate, fc.constantFrom(...taxModes))
  .map(([asked, court, mode]) => taxed(asked, "court", { mode, rates: { court } }, "EUR"))

test("net and tax are the gross amount, line by line and in their sums", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      for (const { net, taxAmount, gross, taxRate } of lines) {
        expect(net + taxAmount).toBe(gross)
        // A kept line is computed again from its gross amount and its rate.
        expect(lineOf(gross, taxRate)).toEqual({ net, taxAmount, gross, taxRate })
      }
      const total = sumOfLines(lines)
      expect(total.net + total.taxAmount).toBe(total.gross)
    }),
  )
})

test("the taxes of the parts of a line are the tax of the line, however it is cut", () => {
  fc.assert(
    fc.property(line, amount, amount, (whole, a, b) => {
      const cuts = [a % (whole.gross + 1), b % (whole.gross + 1)].sort((x, y) => x - y)
      const edges = [0, ...cuts, whole.gross]
      const parts = edges.slice(1).map((edge, i) => taxOfPart(whole, edge - (edges[i] ?? 0), edges[i]))
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(whole.taxAmount)
    }),
  )
})
