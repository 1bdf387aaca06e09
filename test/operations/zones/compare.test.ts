// The zone data of the project beside that of the runtime and of PostgreSQL, for every zone over two years. A new
// runtime, a new PostgreSQL or a new edition of the data changes these lists: look at the difference, then record it.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { zoneDataVersion, zoneNames } from "#base/zones/zone-data.ts"
import { compareZones, differenceText, type ZoneDifference } from "#operations/zones/compare.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let found: readonly ZoneDifference[]
beforeAll(async () => {
  database = await testDatabase()
  found = await compareZones(database.db, zoneNames(), {
    start: Date.parse("2026-12-01T00:00:00Z"),
    end: Date.parse("2028-12-01T00:00:00Z"),
  })
})
afterAll(() => database.drop())

const of = (source: ZoneDifference["source"]) => [
  ...new Set(found.flatMap((each) => (each.source === source ? [each.zone] : []))),
]

/** Their laws of 2026 came after Bun 1.4.5 (ICU 78.3) and the embedded PostgreSQL 18.4. */
const changedIn2026 = [
  "Africa/Casablanca",
  "Africa/El_Aaiun",
  "America/Edmonton",
  "America/Havana",
  "America/Inuvik",
  "America/Rainy_River",
  "America/Winnipeg",
  "America/Yellowknife",
  "Canada/Central",
  "Canada/Mountain",
  "Cuba",
]

test("the edition of the data is the one that was compared", () => {
  expect(zoneDataVersion).toBe("2026f")
})

test("the runtime differs in the zones whose law came after it, British Columbia among them", () => {
  expect(of("runtime")).toEqual([...changedIn2026, "America/Vancouver", "Canada/Pacific"].sort())
})

/** PostgreSQL takes these names for abbreviations, which have no summer time. */
const abbreviations = ["CET", "EET", "MET", "WET"]

test("PostgreSQL differs in the same zones but British Columbia, and in names that it takes for abbreviations", () => {
  expect(of("PostgreSQL")).toEqual([...changedIn2026, ...abbreviations].sort())
})

test("a difference says where, when, who, and what is right", () => {
  expect(
    found.filter(({ zone }) => zone === "America/Havana" || zone === "America/Vancouver").map(differenceText),
  ).toEqual([
    "America/Havana: from 2026-12-01 to 2027-03-14 the runtime says −05:00, and it is −04:00",
    "America/Vancouver: from 2026-12-01 to 2028-11-30 the runtime says −08:00, and it is −07:00",
    "America/Havana: from 2026-12-01 to 2027-03-14 PostgreSQL says −05:00, and it is −04:00",
  ])
})
