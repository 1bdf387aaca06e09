// The ticks of jobs, on each day on which the clocks of a zone change, and the lines that are refused.

import { describe, expect, test } from "bun:test"
import { type BadCron, parseCron } from "#operations/jobs/cron.ts"
import { nextTicks, type Tick, ticksBetween } from "#operations/jobs/ticks.ts"

const ticks = (cron: string, zone: string, after: string, count = 3) =>
  nextTicks(parseCron(cron), zone, Date.parse(after), count).map(shown)
const shown = ({ at, localDate, localTime, clocks }: Tick) =>
  `${new Date(at).toISOString().slice(0, 16)}Z ${localDate} ${localTime}${clocks ? ` ${clocks}` : ""}`

test("the ticks of the specification's schedules", () => {
  const at = "2026-03-27T10:20:30Z"
  const instants = (cron: string, count: number) => ticks(cron, "UTC", at, count).map((tick) => tick.slice(0, 17))
  expect(instants("* * * * *", 3)).toEqual(["2026-03-27T10:21Z", "2026-03-27T10:22Z", "2026-03-27T10:23Z"])
  expect(instants("*/5 * * * *", 1)).toEqual(["2026-03-27T10:25Z"])
  expect(instants("0 * * * *", 1)).toEqual(["2026-03-27T11:00Z"])
  expect(instants("0 6 * * *", 2)).toEqual(["2026-03-28T06:00Z", "2026-03-29T06:00Z"])
  expect(instants("0 9 * * 1", 2)).toEqual(["2026-03-30T09:00Z", "2026-04-06T09:00Z"])
  expect(instants("0 0 1 * *", 2)).toEqual(["2026-04-01T00:00Z", "2026-05-01T00:00Z"])
})

test("a tick after an instant is after it, and one until an instant may be at it", () => {
  const between = (after: string, until: string) =>
    ticksBetween(parseCron("0 6 * * *"), "UTC", Date.parse(after), Date.parse(until)).length
  expect(between("2026-03-28T06:00:00Z", "2026-03-29T06:00:00Z")).toBe(1)
  expect(between("2026-03-28T05:59:59.999Z", "2026-03-29T05:59:59.999Z")).toBe(1)
  expect(between("2026-03-28T06:00:00Z", "2026-03-29T05:59:59.999Z")).toBe(0)
})

test("days and weekdays that are both limited are each enough, and 29 February comes", () => {
  expect(ticks("0 12 13 * fri", "UTC", "2026-02-01T00:00:00Z", 5).map((tick) => tick.slice(18, 28))).toEqual([
    "2026-02-06",
    "2026-02-13",
    "2026-02-20",
    "2026-02-27",
    "2026-03-06",
  ])
  expect(ticks("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 2).map((tick) => tick.slice(0, 10))).toEqual([
    "2028-02-29",
    "2032-02-29",
  ])
  expect(parseCron("5-20/5,50 */8 * jan-mar,12 7")).toMatchObject({ minutes: [5, 10, 15, 20, 50], hours: [0, 8, 16] })
})

test("a line that is none, or that no day fulfils, is refused with its fault", () => {
  const fault = (line: string) => {
    try {
      return parseCron(line)
    } catch (error) {
      return (error as BadCron).message
    }
  }
  expect(fault("0 0 31 2 *")).toBe('The cron line "0 0 31 2 *" names a day that never comes.')
  expect(fault("0 0 31 4,6,9,11 *")).toBe('The cron line "0 0 31 4,6,9,11 *" names a day that never comes.')
  expect(fault("0 6 * *")).toBe('The cron line "0 6 * *" has 4 fields instead of 5.')
  expect(fault("@daily")).toBe('The cron line "@daily" has 1 fields instead of 5.')
  expect(fault("0 0 6 * * *")).toBe('The cron line "0 0 6 * * *" has 6 fields instead of 5.')
  expect(fault("60 6 * * *")).toBe('The cron line "60 6 * * *" has no minute "60".')
  expect(fault("0 24 * * *")).toBe('The cron line "0 24 * * *" has no hour "24".')
  expect(fault("H 6 * * *")).toBe('The cron line "H 6 * * *" has no minute "H".')
  expect(fault("0 6 L * *")).toBe('The cron line "0 6 L * *" has no day of month "L".')
  expect(fault("*/0 6 * * *")).toBe('The cron line "*/0 6 * * *" has no minute "*/0".')
  expect(fault("0 6 * * 5-1")).toBe('The cron line "0 6 * * 5-1" has no weekday "5-1".')
  expect(fault("0 6 * * 1,")).toBe('The cron line "0 6 * * 1," has no weekday "".')
})

