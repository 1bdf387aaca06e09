// Calls that are spread out: the first at once, the others together at the end of the time.

import { afterEach, beforeEach, expect, jest, test } from "bun:test"
import { throttled } from "#base/throttle.ts"

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

test("a call that comes alone passes at once, however often that happens", () => {
  let calls = 0
  const call = throttled(() => calls++, 4)
  for (let nth = 1; nth <= 3; nth++) {
    call()
    expect(calls).toBe(nth)
    jest.advanceTimersByTime(4)
  }
  expect([calls, jest.getTimerCount()]).toEqual([3, 0])
})

test("the calls of the time become one at its end, and no two that pass are closer", () => {
  let calls = 0
  const call = throttled(() => calls++, 4)
  for (let ms = 0; ms < 40; ms++) {
    call()
    jest.advanceTimersByTime(1)
  }
  jest.advanceTimersByTime(100)
  expect(calls).toBe(11)
})
