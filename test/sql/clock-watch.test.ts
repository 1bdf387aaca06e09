// The clock is asked twice before anything is deleted by age. A leap of the host's clock is doubted until the clock has
// gone on for a while. A test cannot move the clock of the host, so it moves what was seen of it into the past.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { clockDoubt, knownClockDoubt } from "#base/clock-watch.ts"
import type { Db } from "#base/database/db.ts"
import { dispatchAll, recordMany } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
})
afterEach(() => database.drop())

/** The clock leaps ahead, as seen from its last look. */
const leap = (by: string) => db`
  update slotbase.clock_watch set trusted_at = trusted_at - ${by}::text::interval, seen_at = seen_at - ${by}::text::interval,
    doubted_since = doubted_since - ${by}::text::interval`

/** The clock goes on for so long without a leap, looked at all the time. */
const goOn = (by: string) => db`
  update slotbase.clock_watch set trusted_at = trusted_at - ${by}::text::interval, doubted_since = doubted_since - ${by}::text::interval,
    seen_at = clock_timestamp()`

const look = async () => {
  const [deletions, business] = [await clockDoubt(db, "deletions"), await clockDoubt(db, "business")]
  const [row] = await db<[{ trusted: boolean }]>`select slotbase.clock_is_trusted() as trusted`
  expect(row.trusted).toBe(deletions === undefined)
  expect(await knownClockDoubt(db)).toBe(deletions)
  return [deletions, business].map((doubt) => doubt !== undefined)
}

test("a clock that goes on raises no doubt, nor does a stop of a day", async () => {
  expect(await look()).toEqual([false, false])
  await leap("23 hours")
  expect(await look()).toEqual([false, false])
  await leap("1 hour")
  expect(await look()).toEqual([false, false])
})

test("after a leap of days deletions wait for a day of the new time, and business goes on", async () => {
  await look()
  await leap("3 days")
  expect(await look()).toEqual([true, false])
  await goOn("23 hours")
  expect(await look()).toEqual([true, false])
  await goOn("2 hours")
  expect(await look()).toEqual([false, false])
})

test("after a leap of 80 years everything waits for a week, and says why and what to do", async () => {
  await look()
  await leap("80 years")
  expect(await look()).toEqual([true, true])
  expect(await clockDoubt(db, "deletions")).toMatch(
    /^the clock of the database's host leapt ahead by 292\d\d days[0-9: ]*; it is believed at [\dT:.-]+Z of its own time\. If it is right, run "select slotbase\.trust_clock\(\)"; otherwise set the clock of the host right$/,
  )
  await goOn("6 days")
  expect(await look()).toEqual([true, true])
  await goOn("1 day 1 hour")
  expect(await look()).toEqual([false, false])
})

test("a second leap during the doubt begins it anew, and so does a long stop", async () => {
  await look()
  await leap("3 days")
  expect(await look()).toEqual([true, false])
  await leap("2 days")
  expect(await look()).toEqual([true, false])
  await goOn("23 hours")
  expect(await look()).toEqual([true, false])
  await goOn("2 hours")
  expect(await look()).toEqual([false, false])
})

test("a clock that is set right again is believed at once, however far it was off", async () => {
  await look()
  await leap("80 years")
  expect(await look()).toEqual([true, true])
  await leap("-80 years")
  expect(await look()).toEqual([false, false])
})

test("a clock that was behind and is set right again raises no doubt", async () => {
  await look()
  await leap("-1 year")
  expect(await look()).toEqual([false, false])
  await leap("1 year")
  expect(await look()).toEqual([false, false])
})

test("an operator who knows that the clock is right says so", async () => {
  await look()
  await leap("80 years")
  expect(await look()).toEqual([true, true])
  await db`select slotbase.trust_clock()`
  expect(await look()).toEqual([false, false])
})

test("a deletion that is called before anybody has looked sees the leap by itself", async () => {
  await look()
  await leap("3 days")
  expect((await db`select slotbase.clock_is_trusted() as trusted`)[0]?.trusted).toBe(false)
})

test("the first look compares the clock with the newest event", async () => {
  await recordMany(db, 1)
  await dispatchAll(db)
  expect(await look()).toEqual([false, false])
  await db`update slotbase.clock_watch set trusted_at = null, seen_at = null`
  await db`update slotbase.event_positions set event_id = slotbase.id_at(clock_timestamp() - interval '3 months')`
  expect((await db`select slotbase.clock_is_trusted() as trusted`)[0]?.trusted).toBe(false)
  expect(await look()).toEqual([true, true])
})

test("the movable clock of a demo raises no doubt: it is moved on purpose", async () => {
  await look()
  await db`select slotbase.move_clock('80 years')`
  expect(await look()).toEqual([false, false])
})
