// The price of a subscription: coupons and proration, in whole minor units, with nothing gained or lost by rounding.

import { expect, test } from "bun:test"
import fc from "fast-check"
import { proportionOf } from "#base/money.ts"
import { boundary } from "#domain/plans/periods.ts"
import { type Discount, discountOn, prorate, type Terms } from "#domain/subscriptions/proration.ts"
import { cases } from "#test/whole/properties/property.ts"

const money = fc.integer({ min: 0, max: 1_000_000_000_000 })
const discounts: fc.Arbitrary<Discount | null> = fc.option(
  fc.oneof(
    fc.record({
      percentOff: fc.integer({ min: 1, max: 100 }),
      amountOff: fc.constant(null),
      periods: fc.option(fc.integer({ min: 1, max: 12 })),
    }),
    fc.record({
      percentOff: fc.constant(null),
      amountOff: fc.integer({ min: 1, max: 1_000_000 }),
      periods: fc.option(fc.integer({ min: 1, max: 12 })),
    }),
  ),
)
const timezone = "Europe/Berlin"
const period = { anchorDay: "2026-03-01", start: boundary("2026-03-01", "monthly", timezone, 0) }
const end = boundary("2026-03-01", "monthly", timezone, 1)
const instants = fc.integer({ min: period.start.getTime(), max: end.getTime() }).map((at) => new Date(at))

const termsOf = (price: number, discount: Discount | null, billedPeriods = 1): Terms => ({
  planId: "old",
  billingCycle: "monthly",
  isTrial: false,
  anchorDay: period.anchorDay,
  periodNumber: 1,
  periodStart: period.start,
  periodEnd: end,
  periodAmount: price - discountOn(price, discount, billedPeriods),
  billedPeriods,
})
const to = (planId: string, price: number, billingCycle: "monthly" | "annual" = "monthly") => ({
  planId,
  price,
  billingCycle,
})

test("a part never exceeds its amount, the whole part equals it, and two parts differ from it by one unit at most", () => {
  fc.assert(
    fc.property(
      money,
      fc.integer({ min: 1, max: 10 ** 11 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (amount, whole, share) => {
        const part = Math.floor(whole * share)
        const [a, b] = [proportionOf(amount, part, whole), proportionOf(amount, whole - part, whole)]
        expect(a).toBeWithin(0, amount + 1)
        expect(Math.abs(a + b - amount)).toBeLessThanOrEqual(1)
        expect([proportionOf(amount, whole, whole), proportionOf(amount, 0, whole)]).toEqual([amount, 0])
      },
    ),
    cases(1_000),
  )
})

test("a coupon takes off at most the price, and nothing after its periods", () => {
  expect(discountOn(9900, { percentOff: 15, amountOff: null, periods: null }, 40)).toBe(1485)
  expect(discountOn(2900, { percentOff: null, amountOff: 5000, periods: 1 }, 1)).toBe(2900)
  fc.assert(
    fc.property(money, discounts, fc.integer({ min: 1, max: 24 }), (price, discount, nth) => {
      const off = discountOn(price, discount, nth)
      expect(off).toBeWithin(0, price + 1)
      if (discount === null || (discount.periods !== null && nth > discount.periods)) expect(off).toBe(0)
    }),
    cases(500),
  )
})

test("a change within a period charges the rest of the new price minus the rest of the old one", () => {
  const middle = new Date((period.start.getTime() + end.getTime()) / 2)
  const up = prorate(termsOf(9900, null), to("academy", 19900), null, timezone, middle)
  expect(up).toMatchObject({ charge: 9950, credit: 4950, proratedAmount: 5000 })
  expect(up.after).toEqual({ ...termsOf(19900, null), planId: "academy" })
  const down = prorate(termsOf(9900, null), to("starter", 2900), null, timezone, middle)
  expect(down).toMatchObject({ charge: 1450, credit: 4950, proratedAmount: -3500 })
})

test("a change and its reversal at one instant cost nothing, for any prices, coupon and instant", () => {
  fc.assert(
    fc.property(money, money, discounts, instants, (price, other, discount, at) => {
      const terms = termsOf(price, discount)
      const there = prorate(terms, to("new", other), discount, timezone, at)
      const back = prorate(there.after, to("old", price), discount, timezone, at)
      expect(there.proratedAmount + back.proratedAmount).toBe(0)
      expect(back.after).toEqual(terms)
    }),
    cases(1_000),
  )
})

test("a change costs the rest of the period: all at its start, nothing at its end, never more than the price difference", () => {
  fc.assert(
    fc.property(money, money, instants, (price, other, at) => {
      const cost = (when: Date) => prorate(termsOf(price, null), to("new", other), null, timezone, when).proratedAmount
      expect(cost(period.start)).toBe(other - price)
      expect(cost(end)).toBe(0)
      expect(Math.abs(cost(at))).toBeLessThanOrEqual(Math.abs(other - price) + 1)
      if (other > price) expect(cost(at)).toBeGreaterThanOrEqual(0)
    }),
    cases(1_000),
  )
})

test("another billing cycle begins a new period at once, charged in full, and the next coupon period with it", () => {
  const at = new Date("2026-03-16T11:00:00Z")
  const once: Discount = { percentOff: 50, amountOff: null, periods: 1 }
  const { charge, credit, after } = prorate(termsOf(9900, once), to("old", 99000, "annual"), once, timezone, at)
  const whole = end.getTime() - period.start.getTime()
  expect({ charge, credit }).toEqual({ charge: 99000, credit: proportionOf(4950, end.getTime() - at.getTime(), whole) })
  expect(after).toEqual({
    planId: "old",
    billingCycle: "annual",
    isTrial: false,
    anchorDay: "2026-03-16",
    periodNumber: 1,
    periodStart: at,
    periodEnd: new Date("2027-03-15T23:00:00.000Z"),
    periodAmount: 99000,
    billedPeriods: 2,
  })
})

test("a change in a trial costs nothing, and does not move the end of the trial", () => {
  const trial = { ...termsOf(0, null), isTrial: true, periodNumber: 0, billedPeriods: 0 }
  const changed = prorate(trial, to("academy", 199000, "annual"), null, timezone, new Date("2026-03-05T00:00:00Z"))
  expect(changed).toEqual({
    charge: 0,
    credit: 0,
    proratedAmount: 0,
    after: { ...trial, planId: "academy", billingCycle: "annual" },
  })
})
