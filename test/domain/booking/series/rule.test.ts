// Recurrence rules without a database: accepted rules, refused rules with reasons, and the days of a rule.

import { describe, expect, test } from "bun:test"
import { occurrencesOf, type Pattern } from "#domain/booking/series/occurrences.ts"
import { parseRule, ruleOf } from "#domain/booking/series/rule.ts"
import { extendAt, firstWindow } from "#domain/booking/series/window.ts"

const faultOf = (text: string) => {
  const rule = parseRule(text)
  return "fault" in rule ? rule.fault : undefined
}
const pattern = (rule: string, startDate: string, startTime = "18:00", durationMinutes = 60): Pattern => ({
  rule: ruleOf(rule),
  startDate,
  startTime,
  durationMinutes,
})
const days = (rule: string, startDate: string, to: string, from = startDate, timezone = "Europe/Berlin") =>
  occurrencesOf(pattern(rule, startDate), timezone, from, to).map(({ on }) => on)

describe("a rule", () => {
  test.each([
    ["INTERVAL=1", "must have FREQ=DAILY, WEEKLY or MONTHLY"],
    ["FREQ=YEARLY", "must have FREQ=DAILY, WEEKLY or MONTHLY"],
    ["FREQ=DAILY;BYHOUR=3", "has BYHOUR, which is not supported"],
    ["FREQ=DAILY;FREQ=WEEKLY", "has FREQ twice"],
    ["FREQ=DAILY;", 'must be parts such as FREQ=WEEKLY, not ""'],
    ["FREQ=DAILY;INTERVAL=0", "must have an INTERVAL from 1 to 52"],
    ["FREQ=DAILY;COUNT=367", "must have a COUNT from 1 to 366"],
    ["FREQ=DAILY;COUNT=2;UNTIL=20260301", "has both COUNT and UNTIL"],
    ["FREQ=DAILY;UNTIL=20260230", "must have an UNTIL such as 20261231"],
    ["FREQ=DAILY;UNTIL=20260301T990000Z", "must have an UNTIL such as 20261231"],
    ["FREQ=WEEKLY;BYDAY=2TU", "must have BYDAY such as TU,TH"],
    ["FREQ=WEEKLY;BYDAY=TU,TU", "must have BYDAY such as TU,TH"],
    ["FREQ=MONTHLY;BYDAY=6TU", "must have BYDAY such as 2TU,-1FR"],
    ["FREQ=WEEKLY;BYMONTHDAY=3", "may have BYMONTHDAY only with FREQ=MONTHLY"],
    ["FREQ=MONTHLY;BYMONTHDAY=0", "must have BYMONTHDAY from 1 to 31"],
    ["FREQ=DAILY;WKST=XX", "must have a WKST such as MO"],
  ])("%s: it %s", (text, fault) => {
    expect(faultOf(text)).toStartWith(fault)
  })

  test("names its days, from any day on, in step with its start", () => {
    expect(days("rrule:freq=weekly;byday=tu,th", "2026-03-04", "2026-03-17")).toEqual([
      "2026-03-05",
      "2026-03-10",
      "2026-03-12",
      "2026-03-17",
    ])
    expect(days("FREQ=WEEKLY;INTERVAL=2", "2026-03-05", "2026-05-01", "2026-03-20")).toEqual([
      "2026-04-02",
      "2026-04-16",
      "2026-04-30",
    ])
    expect(days("FREQ=DAILY;INTERVAL=3;COUNT=4", "2026-03-01", "2026-12-31", "2026-03-05")).toEqual([
      "2026-03-07",
      "2026-03-10",
    ])
    expect(days("FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20260529", "2026-03-01", "2026-12-31")).toEqual([
      "2026-03-27",
      "2026-04-24",
      "2026-05-29",
    ])
    expect(days("FREQ=MONTHLY", "2026-01-31", "2026-06-01")).toEqual(["2026-01-31", "2026-03-31", "2026-05-31"])
    expect(days("FREQ=DAILY;UNTIL=20260302T165959Z", "2026-03-01", "2026-12-31")).toEqual(["2026-03-01"])
    expect(days("FREQ=DAILY;UNTIL=20260302T170000Z", "2026-03-01", "2026-12-31")).toEqual(["2026-03-01", "2026-03-02"])
    expect(days("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31", "2026-02-01", "2030-12-31")).toEqual([])
  })

  test("a local day that the zone skipped is left out and does not count", () => {
    const skipped = days("FREQ=DAILY;COUNT=3", "2011-12-29", "2012-01-31", "2011-12-29", "Pacific/Apia")
    expect(skipped).toEqual(["2011-12-29", "2011-12-31", "2012-01-01"])
  })

  test("a skipped hour moves forward, and a repeated hour is its first reading", () => {
    const at = (startTime: string, on: string) =>
      occurrencesOf(pattern("FREQ=DAILY", on, startTime), "Europe/Berlin", on, on).map(({ start }) =>
        new Date(start).toISOString(),
      )
    expect(at("02:30", "2026-03-29")).toEqual(["2026-03-29T01:30:00.000Z"])
    expect(at("02:30", "2026-10-25")).toEqual(["2026-10-25T00:30:00.000Z"])
  })
})

describe("the window", () => {
  const now = Date.parse("2026-03-10T12:00:00Z")
  const look = (rule: string, until: string, windowDays = 7) =>
    extendAt(pattern(rule, "2026-03-10"), "Europe/Berlin", { windowDays, until, now })?.toISOString()

  test("begins today or with the series, and moves on at the local midnight", () => {
    const first = firstWindow(pattern("FREQ=DAILY", "2026-03-10"), "Europe/Berlin", 7, now)
    expect([first.occurrences.length, first.until]).toEqual([8, "2026-03-17"])
    expect(firstWindow(pattern("FREQ=DAILY", "2026-06-01"), "Europe/Berlin", 7, now).until).toBe("2026-06-08")
    expect(look("FREQ=DAILY", "2026-03-17")).toBe("2026-03-10T23:00:00.000Z")
    expect(look("FREQ=DAILY", "2026-06-08")).toBe("2026-06-01T22:00:00.000Z")
    // An occurrence beyond its booker's booking limit waits a day.
    expect(look("FREQ=DAILY", "2026-03-12")).toBe("2026-03-10T23:00:00.000Z")
  })

  test("ends with the rule", () => {
    expect(look("FREQ=DAILY;COUNT=8", "2026-03-17")).toBeUndefined()
    expect(look("FREQ=DAILY;COUNT=9", "2026-03-17")).toBeString()
    expect(look("FREQ=DAILY;UNTIL=20260317", "2026-03-17")).toBeUndefined()
    expect(look("FREQ=DAILY;UNTIL=20260318", "2026-03-17")).toBeString()
    expect(look("FREQ=DAILY;UNTIL=20260317T220000Z", "2026-03-17")).toBeUndefined()
    expect(look("FREQ=DAILY;UNTIL=20260317T233000Z", "2026-03-17")).toBeString()
  })
})
