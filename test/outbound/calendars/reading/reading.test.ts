// Events of calendars outside, read in a child process: when they make busy. The table holds the inputs on which
// readers of iCalendar are known to disagree. What cannot be read is refused aloud, and makes nobody busy.

import { describe, expect, test } from "bun:test"
import { isZone } from "#base/zones/zone-data.ts"
import { readCalendarEvents } from "#outbound/calendars/reading/reading.ts"
import { windowsZones } from "#outbound/calendars/reading/windows-zones.ts"
import { eventText } from "#test/harness/club/calendars.ts"

const berlin = "Europe/Berlin"
const from = Date.parse("2026-01-01T00:00:00Z")
const until = Date.parse("2027-01-01T00:00:00Z")

async function read(text: string, over: { from?: number; until?: number; timezone?: string } = {}) {
  const [found] = await readCalendarEvents("test", { texts: [text], from, until, timezone: berlin, ...over })
  if (found === undefined) throw new Error("nothing was read")
  return found
}
const lines = (...each: string[]) => eventText("event", each)
const starts = async (text: string, over = {}) =>
  (await read(text, over)).busy.map(({ start }) => new Date(start).toISOString().slice(0, 16))
const spans = async (text: string) =>
  (await read(text)).busy.map(({ start, end }) => [start, end].map((at) => new Date(at).toISOString().slice(0, 16)))

describe("single events", () => {
  test.each<[string, string[], string[][]]>([
    ["in UTC", ["DTSTART:20260310T090000Z", "DTEND:20260310T100000Z"], [["2026-03-10T09:00", "2026-03-10T10:00"]]],
    [
      "in a named zone",
      ["DTSTART;TZID=America/New_York:20260310T090000", "DTEND;TZID=America/New_York:20260310T100000"],
      [["2026-03-10T13:00", "2026-03-10T14:00"]],
    ],
    [
      "in a zone of Windows without a VTIMEZONE",
      ["DTSTART;TZID=W. Europe Standard Time:20260710T090000", "DURATION:PT30M"],
      [["2026-07-10T07:00", "2026-07-10T07:30"]],
    ],
    [
      "in a zone with a path before its name",
      ["DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Kiev:20260710T090000", "DURATION:PT1H"],
      [["2026-07-10T06:00", "2026-07-10T07:00"]],
    ],
    [
      "without a zone, at the club",
      ["DTSTART:20260710T090000", "DURATION:PT1H"],
      [["2026-07-10T07:00", "2026-07-10T08:00"]],
    ],
    ["a whole day of the club", ["DTSTART;VALUE=DATE:20260710"], [["2026-07-09T22:00", "2026-07-10T22:00"]]],
    [
      "a whole day that ends on the day it begins",
      ["DTSTART;VALUE=DATE:20260710", "DTEND;VALUE=DATE:20260710"],
      [["2026-07-09T22:00", "2026-07-10T22:00"]],
    ],
    [
      "a day of 23 hours",
      ["DTSTART;VALUE=DATE:20260329", "DTEND;VALUE=DATE:20260330"],
      [["2026-03-28T23:00", "2026-03-29T22:00"]],
    ],
    [
      "at the second 02:30, which is the first one",
      [`DTSTART;TZID=${berlin}:20261025T023000`, "DURATION:PT1H"],
      [["2026-10-25T00:30", "2026-10-25T01:30"]],
    ],
    [
      "in the hour that the clocks skip",
      [`DTSTART;TZID=${berlin}:20260329T023000`, "DURATION:PT1H"],
      [["2026-03-29T01:30", "2026-03-29T02:30"]],
    ],
    ["free time", ["DTSTART:20260310T090000Z", "DTEND:20260310T100000Z", "TRANSP:TRANSPARENT"], []],
    ["called off", ["DTSTART:20260310T090000Z", "DTEND:20260310T100000Z", "STATUS:CANCELLED"], []],
    ["a point in time", ["DTSTART:20260310T090000Z"], []],
    ["over before the wanted time", ["DTSTART:20250310T090000Z", "DURATION:PT1H"], []],
  ])("%s", async (_, given, expected) => {
    expect(await spans(lines(...given))).toEqual(expected)
  })
})

