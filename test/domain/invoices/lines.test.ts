// How amounts are divided: exact in whole minor units, whatever the amounts, the rates and the order.

import { expect, test } from "bun:test"
import fc from "fast-check"
import { isIban } from "#domain/invoices/iban.ts"
import { divided, leftOf, type Sold, taxesOf } from "#domain/invoices/lines.ts"
import { cases } from "#test/whole/properties/property.ts"
import { court } from "./a-paper.ts"

const sold = fc
  .array(fc.record({ gross: fc.integer({ min: 0, max: 10_000_000 }), share: fc.integer({ min: 0, max: 50 }) }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((all) =>
    all.map(
      ({ gross, share }, nth): Sold => ({ key: `${nth}`, taxRate: nth, gross, tax: Math.floor((gross * share) / 100) }),
    ),
  )

const sum = (all: readonly Sold[], field: "gross" | "tax") => all.reduce((total, each) => total + each[field], 0)

test("parts sum to the amount, none is negative or more than is left, and all parts add up to the whole with its tax", () => {
  fc.assert(
    fc.property(sold, fc.array(fc.integer({ min: 1, max: 10_000_000 }), { maxLength: 8 }), (whole, wanted) => {
      const taken = new Map<string, { gross: number; tax: number }>()
      const take = (amount: number) => {
        const left = leftOf(whole, taken)
        const parts = divided(amount, left)
        expect(sum(parts, "gross")).toBe(amount)
        for (const { key, gross, tax } of parts) {
          const its = left.find((each) => each.key === key)
          expect(gross).toBeGreaterThan(0)
          expect(gross).toBeLessThanOrEqual(its?.gross ?? -1)
          expect(tax).toBeGreaterThanOrEqual(0)
          expect(tax).toBeLessThanOrEqual(its?.tax ?? -1)
          const before = taken.get(key) ?? { gross: 0, tax: 0 }
          taken.set(key, { gross: before.gross + gross, tax: before.tax + tax })
        }
      }
      for (const amount of wanted) {
        const open = sum(leftOf(whole, taken), "gross")
        if (open > 0) take(Math.min(amount, open))
      }
      const rest = sum(leftOf(whole, taken), "gross")
      if (rest > 0) take(rest)
      for (const { key, gross, tax } of whole) {
        if (gross > 0) expect(taken.get(key)).toEqual({ gross, tax })
      }
    }),
    cases(500),
  )
})

test("sums by rate are those of the lines, the highest rate first", () => {
  expect(taxesOf([court(700, 46, { taxRate: 700 }), court(2400, 383), court(-240, -38, { kind: "discount" })])).toEqual(
    [
      { taxRate: 1900, net: 1815, tax: 345, gross: 2160 },
      { taxRate: 700, net: 654, tax: 46, gross: 700 },
    ],
  )
})

test("an IBAN with a wrong digit is seen", () => {
  expect(isIban("DE02120300000000202051")).toBe(true)
  expect(isIban("DE02120300000000202052")).toBe(false)
})
