// Failed attempts: how many a key may have, and how long it is refused afterwards.

import { expect, test } from "bun:test"
import { AttemptLimiter } from "#base/attempt-limiter.ts"
import { TooMany } from "#base/errors.ts"

const limits = { failures: 3, withinMs: 60_000, keys: 2 }

function wrong(guesses: AttemptLimiter, key: string, times: number, now = 0) {
  for (let n = 0; n < times; n++) guesses.failed(key, now)
}

test("after the last failure further tries are refused until the window has passed", () => {
  const guesses = new AttemptLimiter(limits)
  wrong(guesses, "a", 2)
  guesses.check("a", 1)
  wrong(guesses, "a", 1)
  const refusal = (() => {
    try {
      guesses.check("a", 10_000)
    } catch (error) {
      return error
    }
  })()
  expect(refusal).toBeInstanceOf(TooMany)
  expect((refusal as TooMany).retryAfterSeconds).toBe(50)
  expect(guesses.check("b", 10_000)).toBeUndefined()
  expect(guesses.check("a", 60_000)).toBeUndefined()
})

test("a success forgets the failures", () => {
  const guesses = new AttemptLimiter(limits)
  wrong(guesses, "a", 3)
  guesses.succeeded("a")
  expect(guesses.check("a", 1)).toBeUndefined()
})

test("the number of remembered keys is limited: the oldest is forgotten", () => {
  const guesses = new AttemptLimiter(limits)
  for (const key of ["a", "b", "c"]) wrong(guesses, key, 3)
  expect(guesses.check("a", 1)).toBeUndefined()
  expect(() => guesses.check("c", 1)).toThrow(TooMany)
})
