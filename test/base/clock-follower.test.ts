// The follower of the database's clock: a jump is told once, and a silence makes the clock run on by itself.

import { afterAll, afterEach, beforeAll, expect, jest, test } from "bun:test"
import { clock } from "#base/clock.ts"
import { clockPart, jumpOf, superviseClock } from "#base/clock-follower.ts"
import type { Db } from "#base/database/db.ts"
import { parts } from "#base/parts.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterEach(() => jest.useRealTimers())
afterAll(async () => {
  await database.db`update slotbase.clock set shift = '0'`
  await clock.follow(database.db)
  await database.drop()
})

test("a jump of the database's clock has its size, in both directions", async () => {
  await clock.follow(database.db)
  expect(Math.abs(await jumpOf(database.db))).toBeLessThan(100)
  for (const [by, ms] of [
    ["1 hour", 3_600_000],
    ["-1 hour", -3_600_000],
  ] as const) {
    await database.db`select slotbase.move_clock(${by}::interval)`
    expect(Math.abs((await jumpOf(database.db)) - ms)).toBeLessThan(100)
  }
})

test("a jump is told and counted, and a small correction is neither", async () => {
  let aheadMs = 0
  const told: string[] = []
  jest.useFakeTimers()
  const stop = await superviseClock(
    answering(() => aheadMs),
    { onJump: (says) => told.push(says) },
  )
  aheadMs = 2_000
  await tick()
  expect(told).toEqual([])
  aheadMs = -86_400_000
  await tick()
  expect(told).toEqual(["The clock of the database jumped by -86402 s."])
  await tick()
  expect(told).toHaveLength(1)
  expect(parts.get(clockPart)).toEqual({ part: clockPart, state: "well", restarts: 1 })
  stop()
  expect(parts.get(clockPart)).toBeUndefined()
})

/** A database whose clock is so far ahead of the host's. */
const answering = (aheadMs: () => number): Db =>
  (() => Promise.resolve([{ now: new Date(realNow() + aheadMs()) }])) as unknown as Db

const timer = performance.now() - Date.now()
const realNow = () => performance.now() - timer

async function tick(): Promise<void> {
  jest.advanceTimersByTime(5_000)
  for (let turns = 0; turns < 20; turns++) await undefined
}
