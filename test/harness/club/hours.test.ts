// The hours at which the tests play.

import { expect, test } from "bun:test"
import { alwaysOpen, atHour, dayOf, hoursFrom, midnightAfter } from "./hours.ts"

const midnightAt = (now: string) => new Date(midnightAfter(Date.parse(now))).toISOString()

test("the first hour is tomorrow's, or the day after's when a file might run over midnight", () => {
  expect(midnightAt("2026-03-09T00:00:00Z")).toBe("2026-03-10T00:00:00.000Z")
  expect(midnightAt("2026-03-09T23:57:00Z")).toBe("2026-03-10T00:00:00.000Z")
  expect(midnightAt("2026-03-09T23:57:01Z")).toBe("2026-03-11T00:00:00.000Z")
})

test("hours follow one another", () => {
  expect(atHour(1).startAt).toBe(atHour(0).endAt)
  expect(hoursFrom(2, 3)).toEqual({ startAt: atHour(2).startAt, endAt: atHour(4).endAt })
  expect([dayOf(0), dayOf(24)]).toEqual([atHour(0).startAt.slice(0, 10), atHour(24).startAt.slice(0, 10)])
})

test("a club that is always open is open on each of the seven days", () => {
  expect(Object.keys(alwaysOpen)).toHaveLength(7)
  expect(alwaysOpen.sunday).toEqual([{ open: "00:00", close: "24:00" }])
})