describe("series", () => {
  test("keep their wall time over a change of the clocks", async () => {
    const text = lines(`DTSTART;TZID=${berlin}:20260322T180000`, "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=3")
    expect(await starts(text)).toEqual(["2026-03-22T17:00", "2026-03-29T16:00", "2026-04-05T16:00"])
  })

  test("in UTC stay in UTC", async () => {
    const text = lines("DTSTART:20260322T170000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=3")
    expect(await starts(text)).toEqual(["2026-03-22T17:00", "2026-03-29T17:00", "2026-04-05T17:00"])
  })

  test("of the 31st skip the months without one", async () => {
    const text = lines("DTSTART:20260131T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;COUNT=3")
    expect(await starts(text)).toEqual(["2026-01-31T09:00", "2026-03-31T09:00", "2026-05-31T09:00"])
  })

  test("of the last Friday keep their time, also with parts before FREQ", async () => {
    const text = lines("DTSTART:20260130T090000Z", "DURATION:PT1H", "RRULE:BYDAY=-1FR;COUNT=3;FREQ=MONTHLY")
    expect(await starts(text)).toEqual(["2026-01-30T09:00", "2026-02-27T09:00", "2026-03-27T09:00"])
  })

  test("by set position", async () => {
    const text = lines(
      "DTSTART:20260105T090000Z",
      "DURATION:PT1H",
      "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2",
    )
    // The first occurrence is DTSTART itself.
    expect(await starts(text)).toEqual(["2026-01-05T09:00", "2026-01-30T09:00", "2026-02-27T09:00"])
  })

  test("end by UNTIL in UTC, as an instant", async () => {
    const text = lines(
      `DTSTART;TZID=${berlin}:20260701T180000`,
      "DURATION:PT1H",
      "RRULE:FREQ=DAILY;UNTIL=20260703T160000Z",
    )
    expect(await starts(text)).toEqual(["2026-07-01T16:00", "2026-07-02T16:00", "2026-07-03T16:00"])
  })

  test("take in an RDATE in UTC at its instant, also within the hour that the zone repeats", async () => {
    const series = (rdate: string) =>
      lines(`DTSTART;TZID=${berlin}:20261001T180000`, `DTEND;TZID=${berlin}:20261001T183000`, rdate)
    const first = ["2026-10-01T16:00", "2026-10-01T16:30"]
    expect(await spans(series("RDATE:20261025T013000Z"))).toEqual([first, ["2026-10-25T01:30", "2026-10-25T02:00"]])
    expect(await spans(series("RDATE:20261025T003000Z,20261025T013000Z"))).toEqual([
      first,
      ["2026-10-25T00:30", "2026-10-25T01:00"],
      ["2026-10-25T01:30", "2026-10-25T02:00"],
    ])
    expect(await spans(series("RDATE:20261001T160000Z"))).toEqual([first])
  })

  test("leave out EXDATE, in UTC, in the zone and as a day, and take in RDATE", async () => {
    const text = lines(
      `DTSTART;TZID=${berlin}:20260701T180000`,
      "DURATION:PT1H",
      "RRULE:FREQ=DAILY;COUNT=5",
      "EXDATE:20260702T160000Z",
      `EXDATE;TZID=${berlin}:20260703T180000`,
      "EXDATE;VALUE=DATE:20260704",
      `RDATE;TZID=${berlin}:20260710T200000`,
    )
    expect(await starts(text)).toEqual(["2026-07-01T16:00", "2026-07-05T16:00", "2026-07-10T18:00"])
  })

  test("with a moved and a cancelled occurrence", async () => {
    const text = lines(`DTSTART;TZID=${berlin}:20260701T180000`, "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3").replace(
      "END:VCALENDAR",
      [
        "BEGIN:VEVENT",
        "UID:event",
        "RECURRENCE-ID:20260702T160000Z",
        "DTSTART:20260702T080000Z",
        "DTEND:20260702T090000Z",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:event",
        `RECURRENCE-ID;TZID=${berlin}:20260703T180000`,
        `DTSTART;TZID=${berlin}:20260703T180000`,
        "STATUS:CANCELLED",
        "END:VEVENT",
        "END:VCALENDAR",
      ].join("\r\n"),
    )
    expect(await starts(text)).toEqual(["2026-07-01T16:00", "2026-07-02T08:00"])
  })

  test("without an end fill the wanted time, and are read again", async () => {
    const read1 = await read(lines("DTSTART:20000101T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"))
    expect([read1.busy.length, read1.recurs, read1.fault]).toEqual([365, true, null])
  })

  test("with a period of another length", async () => {
    const more = "RDATE;VALUE=PERIOD:20260702T090000Z/PT3H,20260703T090000Z/20260703T093000Z"
    expect(await spans(lines("DTSTART:20260701T090000Z", "DURATION:PT1H", more))).toEqual([
      ["2026-07-01T09:00", "2026-07-01T10:00"],
      ["2026-07-02T09:00", "2026-07-02T12:00"],
      ["2026-07-03T09:00", "2026-07-03T09:30"],
    ])
  })

  test("and single events beyond the wanted time are read again when it has come nearer", async () => {
    const far = (...each: string[]) =>
      read(lines(...each, "DURATION:PT1H")).then(({ busy, recurs }) => [busy.length, recurs])
    expect(await far("DTSTART:20270301T090000Z")).toEqual([0, true])
    expect(await far("DTSTART:20260301T090000Z")).toEqual([1, false])
    expect(await far("DTSTART:20250301T090000Z")).toEqual([0, false])
    expect(await far("DTSTART:20260301T090000Z", "RDATE:20280301T090000Z")).toEqual([1, true])
  })

  test("of a century go on", async () => {
    const text = lines("DTSTART:19300101T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY")
    expect((await read(text)).busy.length).toBe(365)
  })

  test("a zone of the event's own rules", async () => {
    const zone = [
      "BEGIN:VTIMEZONE",
      "TZID:Own",
      "BEGIN:STANDARD",
      "DTSTART:19700101T000000",
      "TZOFFSETFROM:+0330",
      "TZOFFSETTO:+0330",
      "END:STANDARD",
      "END:VTIMEZONE",
      "BEGIN:VEVENT",
    ].join("\r\n")
    const text = lines("DTSTART;TZID=Own:20260701T180000", "DURATION:PT1H").replace("BEGIN:VEVENT", zone)
    expect(await starts(text)).toEqual(["2026-07-01T14:30"])
  })
})

