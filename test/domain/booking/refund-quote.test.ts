// The refund of a cancellation and its reason: the booking's own policy against the remaining hours.

import { expect, test } from "bun:test"
import { type RefundQuestion, refundOf } from "#domain/booking/refund-quote.ts"

const policy = [
  { hoursBefore: 2, refundPercent: 25 },
  { hoursBefore: 24, refundPercent: 100 },
]
const startAt = new Date("2026-03-12T17:00:00.000Z")
const before = (hours: number) => new Date(startAt.getTime() - hours * 3_600_000)
const ask = (hours: number, { paid = 2401, ...more }: { paid?: number } & Partial<RefundQuestion> = {}) =>
  refundOf({ policy, startAt, at: before(hours), account: { live: paid, goodwill: 0, price: paid }, unit: 1, ...more })

test.each([
  [48, 100, 2401],
  [24, 100, 2401],
  [23.999, 25, 600],
  [2, 25, 600],
  [1.999, 0, 0],
  [-1, 0, 0],
])("%d hours before the start it is %d percent, %d", (hours, percent, amount) => {
  expect(ask(hours)).toMatchObject({ percent, amount })
})

test("the quote lists the rules, longest first, and marks the one that decides", () => {
  expect(ask(3).lines).toEqual([
    { rule: "at least 24 hours before the start", refundPercent: 100, applies: false },
    { rule: "at least 2 hours before the start", refundPercent: 25, applies: true },
    { rule: "later than any rule allows", refundPercent: 0, applies: false },
  ])
  expect(ask(1).lines.at(-1)).toMatchObject({ applies: true })
})

test("without a policy everything is refunded, at any time", () => {
  expect(ask(-1, { policy: [] })).toEqual({
    amount: 2401,
    forfeited: 0,
    percent: 100,
    lines: [{ rule: "no cancellation policy", refundPercent: 100, applies: true }],
  })
})

test("a booking that was never approved is refunded, and staff may decide otherwise", () => {
  expect(ask(0, { pending: true })).toMatchObject({ percent: 100, amount: 2401 })
  const decided = ask(48, { override: 50, pending: true })
  expect(decided).toMatchObject({ percent: 50, amount: 1201 })
  expect(decided.lines[0]).toEqual({ rule: "decided by staff", refundPercent: 50, applies: true })
  expect(decided.lines.filter(({ applies }) => applies)).toHaveLength(1)
})

test("a refund never exceeds the payment, and is zero without a payment", () => {
  expect(ask(48, { paid: 0 })).toMatchObject({ amount: 0, percent: 100 })
  expect(ask(48, { paid: 1, override: 50 }).amount).toBe(1)
  expect(ask(48, { paid: 1, override: 49 }).amount).toBe(0)
})
