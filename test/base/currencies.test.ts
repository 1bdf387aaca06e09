// The pinned table of currencies: the same in every runtime, and money of today alone.

import { expect, test } from "bun:test"
import { decimalsOf, isCurrency } from "#base/currencies.ts"

test("the decimals are those of ISO 4217, also where the runtime says otherwise", () => {
  const decimals = ["EUR", "HUF", "IDR", "COP", "PKR", "IQD", "JPY", "KWD", "TND", "ISK", "CLP", "UYW", "UGX"].map(
    decimalsOf,
  )
  expect(decimals).toEqual([2, 2, 2, 2, 2, 3, 0, 3, 3, 0, 0, 4, 0])
})

test("funds, metals, test codes and money of the past are no currencies", () => {
  const refused = [
    "XXX",
    "XTS",
    "DEM",
    "BGN",
    "HRK",
    "ANG",
    "CUC",
    "ZWL",
    "XAU",
    "XDR",
    "CHE",
    "CLF",
    "UYI",
    "USN",
    "eur",
  ]
  expect(refused.filter(isCurrency)).toEqual([])
  const taken = ["EUR", "CHF", "XCG", "ZWG", "SLE", "VED", "XOF", "XPF", "UYW", "STN"]
  expect(taken.filter((code) => !isCurrency(code))).toEqual([])
})

test("amounts that stand in a code of the past keep the decimals that they had", () => {
  expect(["DEM", "BGN", "BYR", "CLF", "UYI"].map(decimalsOf)).toEqual([2, 2, 0, 4, 0])
})
