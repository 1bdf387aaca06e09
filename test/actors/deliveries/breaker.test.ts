// How much of a webhook is under way: grown by successes, halved by failures, and its breaker.

import { expect, test } from "bun:test"
import { type Breaker, breakerLimits, isBreakerOpen, newBreaker, noteOutcome } from "#actors/deliveries/breaker.ts"

const most = 10
const fail = (breaker: Breaker, now = 0) => noteOutcome(breaker, "failed", { now, most })
const succeed = (breaker: Breaker, now = 0) => noteOutcome(breaker, "delivered", { now, most })
const failTimes = (breaker: Breaker, times: number) => Array.from({ length: times }, () => fail(breaker))

test("it starts with two requests, each success adds one, up to the webhook's own limit", () => {
  const breaker = newBreaker()
  const requests = Array.from({ length: 12 }, () => {
    succeed(breaker)
    return breaker.requests
  })
  expect(requests).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10])
})

test("each failure halves it, and one request is always left", () => {
  const breaker = { ...newBreaker(), requests: 10 }
  const requests = Array.from({ length: 5 }, () => {
    fail(breaker)
    return breaker.requests
  })
  expect(requests).toEqual([5, 2, 1, 1, 1])
})

test("ten failures in a row open the breaker; a success in between resets the count", () => {
  const breaker = newBreaker()
  expect(failTimes(breaker, 9)).toEqual(Array(9).fill(undefined))
  expect(succeed(breaker)).toBeUndefined()
  expect(failTimes(breaker, 10)).toEqual([...Array(9).fill(undefined), "opened"])
  expect(breaker.failures).toBe(breakerLimits.opensAfter)
  expect([isBreakerOpen(breaker, 249), isBreakerOpen(breaker, 250)]).toEqual([true, false])
})

test("it stays open for twice as long after each failed probe, up to five seconds", () => {
  const breaker = newBreaker()
  failTimes(breaker, 10)
  const times = Array.from({ length: 7 }, () => {
    const { openMs } = breaker
    expect(fail(breaker, breaker.openUntil)).toBe("opened")
    return openMs
  })
  expect(times).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000])
})

test("a request that was under way when it opened does not count", () => {
  const breaker = newBreaker()
  failTimes(breaker, 10)
  expect(fail(breaker, 100)).toBeUndefined()
  expect(breaker.openMs).toBe(250)
})

test("the first success closes it, with one request more than it had", () => {
  const breaker = newBreaker()
  failTimes(breaker, 10)
  expect(succeed(breaker, 250)).toBe("closed")
  expect(breaker).toEqual({ requests: 2, failures: 0, openMs: 0, openUntil: 0 })
})

test("an attempt that the process gave up does not count for the webhook", () => {
  const breaker = newBreaker()
  expect(noteOutcome(breaker, "unknown", { now: 0, most })).toBeUndefined()
  expect(breaker).toEqual(newBreaker())
})
