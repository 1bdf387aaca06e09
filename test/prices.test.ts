// The price of a booking: minor units, rounded half up.

import { expect, test } from "bun:test"
import { priceOf } from "../src/prices.ts"

test.each([
  [2400, 60, 2400],
  [2400, 90, 3600],
  [2401, 30, 1201],
  [2399, 30, 1200],
  [100, 5, 8],
  [1, 30, 1],
  [1, 29, 0],
  [0, 60, 0],
  [1_000_000_000_000, 1440, 24_000_000_000_000],
])("%d an hour for %d minutes is %d", (hourlyPrice, minutes, price) => {
  expect(priceOf(hourlyPrice, minutes)).toBe(price)
})
