// A discount as lines of a price: by hand, and the laws for any lines, rates, modes and currencies.
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { unitOf } from "#base/money.ts"
import { discounted, discountIn, withoutDiscount } from "#domain/booking/discount.ts"
import {
  agreedLine,
  type BookedLine,
  coachLine,
  courtLines,
  type GoodLine,
  pricedBy,
  totalOf,
} from "#domain/booking/price-lines.ts"
import { type TaxTerms, taxModes } from "#domain/club/tax-rates.ts"
import { cases } from "#test/whole/properties/property.ts"

const untaxed: TaxTerms = { mode: "inclusive", rates: {} }
const court = (hourlyPrice: number, minutes: number, tax = untaxed, currency = "EUR", start = 0) =>
  courtLines([{ start, end: start + minutes * 60_000, hourlyPrice, label: "Court 1", tax }], currency)
const youth = (percent: number) => ({ percent, reason: "Youth" })
const discountsOf = (lines: readonly BookedLine[]) =>
  lines.flatMap((line) =>
    line.kind === "discount" ? [[line.amount, line.taxRate ?? 0, line.taxAmount ?? 0, line.minutes]] : [],
  )
const taxOf = (lines: readonly BookedLine[]) => lines.reduce((sum, { taxAmount = 0 }) => sum + taxAmount, 0)

describe("a discount", () => {
  test("is a line with its label, its percentage and its share, and the price is the sum", () => {
    const lines = discounted(court(2400, 60), youth(20), "EUR")
    expect(lines.at(-1)).toEqual({ kind: "discount", label: "Youth", amount: -480, minutes: 60, percent: 20 })
    expect(pricedBy(lines).price).toBe(1920)
    expect([discountIn(lines), withoutDiscount(lines)]).toEqual([youth(20), court(2400, 60)])
    expect(discounted(court(2400, 60), undefined, "EUR")).toEqual(court(2400, 60))
  })

  test.each<[string, number, number, string, number]>([
    ["half a cent up", 2401, 50, "EUR", -1201],
    ["less than half a cent to nothing, and stays a line", 1, 1, "EUR", 0],
    ["the last decimal of dinars to 0", 2500, 33, "KWD", -830],
    ["to whole forints", 200_100, 15, "HUF", -30_000],
    ["nothing of all", 200_100, 100, "HUF", -200_100],
  ])("rounds %s", (_, price, percent, currency, amount) => {
    expect(discountsOf(discounted(court(price, 60, untaxed, currency), youth(percent), currency))).toEqual([
      [amount, 0, 0, 60],
    ])
  })

  test("has one line for each rate of tax, with its share of that tax", () => {
    const tax: TaxTerms = { mode: "inclusive", rates: { court: 1900, coaching: 700 } }
    const lesson = [...court(2400, 60, tax), coachLine({ name: "Mia", hourlyRate: 3000 }, 60, { currency: "EUR", tax })]
    expect(discountsOf(discounted(lesson, youth(10), "EUR"))).toEqual([
      [-240, 1900, -38, 60],
      [-300, 700, -20, 60],
    ])
    const net: TaxTerms = { mode: "exclusive", rates: { court: 1900, coaching: 1900 } }
    const alike = [
      ...court(1999, 60, net),
      coachLine({ name: "Mia", hourlyRate: 3001 }, 60, { currency: "EUR", tax: net }),
    ]
    expect(discountsOf(discounted(alike, youth(10), "EUR"))).toEqual([[-595, 1900, -95, 60]])
  })
})

const terms = fc.record({
  mode: fc.constantFrom(...taxModes),
  rates: fc.record({ court: fc.nat(10_000), coaching: fc.nat(10_000) }),
})
const goods = (currency: string): fc.Arbitrary<readonly GoodLine[]> => {
  const unit = unitOf(currency)
  const price = fc.nat(1_000_000).map((steps) => steps * unit)
  const minutes = fc.integer({ min: 5, max: 300 })
  const piece = fc.record({ hourlyPrice: price, minutes, tax: terms })
  const courts = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => {
    let end = 0
    const times = pieces.map(({ hourlyPrice, minutes: long, tax }) => {
      const start = end
      end += long * 60_000
      return { start, end, hourlyPrice, label: "Court 1", tax }
    })
    return courtLines(times, currency)
  })
  const coach = fc
    .record({ hourlyRate: price, minutes, tax: terms })
    .map(({ hourlyRate, minutes: long, tax }) => coachLine({ name: "Mia", hourlyRate }, long, { currency, tax }))
  const agreed = fc
    .record({ price, minutes, tax: terms })
    .map((it) => [agreedLine(it.price, it.minutes, { ...it, currency })])
  return fc.oneof(
    courts,
    fc.tuple(courts, coach).map(([of, its]) => [...of, its]),
    agreed,
  )
}

test("any discount: the lines sum to the price, each part of it can be moved, and no tax is lost or left over", () => {
  const any = fc
    .constantFrom("EUR", "KWD", "HUF", "JPY")
    .chain((currency) =>
      fc.record({ currency: fc.constant(currency), lines: goods(currency), percent: fc.integer({ min: 1, max: 100 }) }),
    )
  fc.assert(
    fc.property(any, ({ currency, lines, percent }) => {
      const unit = unitOf(currency)
      const all = discounted(lines, youth(percent), currency)
      const { price } = pricedBy(all)
      const full = totalOf(lines)
      expect(price).toBe(all.reduce((sum, { amount }) => sum + amount, 0))
      expect(Math.abs((full - price) * 100 - full * percent)).toBeLessThanOrEqual(50 * unit)
      for (const { amount, taxAmount = 0, kind } of all) {
        expect(amount % unit === 0 && (kind === "discount" ? amount <= 0 && taxAmount <= 0 : amount >= 0)).toBe(true)
        // The net part of a line has its sign.
        expect(Math.abs(taxAmount)).toBeLessThanOrEqual(Math.abs(amount))
      }
      if (percent === 100) expect([price, taxOf(all)]).toEqual([0, 0])
      // Of each rate alone: what is left is taxed like what was there, to half a minor unit.
      for (const rate of new Set(all.map(({ taxRate = 0, taxIncluded }) => `${taxRate} ${taxIncluded}`))) {
        const at = (of: readonly BookedLine[]) =>
          of.filter((line) => `${line.taxRate ?? 0} ${line.taxIncluded}` === rate)
        const [before, after] = [at(lines), at(all)]
        expect(totalOf(after)).toBeGreaterThanOrEqual(0)
        const [sum, tax] = [totalOf(before), taxOf(before)]
        expect(Math.abs(taxOf(after) * sum - tax * totalOf(after)) * 2).toBeLessThanOrEqual(sum)
      }
      expect(discountIn(all)).toEqual(youth(percent))
      expect(withoutDiscount(all)).toEqual([...lines])
    }),
    cases(400),
  )
})