test("an unknown zone is refused", () => {
  expect(() => ticks("0 6 * * *", "Europe/Atlantis", "2026-01-01T00:00:00Z")).toThrow(
    new RangeError('There is no time zone "Europe/Atlantis"'),
  )
})

// Each row: what the clocks do, a cron line, the instant before, and the ticks that are to come.
const changes: readonly [string, string, string, string, readonly string[]][] = [
  [
    "Berlin skips 02:00 to 03:00",
    "Europe/Berlin",
    "30 2 * * *",
    "2026-03-28T00:00:00Z",
    [
      "2026-03-28T01:30Z 2026-03-28 02:30",
      "2026-03-29T01:00Z 2026-03-29 02:30 skipped",
      "2026-03-30T00:30Z 2026-03-30 02:30",
    ],
  ],
  [
    "Berlin repeats 02:00 to 03:00",
    "Europe/Berlin",
    "30 2 * * *",
    "2026-10-24T12:00:00Z",
    ["2026-10-25T00:30Z 2026-10-25 02:30 repeated", "2026-10-26T01:30Z 2026-10-26 02:30"],
  ],
  [
    "Berlin's morning moves with the clocks",
    "Europe/Berlin",
    "0 6 * * *",
    "2026-03-28T00:00:00Z",
    ["2026-03-28T05:00Z 2026-03-28 06:00", "2026-03-29T04:00Z 2026-03-29 06:00"],
  ],
  [
    "Cairo skips its midnight, and the day begins at 01:00",
    "Africa/Cairo",
    "0 0 * * *",
    "2026-04-22T12:00:00Z",
    [
      "2026-04-22T22:00Z 2026-04-23 00:00",
      "2026-04-23T22:00Z 2026-04-24 00:00 skipped",
      "2026-04-24T21:00Z 2026-04-25 00:00",
    ],
  ],
  [
    "Cairo repeats the last hour of a day",
    "Africa/Cairo",
    "30 23 * * *",
    "2026-10-29T12:00:00Z",
    ["2026-10-29T20:30Z 2026-10-29 23:30 repeated", "2026-10-30T21:30Z 2026-10-30 23:30"],
  ],
  [
    "Santiago skips its midnight",
    "America/Santiago",
    "0 0 * * *",
    "2026-09-05T12:00:00Z",
    ["2026-09-06T04:00Z 2026-09-06 00:00 skipped", "2026-09-07T03:00Z 2026-09-07 00:00"],
  ],
  [
    "Santiago repeats the last hour of a day",
    "America/Santiago",
    "0 23 * * *",
    "2026-04-04T12:00:00Z",
    ["2026-04-05T02:00Z 2026-04-04 23:00 repeated", "2026-04-06T03:00Z 2026-04-05 23:00"],
  ],
  [
    "Beirut skips its midnight",
    "Asia/Beirut",
    "0 0 * * *",
    "2026-03-28T12:00:00Z",
    ["2026-03-28T22:00Z 2026-03-29 00:00 skipped", "2026-03-29T21:00Z 2026-03-30 00:00"],
  ],
  [
    "Beirut repeats the last hour of a day, and midnight comes once",
    "Asia/Beirut",
    "0 0 * * *",
    "2026-10-24T12:00:00Z",
    ["2026-10-24T22:00Z 2026-10-25 00:00", "2026-10-25T22:00Z 2026-10-26 00:00"],
  ],
  [
    "Havana skips its midnight",
    "America/Havana",
    "0 0 * * *",
    "2026-03-07T12:00:00Z",
    ["2026-03-08T05:00Z 2026-03-08 00:00 skipped", "2026-03-09T04:00Z 2026-03-09 00:00"],
  ],
  [
    "Havana repeats its midnight",
    "America/Havana",
    "0 0 * * *",
    "2025-11-01T12:00:00Z",
    ["2025-11-02T04:00Z 2025-11-02 00:00 repeated", "2025-11-03T05:00Z 2025-11-03 00:00"],
  ],
  [
    "Lord Howe skips half an hour",
    "Australia/Lord_Howe",
    "15 2 * * *",
    "2026-10-03T00:00:00Z",
    ["2026-10-03T15:30Z 2026-10-04 02:15 skipped", "2026-10-04T15:15Z 2026-10-05 02:15"],
  ],
  [
    "Lord Howe repeats half an hour",
    "Australia/Lord_Howe",
    "45 1 * * *",
    "2026-04-04T00:00:00Z",
    ["2026-04-04T14:45Z 2026-04-05 01:45 repeated", "2026-04-05T15:15Z 2026-04-06 01:45"],
  ],
  [
    "Apia skips a whole day",
    "Pacific/Apia",
    "0 6 * * *",
    "2011-12-29T00:00:00Z",
    [
      "2011-12-29T16:00Z 2011-12-29 06:00",
      "2011-12-30T10:00Z 2011-12-30 06:00 skipped",
      "2011-12-30T16:00Z 2011-12-31 06:00",
    ],
  ],
  [
    "several ticks in one gap are one",
    "Europe/Berlin",
    "*/20 2-3 * * *",
    "2026-03-29T00:00:00Z",
    ["2026-03-29T01:00Z 2026-03-29 03:00", "2026-03-29T01:20Z 2026-03-29 03:20"],
  ],
  [
    "a job of each hour ticks in each hour that passes, at a gap",
    "Europe/Berlin",
    "0 * * * *",
    "2026-03-28T23:30:00Z",
    ["2026-03-29T00:00Z 2026-03-29 01:00", "2026-03-29T01:00Z 2026-03-29 03:00", "2026-03-29T02:00Z 2026-03-29 04:00"],
  ],
  [
    "a job of each hour ticks in each hour that passes, at a repetition",
    "Europe/Berlin",
    "0 * * * *",
    "2026-10-24T23:30:00Z",
    [
      "2026-10-25T00:00Z 2026-10-25 02:00 repeated",
      "2026-10-25T01:00Z 2026-10-25 02:00 again",
      "2026-10-25T02:00Z 2026-10-25 03:00",
    ],
  ],
  [
    "a job of each hour has the tick of a skipped hour at the end of half an hour's gap",
    "Australia/Lord_Howe",
    "0 * * * *",
    "2026-10-03T14:00:00Z",
    [
      "2026-10-03T14:30Z 2026-10-04 01:00",
      "2026-10-03T15:30Z 2026-10-04 02:00 skipped",
      "2026-10-03T16:00Z 2026-10-04 03:00",
    ],
  ],
]

describe("where the clocks change", () => {
  for (const [name, zone, cron, after, expected] of changes)
    test(name, () => expect(ticks(cron, zone, after, expected.length)).toEqual([...expected]))
})

test("every day of ten years has its tick once, in each of these zones, at each half hour of the day", () => {
  const [from, until] = [Date.parse("2020-01-01T12:00:00Z"), Date.parse("2030-01-01T12:00:00Z")]
  const days = Math.round((until - from) / 86_400_000)
  for (const zone of ["Africa/Cairo", "America/Santiago", "Asia/Beirut", "America/Havana", "Australia/Lord_Howe"])
    for (let half = 0; half < 48; half++) {
      const cron = parseCron(`${(half % 2) * 30} ${Math.floor(half / 2)} * * *`)
      const found = ticksBetween(cron, zone, from, until)
      expect(new Set(found.map(({ localDate }) => localDate)).size).toBe(found.length)
      expect(Math.abs(found.length - days)).toBeLessThanOrEqual(1)
      expect(found.every(({ at }, nth) => nth === 0 || at > (found[nth - 1]?.at ?? 0))).toBe(true)
    }
})
