// The clock: the program's follows the database's, and does not jitter while the two agree.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})

afterAll(async () => {
  await db`update slotbase.clock set shift = '0'`
  await clock.follow(db)
  await database.drop()
})

test("follows the database's clock, within a round trip", async () => {
  await followed()
  await db`select slotbase.move_clock('40 days')`
  await followed()
  expect(clock.now() - Date.now()).toBeGreaterThan(39 * 86_400_000)
})

test("is not moved when an answer agrees with it at any moment of the round trip, early or late", async () => {
  await clock.follow(db)
  const [told, timer] = [clock.now(), performance.now()]
  // An answer must not count as the middle of its round trip: each early one would move the clock half a millisecond
  // on. Each late one would move it back.
  for (let times = 0; times < 20; times++) await clock.follow(answering(0.5, 1.5))
  for (let times = 0; times < 60; times++) await clock.follow(answering(1.5, 0.5))
  // One millisecond: readings are rounded.
  expect(Math.abs(clock.now() - told - (performance.now() - timer))).toBeLessThanOrEqual(1)
})

test("goes back with the database's clock", async () => {
  await clock.follow(db)
  const before = clock.now()
  await db`select slotbase.move_clock('-1 hour')`
  await clock.follow(db)
  expect(clock.now()).toBeLessThan(before - 3_500_000)
})

test("ids carry the clock's time, and increase within a millisecond", async () => {
  const ids = Array.from({ length: 1_000 }, newId)
  expect([...ids].sort()).toEqual(ids)
  const [row] = await db<[{ at: Date }]>`select slotbase.time_of(${ids[0] as string}) as at`
  expect(Math.abs(row.at.getTime() - clock.now())).toBeLessThan(1_000)
})

test("the database's ids and bounds agree with the program's", async () => {
  const at = new Date("2026-03-09T16:20:30.125Z")
  const [row] = await db`
    select slotbase.id_at(${at})::text as low, slotbase.time_of(slotbase.id_at(${at})) as again,
           slotbase.new_id()::text ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' as uuidv7,
           abs(extract(epoch from slotbase.time_of(slotbase.new_id()) - slotbase.now())) < 1 as present`
  const hex = at.getTime().toString(16).padStart(12, "0")
  expect(row as object).toEqual({
    low: `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`,
    again: at,
    uuidv7: true,
    present: true,
  })
})

test("an id derived from an event and a name is stable, carries the event's time, and differs for another name", async () => {
  const event = "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e23"
  const [row] = await db`
    select slotbase.derived_id(${event}, 'a')::text as id, slotbase.derived_id(${event}, 'a') = slotbase.derived_id(${event}, 'a') as same,
           slotbase.derived_id(${event}, 'a') <> slotbase.derived_id(${event}, 'b') as other,
           slotbase.time_of(slotbase.derived_id(${event}, 'a')) = slotbase.time_of(${event}) as time`
  expect(row as object).toEqual({
    id: expect.stringMatching(/^01994a3e-7c00-7[0-9a-f]{3}-8/),
    same: true,
    other: true,
    time: true,
  })
})

test("derived ids equal those that the first migration made of the same event and name", async () => {
  const rows = await db`
    select e, n from (select gen_random_uuid() as e, md5(random()::text) || nr as n from generate_series(1, 2000) as nr) given
    where slotbase.derived_id(e, n) <> overlay(overlay(overlay(md5(e::text || n)
      placing left(replace(e::text, '-', ''), 12) from 1 for 12) placing '7' from 13 for 1) placing '8' from 17 for 1)::uuid`
  expect([...rows]).toEqual([])
})

test("only a database marked as demo or test has a clock that can be moved", async () => {
  const moved = db.begin(async (tx) => {
    await tx`update slotbase.clock set shift = '0', movable = false`
    await tx`select slotbase.move_clock('1 hour')`
  })
  expect(String(await failure(moved))).toContain("it is not marked as demo or test")
  const forced = db`update slotbase.clock set movable = false, shift = '1 hour'`
  expect(await failure(forced)).toMatchObject({ constraint_name: "clock_moves_only_in_demo_or_test" })
})

async function databaseNow(): Promise<number> {
  const [row] = await db<[{ now: Date }]>`select slotbase.now() as now`
  return row.now.getTime()
}

/**
 * Follows the database. Its next answer must then lie between two readings of the clock, within the round trip's error.
 */
async function followed(): Promise<void> {
  const timer = performance.now()
  await clock.follow(db)
  const unknown = performance.now() - timer + 1
  const asked = clock.now()
  const now = await databaseNow()
  expect(now).toBeGreaterThanOrEqual(asked - unknown)
  expect(now).toBeLessThanOrEqual(clock.now() + unknown)
}

/** A database that agrees with the clock. The question travels for `there` ms, the answer for `back` ms. */
function answering(there: number, back: number): Db {
  return (() => {
    spin(there)
    const answer = [{ now: new Date(clock.now()) }]
    spin(back)
    return Promise.resolve(answer)
  }) as unknown as Db
}

function spin(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
