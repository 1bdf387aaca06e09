// The shares of registrations: of an address, and at a club.

import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import { TooMany } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { registrationShares } from "#domain/people/registration-shares.ts"

/** The time that the limits see stands still. */
beforeAll(() => {
  const at = performance.now()
  spyOn(performance, "now").mockImplementation(() => at)
})
afterAll(() => {
  spyOn(performance, "now").mockRestore()
})

/** How many of so many registrations are allowed. */
function allowed(count: (nth: number) => unknown, tries: number): number {
  let done = 0
  for (let nth = 0; nth < tries; nth++) {
    try {
      count(nth)
      done++
    } catch (error) {
      expect(error).toBeInstanceOf(TooMany)
    }
  }
  return done
}

test("an address registers a hundred people at once, at whichever club, and another address is not slowed", () => {
  const count = registrationShares(100)
  expect(allowed(() => count("198.51.100.1", newId()), 300)).toBe(100)
  expect(count("198.51.100.2", undefined).left).toBe(99)
})

test("a flood from many addresses at one club slows newcomers there, and nobody elsewhere", () => {
  const count = registrationShares(100)
  const [club, other] = [newId(), newId()]
  expect(allowed((nth) => count(`10.0.${nth >> 8}.${nth & 255}`, club.toUpperCase()), 1_000)).toBe(100)
  expect(() => count("198.51.100.1", club)).toThrow(TooMany)
  expect(count("198.51.100.1", other).waitMs).toBe(0)
})

test("addresses that have registered somebody at a club leave its newcomers their own bucket", () => {
  const count = registrationShares(100)
  const club = newId()
  expect(allowed((nth) => count(`10.0.0.${nth % 9}`, club), 500)).toBe(9 + 200)
  expect(count("198.51.100.1", club).waitMs).toBe(0)
})
