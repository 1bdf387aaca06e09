// The ticks of jobs, also across changes of the clock.

import { expect, test } from "bun:test"
import { nextTicks } from "#operations/jobs/ticks.ts"

const ticks = (cron: string, zone: string, after: string, count = 3) =>
  nextTicks(cron, zone, new Date(after), count).map((tick) => tick.toISOString())

test("the ticks of the specification's schedules", () => {
  const at = "2026-03-27T10:20:30Z"
  expect(ticks("* * * * *", "UTC", at)).toEqual([
    "2026-03-27T10:21:00.000Z",
    "2026-03-27T10:22:00.000Z",
    "2026-03-27T10:23:00.000Z",
  ])
  expect(ticks("*/5 * * * *", "UTC", at, 1)).toEqual(["2026-03-27T10:25:00.000Z"])
  expect(ticks("0 9 * * 1", "UTC", at, 2)).toEqual(["2026-03-30T09:00:00.000Z", "2026-04-06T09:00:00.000Z"])
  expect(ticks("0 0 1 * *", "UTC", at, 1)).toEqual(["2026-04-01T00:00:00.000Z"])
})

test("a daily tick stays at its local hour when the clocks change", () => {
  expect(ticks("0 6 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 2)).toEqual([
    "2026-03-28T05:00:00.000Z",
    "2026-03-29T04:00:00.000Z",
  ])
  expect(ticks("0 6 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", 2)).toEqual([
    "2026-10-24T04:00:00.000Z",
    "2026-10-25T05:00:00.000Z",
  ])
})

test("a skipped hour ticks at the instant when it would have begun, and a repeated hour ticks once", () => {
  expect(ticks("30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 2)).toEqual([
    "2026-03-29T01:30:00.000Z",
    "2026-03-30T00:30:00.000Z",
  ])
  expect(ticks("30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 2)).toEqual([
    "2026-10-25T00:30:00.000Z",
    "2026-10-26T01:30:00.000Z",
  ])
})
