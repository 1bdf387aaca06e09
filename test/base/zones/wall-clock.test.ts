// Local time from the pinned zone data: law changes that the runtime does not know, gaps, repeats, and every zone.

import { expect, test } from "bun:test"
import { instantOf, isLocalDate, localDatesOf, localTimeOf, spanOfDay, wallTimeOf } from "#base/local-days.ts"
import { runtimeOffsetAt } from "#base/zones/runtime-zones.ts"
import { instantAt, nextChangeAfter, offsetAt, wallAt } from "#base/zones/wall-clock.ts"
import { isZone, zoneNames, zoneOf } from "#base/zones/zone-data.ts"

const at = (text: string) => Date.parse(text)
const iso = (instant: number) => new Date(instant).toISOString()

test("clubs in British Columbia stay on summer time in the winter of 2026, as their law says", () => {
  expect(iso(instantOf("America/Vancouver", "2026-12-12", "18:00"))).toBe("2026-12-13T01:00:00.000Z")
  expect(localTimeOf("America/Vancouver", at("2026-12-13T01:00:00Z"))).toBe("18:00")
})

test.each([
  ["Africa/Casablanca", "12:00"],
  ["America/Edmonton", "06:00"],
  ["America/Havana", "08:00"],
  ["America/Winnipeg", "07:00"],
  ["Europe/Berlin", "13:00"],
  ["Asia/Kathmandu", "17:45"],
])("in %s it is %s on 15 December 2026 at noon UTC", (zone, time) => {
  expect(localTimeOf(zone, at("2026-12-15T12:00:00Z"))).toBe(time)
})

test("a skipped time is later by the gap, or the end of the gap, and a repeated one is its first reading", () => {
  const skipped = at("2026-03-29T02:30:00Z")
  expect(iso(instantAt("Europe/Berlin", skipped, "later"))).toBe("2026-03-29T01:30:00.000Z")
  expect(iso(instantAt("Europe/Berlin", skipped, "end"))).toBe("2026-03-29T01:00:00.000Z")
  const repeated = at("2026-10-25T02:30:00Z")
  expect(iso(instantAt("Europe/Berlin", repeated, "later"))).toBe("2026-10-25T00:30:00.000Z")
  expect(iso(instantAt("Europe/Berlin", repeated, "end"))).toBe("2026-10-25T00:30:00.000Z")
  expect(iso(nextChangeAfter("Europe/Berlin", repeated))).toBe("2027-03-28T01:00:00.000Z")
  expect(nextChangeAfter("UTC", repeated)).toBe(Number.POSITIVE_INFINITY)
})

test("a day without a midnight begins where its clocks land, and a day that never was lasts no time", () => {
  expect(spanOfDay("Africa/Cairo", "2027-04-30")).toEqual({
    start: at("2027-04-29T22:00Z"),
    end: at("2027-04-30T21:00Z"),
  })
  expect(wallTimeOf("Africa/Cairo", at("2027-04-29T22:00Z"))).toBe("2027-04-30T01:00:00")
  const never = spanOfDay("Pacific/Apia", "2011-12-30")
  expect(never.end - never.start).toBe(0)
})

test("the days of a span are those that it touches", () => {
  expect(localDatesOf("Asia/Tokyo", { start: at("2026-02-28T14:59:00Z"), end: at("2026-03-01T15:00:00Z") })).toEqual([
    "2026-02-28",
    "2026-03-01",
  ])
})

test("names are taken in any case, and what is no zone is refused", () => {
  expect(isZone("europe/berlin")).toBe(true)
  expect(offsetAt("EUROPE/BERLIN", at("2026-07-01T00:00Z"))).toBe(7_200_000)
  expect(offsetAt("+05:30", 0)).toBe(19_800_000)
  for (const name of ["", "Europe/Atlantis", "Europe_Berlin", "Europe/Berlin ", "constructor", "+25:00"])
    expect(isZone(name)).toBe(false)
  expect(() => zoneOf("Europe/Atlantis")).toThrow(new RangeError('There is no time zone "Europe/Atlantis"'))
})

test.each([
  ["2028-02-29", true],
  ["2027-02-29", false],
  ["2027-04-31", false],
  ["2027-13-01", false],
  ["2027-1-01", false],
  ["2199-12-31", true],
])("whether %s is a day: %p", (text, is) => {
  expect(isLocalDate(text)).toBe(is)
})

test("in every zone of the runtime each hour from 2020 to July 2026 is read as the runtime reads it", () => {
  const [start, end] = [at("2020-01-01T00:00Z"), at("2026-07-01T00:00Z")]
  const stepMs = 6 * 3_600_000 + 1_000
  const wrong = Intl.supportedValuesOf("timeZone").filter((zone) => {
    for (let instant = start; instant < end; instant += 29 * stepMs)
      if (offsetAt(zone, instant) !== runtimeOffsetAt(zone, instant)) return true
    return false
  })
  expect(wrong).toEqual([])
})

test("a wall time is read back from each instant of every zone, to the year 2199", () => {
  const stepMs = 400 * 24 * 3_600_000 + 3_607_000
  for (const zone of zoneNames())
    for (let instant = at("1971-01-01T00:00Z"); instant < at("2199-01-01T00:00Z"); instant += stepMs) {
      const back = instantAt(zone, wallAt(zone, instant), "end")
      // The first reading of a repeated time is earlier by what is repeated.
      if (back !== instant) expect(wallAt(zone, back)).toBe(wallAt(zone, instant))
      expect(back).toBeLessThanOrEqual(instant)
    }
})
