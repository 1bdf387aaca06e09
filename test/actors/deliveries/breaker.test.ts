// How much of a webhook is under way: grown by successes, halved by failures, and its breaker.

import { expect, test } from "bun:test"
import { isOpen, newPace, noteOutcome, type Pace, paceLimits } from "#actors/deliveries/breaker.ts"

const most = 10
const fail = (pace: Pace, now = 0) => noteOutcome(pace, "failed", { now, most })
const succeed = (pace: Pace, now = 0) => noteOutcome(pace, "delivered", { now, most })
const failTimes = (pace: Pace, times: number) => Array.from({ length: times }, () => fail(pace))

test("it starts with two requests, each success adds one, up to the webhook's own limit", () => {
  const pace = newPace()
  const requests = Array.from({ length: 12 }, () => {
    succeed(pace)
    return pace.requests
  })
  expect(requests).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10])
})

test("each failure halves it, and one request is always left", () => {
  const pace = { ...newPace(), requests: 10 }
  const requests = Array.from({ length: 5 }, () => {
    fail(pace)
    return pace.requests
  })
  expect(requests).toEqual([5, 2, 1, 1, 1])
})

test("ten failures in a row open the breaker; a success in between starts the count anew", () => {
  const pace = newPace()
  expect(failTimes(pace, 9)).toEqual(Array(9).fill(undefined))
  expect(succeed(pace)).toBeUndefined()
  expect(failTimes(pace, 10)).toEqual([...Array(9).fill(undefined), "opened"])
  expect(pace.failures).toBe(paceLimits.opensAfter)
  expect([isOpen(pace, 249), isOpen(pace, 250)]).toEqual([true, false])
})

test("it stays open for twice as long after each failed probe, up to five seconds", () => {
  const pace = newPace()
  failTimes(pace, 10)
  const times = Array.from({ length: 7 }, () => {
    const { openMs } = pace
    expect(fail(pace, pace.openUntil)).toBe("opened")
    return openMs
  })
  expect(times).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000])
})

test("what was still under way when it opened says nothing new", () => {
  const pace = newPace()
  failTimes(pace, 10)
  expect(fail(pace, 100)).toBeUndefined()
  expect(pace.openMs).toBe(250)
})

test("the first success closes it, with one request more than it had", () => {
  const pace = newPace()
  failTimes(pace, 10)
  expect(succeed(pace, 250)).toBe("closed")
  expect(pace).toEqual({ requests: 2, failures: 0, openMs: 0, openUntil: 0 })
})

test("an attempt that the process gave up says nothing about the webhook", () => {
  const pace = newPace()
  expect(noteOutcome(pace, "unknown", { now: 0, most })).toBeUndefined()
  expect(pace).toEqual(newPace())
})
