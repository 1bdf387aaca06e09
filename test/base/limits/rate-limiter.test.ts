// Rates: how much is allowed at once and after a while, per key, and which keys are forgotten.

import { expect, test } from "bun:test"
import { TooMany } from "#base/errors.ts"
import { RateLimiter } from "#base/limits/rate-limiter.ts"

const rate = { name: "test", burst: 3, everyMs: 1_000 }
const times = (count: number) => Array.from({ length: count }, (_, n) => n)

/** The waiting time of each of many takes at one moment. */
const takes = (limiter: RateLimiter, key: string, count: number, now: number) =>
  times(count).map(() => limiter.take(key, now).waitMs)

test("a burst is allowed at once, and then one more after each interval", () => {
  const limiter = new RateLimiter(rate)
  expect(takes(limiter, "a", 5, 0)).toEqual([0, 0, 0, 1_000, 1_000])
  expect(limiter.take("a", 400).waitMs).toBe(600)
  expect(takes(limiter, "a", 2, 1_000)).toEqual([0, 1_000])
  expect(takes(limiter, "b", 1, 1_000)).toEqual([0])
  expect(takes(limiter, "a", 4, 10_000)).toEqual([0, 0, 0, 1_000])
})

test("a standing says what is left, and when all is there again", () => {
  const limiter = new RateLimiter(rate)
  expect(limiter.take("a", 0)).toEqual({ rate, left: 2, fullInMs: 1_000, waitMs: 0 })
  expect(limiter.take("a", 500)).toEqual({ rate, left: 1, fullInMs: 1_500, waitMs: 0 })
  expect(limiter.take("a", 500)).toEqual({ rate, left: 0, fullInMs: 2_500, waitMs: 0 })
  expect(limiter.take("a", 500)).toEqual({ rate, left: 0, fullInMs: 2_500, waitMs: 500 })
})

test("a refusal takes nothing, names the time to wait in whole seconds, and carries the bucket", () => {
  const limiter = new RateLimiter({ ...rate, burst: 1, everyMs: 9_500 })
  limiter.require("a", undefined, 0)
  const refusal = (() => {
    try {
      return limiter.require("a", "Wait.", 100)
    } catch (error) {
      return error
    }
  })()
  expect(refusal).toBeInstanceOf(TooMany)
  const { retryAfterSeconds, message, standing } = refusal as TooMany
  expect([retryAfterSeconds, message, standing?.left]).toEqual([10, "Wait.", 0])
  expect(limiter.take("a", 9_500).waitMs).toBe(0)
})

test("what is given back can be taken again, and a forgotten key is full", () => {
  const limiter = new RateLimiter(rate)
  takes(limiter, "a", 3, 0)
  limiter.giveBack("a", 0)
  expect(takes(limiter, "a", 2, 0)).toEqual([0, 1_000])
  expect(limiter.isFull("a", 0)).toBe(false)
  expect(limiter.isFull("a", 3_000)).toBe(true)
  limiter.forget("a")
  expect(limiter.isFull("a", 0)).toBe(true)
  limiter.giveBack("never seen", 0)
  expect(takes(limiter, "never seen", 4, 0)).toEqual([0, 0, 0, 1_000])
})

test("a flood of keys neither resets a key that is used up, nor keeps a new one out", () => {
  const limiter = new RateLimiter(rate, 100)
  takes(limiter, "guesser", 3, 0)
  for (const n of times(10_000)) expect(limiter.take(`flood ${n}`, 0).waitMs).toBe(0)
  expect(limiter.take("guesser", 0).waitMs).toBe(1_000)
  expect(limiter.take("honest", 0).waitMs).toBe(0)
})
