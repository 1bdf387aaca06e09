// Amounts and local times in both languages, character by character.

import { expect, test } from "bun:test"
import { localDay, localTime, localWall, money, period, shortTime } from "#outbound/messages/format.ts"

const at = (zone: string, reader: string | null = zone) => ({ language: "en", zone, reader }) as const
const um = (zone: string, reader: string | null = zone) => ({ language: "de", zone, reader }) as const
const berlin = "Europe/Berlin"

test("money is written with its currency, in the decimals of that currency, as the language writes it", () => {
  expect([money("en", 2400, "EUR"), money("de", 2400, "EUR")]).toEqual(["€24.00", "24,00 €"])
  expect([money("en", 5, "USD"), money("de", 5, "USD")]).toEqual(["$0.05", "0,05 $"])
  expect([money("en", 240_000, "JPY"), money("de", 240_000, "JPY")]).toEqual(["¥240,000", "240.000 ¥"])
  expect([money("en", 12_345, "KWD"), money("de", 12_345, "KWD")]).toEqual(["KWD 12.345", "12,345 KWD"])
  // The runtime says two decimals.
  expect(money("en", 12_345, "UYW")).toBe("UYW 1.2345")
  expect([money("en", 0, "CHF"), money("de", 0, "CHF")]).toEqual(["CHF 0.00", "0,00 CHF"])
  expect([money("en", -1999, "EUR"), money("de", -1999, "EUR")]).toEqual(["-€19.99", "-19,99 €"])
})

test("an amount too large for an exact division keeps its last cent", () => {
  expect(money("en", Number.MAX_SAFE_INTEGER, "EUR")).toBe("€90,071,992,547,409.91")
  expect(money("de", Number.MAX_SAFE_INTEGER, "EUR")).toBe("90.071.992.547.409,91 €")
})

test("an instant is written as the clock at the facility shows it, without a zone for a reader who is there", () => {
  expect(localTime("2026-03-12T17:00:00.000Z", at(berlin))).toBe("Thursday, 12 March 2026, 18:00")
  expect(localTime("2026-03-12T17:00:00.000Z", um(berlin))).toBe("Donnerstag, 12. März 2026, 18:00 Uhr")
  expect(shortTime("2026-03-12T17:00:00.000Z", at("Asia/Kathmandu"))).toBe("Thu, 12 Mar 2026, 22:45")
  expect(shortTime("2026-03-12T17:00:00.000Z", um("Asia/Kathmandu"))).toBe("Do., 12. März 2026, 22:45 Uhr")
})

test("the zone is named where the reader's clock shows another time then, and for an unknown reader", () => {
  expect(localTime("2026-03-12T17:00:00.000Z", at(berlin, "Europe/Vienna"))).toBe("Thursday, 12 March 2026, 18:00")
  expect(localTime("2026-03-12T17:00:00.000Z", at(berlin, "Europe/London"))).toBe(
    "Thursday, 12 March 2026, 18:00 Central European Standard Time",
  )
  expect(localTime("2026-07-12T03:30:00.000Z", um("America/New_York", berlin))).toBe(
    "Samstag, 11. Juli 2026, 23:30 Uhr Nordamerikanische Ostküsten-Sommerzeit",
  )
  expect(localTime("2026-03-12T17:00:00.000Z", at("UTC", null))).toBe(
    "Thursday, 12 March 2026, 17:00 Coordinated Universal Time",
  )
  // Lisbon and London differ by law, and not by the clock.
  expect(localTime("2026-03-12T17:00:00.000Z", at("Europe/Lisbon", "Europe/London"))).toEndWith("17:00")
})

test("where the runtime's clock is wrong, the time is right and the offset stands in place of the zone's name", () => {
  expect(localTime("2026-12-13T01:00:00.000Z", at("America/Vancouver", berlin))).toBe(
    "Saturday, 12 December 2026, 18:00 UTC−07:00",
  )
})

test("midnight is 00:00 of the new day", () => {
  expect(shortTime("2026-03-11T23:00:00.000Z", at(berlin))).toBe("Thu, 12 Mar 2026, 00:00")
})

test("a period names its day once", () => {
  const [from, to] = ["2026-03-12T17:00:00.000Z", "2026-03-12T18:00:00.000Z"] as const
  expect(period(from, to, at(berlin))).toBe("Thursday, 12 March 2026, 18:00–19:00")
  expect(period(from, to, um(berlin))).toBe("Donnerstag, 12. März 2026, 18:00–19:00 Uhr")
  expect(period(from, to, um(berlin, "Europe/London"))).toBe(
    "Donnerstag, 12. März 2026, 18:00–19:00 Uhr Mitteleuropäische Normalzeit",
  )
})

test("a period over midnight names both days", () => {
  const [from, to] = ["2026-03-12T22:00:00.000Z", "2026-03-13T00:00:00.000Z"] as const
  expect(period(from, to, at(berlin))).toBe("Thursday, 12 March 2026, 23:00 – Friday, 13 March 2026, 01:00")
  expect(period(from, to, um(berlin))).toBe("Donnerstag, 12. März 2026, 23:00 Uhr – Freitag, 13. März 2026, 01:00 Uhr")
})

test("a period in which the clocks change names both zones", () => {
  expect(period("2026-10-24T23:30:00.000Z", "2026-10-25T01:30:00.000Z", at(berlin))).toBe(
    "Sunday, 25 October 2026, 01:30 Central European Summer Time – Sunday, 25 October 2026, 02:30 Central European Standard Time",
  )
})

test("local days and times of events are written without a zone", () => {
  expect([localDay("2026-05-07", "en"), localDay("2026-05-07", "de")]).toEqual([
    "Thursday, 7 May 2026",
    "Donnerstag, 7. Mai 2026",
  ])
  expect(localWall("2026-12-12T18:00:00", "de")).toBe("Samstag, 12. Dezember 2026, 18:00 Uhr")
})

test("an unknown zone or currency is an error, never a guess", () => {
  expect(() => localTime("2026-03-12T17:00:00.000Z", at("Europe/Atlantis"))).toThrow(RangeError)
  expect(() => money("en", 1, "euro")).toThrow(RangeError)
})
