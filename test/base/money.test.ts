// What can be moved of a currency.
import { expect, test } from "bun:test"
import { isChargeable, isMovable, leastChargeOf, proportionOf, roundedTo, unitOf } from "#base/money.ts"

test("the last of three decimals is 0, and whole forints, Taiwan dollars and ariary are moved", () => {
  for (const currency of ["BHD", "JOD", "KWD", "OMR", "TND"]) expect(unitOf(currency)).toBe(10)
  for (const currency of ["HUF", "TWD", "MGA"]) expect(unitOf(currency)).toBe(100)
  for (const currency of ["EUR", "JPY", "ISK", "UGX", "KRW"]) expect(unitOf(currency)).toBe(1)
})

test("a share is rounded half up to what can be moved", () => {
  expect(proportionOf(2500, 25, 60, unitOf("KWD"))).toBe(1040)
  expect(proportionOf(2500, 33, 100, unitOf("KWD"))).toBe(830)
  expect(proportionOf(2500, 33, 100, unitOf("EUR"))).toBe(825)
  expect(roundedTo(10, 1045)).toBe(1050)
  expect(roundedTo(10, 1044)).toBe(1040)
  expect(roundedTo(1, 1044)).toBe(1044)
  expect(isMovable(1040, "KWD")).toBe(true)
  expect(isMovable(1042, "KWD")).toBe(false)
})

test("a card is charged with the least amount at least", () => {
  expect(leastChargeOf("EUR")).toBe(50)
  expect(isChargeable(50, "EUR")).toBe(true)
  expect(isChargeable(49, "EUR")).toBe(false)
  expect(isChargeable(49, "JPY")).toBe(false)
  expect(isChargeable(10, "KWD")).toBe(true)
})
