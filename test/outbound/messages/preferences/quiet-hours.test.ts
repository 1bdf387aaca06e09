// Quiet hours as clocks on the wall show them.

import { expect, test } from "bun:test"
import { quietUntil } from "#outbound/messages/preferences/quiet-hours.ts"

const night = { start: "22:00", end: "07:00" }
const until = (hours: { start: string; end: string }, zone: string, at: string) => {
  const end = quietUntil(hours, zone, Date.parse(at))
  return end === undefined ? undefined : new Date(end).toISOString()
}

test.each([
  ["before the evening", "2026-11-30T20:59:59.999Z", undefined],
  ["at its start", "2026-11-30T21:00:00Z", "2026-12-01T06:00:00.000Z"],
  ["before midnight", "2026-11-30T22:30:00Z", "2026-12-01T06:00:00.000Z"],
  ["after midnight", "2026-11-30T23:30:00Z", "2026-12-01T06:00:00.000Z"],
  ["in its last moment", "2026-12-01T05:59:59.999Z", "2026-12-01T06:00:00.000Z"],
  ["at its end", "2026-12-01T06:00:00Z", undefined],
  ["at noon", "2026-12-01T11:00:00Z", undefined],
])("a night in Berlin, %s", (_, at, expected) => {
  expect(until(night, "Europe/Berlin", at)).toBe(expected)
})

test("within a day, and in another zone", () => {
  const lunch = { start: "12:00", end: "13:30" }
  expect(until(lunch, "Europe/Berlin", "2026-11-30T11:15:00Z")).toBe("2026-11-30T12:30:00.000Z")
  expect(until(lunch, "Europe/Berlin", "2026-11-30T12:30:00Z")).toBeUndefined()
  expect(until(night, "America/New_York", "2026-11-30T12:30:00Z")).toBeUndefined()
  expect(until(night, "America/New_York", "2026-12-01T04:00:00Z")).toBe("2026-12-01T12:00:00.000Z")
  expect(until(night, "Asia/Kathmandu", "2026-11-30T17:00:00Z")).toBe("2026-12-01T01:15:00.000Z")
})

test("the night in which the clocks skip an hour is an hour shorter, and the one in which they repeat it is longer", () => {
  expect(until(night, "Europe/Berlin", "2026-03-28T21:00:00Z")).toBe("2026-03-29T05:00:00.000Z")
  expect(until(night, "Europe/Berlin", "2026-10-24T20:00:00Z")).toBe("2026-10-25T06:00:00.000Z")
  // 02:30 does not exist on 29 March: the end is the end of the gap, 03:00, at 01:00 UTC.
  expect(until({ start: "23:00", end: "02:30" }, "Europe/Berlin", "2026-03-29T00:59:00Z")).toBe(
    "2026-03-29T01:00:00.000Z",
  )
  // 02:30 comes twice on 25 October: the first one counts.
  expect(until({ start: "23:00", end: "02:30" }, "Europe/Berlin", "2026-10-25T00:15:00Z")).toBe(
    "2026-10-25T00:30:00.000Z",
  )
  expect(until({ start: "23:00", end: "02:30" }, "Europe/Berlin", "2026-10-25T01:15:00Z")).toBeUndefined()
  // In Vancouver clocks change no more from 2026 on, whatever the runtime's data says.
  expect(until(night, "America/Vancouver", "2026-12-15T06:00:00Z")).toBe("2026-12-15T14:00:00.000Z")
})
