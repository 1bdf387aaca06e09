// Amounts and local times, character by character.

import { expect, test } from "bun:test"
import { localTime, money, period, shortTime } from "#outbound/messages/format.ts"

test("money is written with its currency, in the decimals of that currency", () => {
  expect(money(2400, "EUR")).toBe("€24.00")
  expect(money(5, "USD")).toBe("US$0.05")
  expect(money(2400, "JPY")).toBe("JP¥2,400")
  expect(money(12_345, "KWD")).toBe("KWD 12.345")
  expect(money(0, "CHF")).toBe("CHF 0.00")
  // The runtime says two decimals.
  expect(money(12_345, "UYW")).toBe("UYW 1.2345")
})

test("an amount too large for an exact division keeps its last cent", () => {
  expect(money(Number.MAX_SAFE_INTEGER, "EUR")).toBe("€90,071,992,547,409.91")
})

test("an instant is written as the clock at the facility shows it, with the name of the zone", () => {
  expect(localTime("2026-03-12T17:00:00.000Z", "Europe/Berlin")).toBe(
    "Thursday, 12 March 2026, 18:00 Central European Standard Time",
  )
  expect(localTime("2026-07-12T03:30:00.000Z", "America/New_York")).toBe(
    "Saturday, 11 July 2026, 23:30 Eastern Daylight Time",
  )
  expect(shortTime("2026-03-12T17:00:00.000Z", "Asia/Kathmandu")).toBe("Thu, 12 Mar 2026, 22:45")
})

test("where the runtime's clock is wrong, the time is right and the offset stands in place of the zone's name", () => {
  expect(localTime("2026-12-13T01:00:00.000Z", "America/Vancouver")).toBe("Saturday, 12 December 2026, 18:00 UTC−07:00")
})

test("midnight is 00:00 of the new day", () => {
  expect(shortTime("2026-03-11T23:00:00.000Z", "Europe/Berlin")).toBe("Thu, 12 Mar 2026, 00:00")
})

test("a period names its day once", () => {
  expect(period("2026-03-12T17:00:00.000Z", "2026-03-12T18:00:00.000Z", "Europe/Berlin")).toBe(
    "Thursday, 12 March 2026, 18:00–19:00 Central European Standard Time",
  )
})

test("a period over midnight names both days", () => {
  expect(period("2026-03-12T22:00:00.000Z", "2026-03-13T00:00:00.000Z", "Europe/Berlin")).toBe(
    "Thursday, 12 March 2026, 23:00 – Friday, 13 March 2026, 01:00 Central European Standard Time",
  )
})

test("a period in which the clocks change names both zones", () => {
  expect(period("2026-10-24T23:30:00.000Z", "2026-10-25T01:30:00.000Z", "Europe/Berlin")).toBe(
    "Sunday, 25 October 2026, 01:30 Central European Summer Time – Sunday, 25 October 2026, 02:30 Central European Standard Time",
  )
})

test("an unknown zone or currency is an error, never a guess", () => {
  expect(() => localTime("2026-03-12T17:00:00.000Z", "Europe/Atlantis")).toThrow(RangeError)
  expect(() => money(1, "euro")).toThrow(RangeError)
})