test("every zone of Windows has one of the project's own zone data", () => {
  const missing = Object.entries(windowsZones).filter(([, name]) => !isZone(name))
  expect(missing).toEqual([])
  expect(Object.keys(windowsZones).length).toBe(141)
})

describe("what cannot be read", () => {
  test.each<[string, string, RegExp]>([
    ["an unknown zone", lines("DTSTART;TZID=Nowhere:20260701T180000", "DURATION:PT1H"), /zone "Nowhere"/],
    ["a rule by seconds", lines("DTSTART:20260701T180000Z", "RRULE:FREQ=SECONDLY"), /repeats by SECONDLY/],
    ["a rule of another calendar", lines("DTSTART:20260701T180000Z", "RRULE:RSCALE=CHINESE;FREQ=YEARLY"), /RSCALE/],
    ["an EXRULE", lines("DTSTART:20260701T180000Z", "RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY"), /EXRULE/],
    [
      "a change of all occurrences from one on",
      lines(
        "DTSTART:20260701T180000Z",
        "DURATION:PT1H",
        "RRULE:FREQ=DAILY",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:event",
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20260703T180000Z",
        "DTSTART:20260703T200000Z",
        "DURATION:PT1H",
      ),
      /RANGE/,
    ],
    ["a month 13", lines("DTSTART:20261301T180000Z", "DURATION:PT1H"), /no time of the calendar/],
    ["a 30 February", lines("DTSTART;VALUE=DATE:20260230"), /no time of the calendar/],
    ["an hour 25", lines("DTSTART;TZID=Europe/Berlin:20260201T250000", "DURATION:PT1H"), /no time of the calendar/],
    [
      "an occurrence that is left out on no day",
      lines(
        "DTSTART:20260201T090000Z",
        "DURATION:PT1H",
        "RRULE:FREQ=DAILY",
        "EXDATE:20260202T090000Z,20260230T090000Z",
      ),
      /EXDATE is no time/,
    ],
    ["an end before the start", lines("DTSTART:20260701T180000Z", "DTEND:20260701T170000Z"), /ends before it begins/],
    ["a length below nothing", lines("DTSTART:20260701T180000Z", "DURATION:-PT1H"), /ends before it begins/],
    ["no calendar at all", "<html>Sign in</html>", /no valid event/],
    ["an event without a start", lines("DTEND:20260701T180000Z"), /no readable DTSTART/],
    ["a rule without a frequency", lines("DTSTART:20260701T180000Z", "RRULE:COUNT=3"), /./],
  ])("%s is refused aloud", async (_, text, fault) => {
    const found = await read(text)
    expect(found.fault).toMatch(fault)
    expect(found.busy).toEqual([])
  })

  test("but a mark of the byte order before the text can", async () => {
    expect((await read(`\ufeff${lines("DTSTART:20260701T180000Z", "DURATION:PT1H")}`)).fault).toBeNull()
  })

  test("is cut where calendars end: busy since ever, and for ever", async () => {
    const { busy, fault } = await read(lines("DTSTART:00010101T090000Z", "DURATION:P9999999W"))
    expect(fault).toBeNull()
    expect(busy).toEqual([{ start: 0, end: Date.UTC(2200, 0, 1) }])
    const longest = lines("DTSTART:20260701T180000Z", "DURATION:P999999999999999W")
    expect((await read(longest)).fault).toMatch(/Invalid Date/)
  })

  test("does not keep the events beside it from being read", async () => {
    const good = lines("DTSTART:20260310T090000Z", "DTEND:20260310T100000Z")
    const texts = [good, "BEGIN:VCALENDAR", good]
    const found = await readCalendarEvents("test", { texts, from, until, timezone: berlin })
    expect(found.map(({ busy }) => busy.length)).toEqual([1, 0, 1])
  })

  test("is bounded: a rule that names no day, and one with a thousand parts", async () => {
    const never = lines("DTSTART:20260101T090000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    expect((await read(never)).busy.length).toBeLessThanOrEqual(1)
    const long = lines("DTSTART:20260101T090000Z", `RRULE:FREQ=DAILY;BYMONTHDAY=${Array(1_000).fill(1).join(",")}`)
    expect((await read(long)).fault).toMatch(/characters/)
  })
})
