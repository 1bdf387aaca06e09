// Opening hours and the slots of local days, at midnights and on the days on which the clocks change.

import { describe, expect, test } from "bun:test"
import { InvalidInput } from "#base/errors.ts"
import { localDatesOf, spanOfDay, wallTimeOf } from "#base/local-days.ts"
import { decode } from "#base/schema/decode.ts"
import { isOpenDuring, OpeningHours, openSpans, slotSpans } from "#domain/club/opening-hours.ts"

const berlin = "Europe/Berlin"
const at = (text: string) => Date.parse(text)
const span = (start: string, end: string) => ({ start: at(start), end: at(end) })
const texts = (spans: readonly { start: number; end: number }[]) =>
  spans.map(
    ({ start, end }) => `${new Date(start).toISOString().slice(0, 16)}Z–${new Date(end).toISOString().slice(11, 16)}Z`,
  )

const faultsOf = (value: unknown) => {
  try {
    decode(OpeningHours, value, "body")
    return []
  } catch (error) {
    if (error instanceof InvalidInput) return error.faults
    throw error
  }
}

const bad: [unknown, string, string][] = [
  [
    { monday: [{ open: "10:00", close: "10:00" }] },
    "body.monday.0.close",
    `must be after open (10:00); a night goes on with the next day's "00:00"`,
  ],
  [
    { monday: [{ open: "22:00", close: "02:00" }] },
    "body.monday.0.close",
    `must be after open (22:00); a night goes on with the next day's "00:00"`,
  ],
  [
    {
      friday: [
        { open: "08:00", close: "12:00" },
        { open: "11:59", close: "18:00" },
      ],
    },
    "body.friday.1.open",
    "must not be before 12:00, where the interval before it closes",
  ],
  [
    {
      friday: [
        { open: "14:00", close: "18:00" },
        { open: "08:00", close: "12:00" },
      ],
    },
    "body.friday.1.open",
    "must not be before 18:00, where the interval before it closes",
  ],
  [{ friday: [{ open: "24:00", close: "24:00" }] }, "body.friday.0.open", 'Expected a time such as "07:30"'],
  [{ friday: [{ open: "7:00", close: "12:00" }] }, "body.friday.0.open", 'Expected a time such as "07:30"'],
  [
    { friday: [{ open: "07:00", close: "24:01" }] },
    "body.friday.0.close",
    'Expected a time such as "22:00", or "24:00"',
  ],
  [{ someday: [] }, "body.someday", "Expected no excess property"],
]
test.each(bad)("opening hours %j are refused at their place", (hours, path, message) => {
  expect(faultsOf(hours)).toEqual([{ path, message }])
})

test("intervals may touch, and a day may be closed", () => {
  expect(
    faultsOf({
      monday: [
        { open: "08:00", close: "12:00" },
        { open: "12:00", close: "24:00" },
      ],
      tuesday: [],
    }),
  ).toEqual([])
})

describe("slots of a local day", () => {
  test("an ordinary day has steps from the opening, and no remainder", () => {
    const hours = {
      monday: [
        { open: "07:00", close: "09:30" },
        { open: "20:00", close: "22:00" },
      ],
    }
    expect(texts(slotSpans(hours, berlin, "2026-03-02", 60))).toEqual([
      "2026-03-02T06:00Z–07:00Z",
      "2026-03-02T07:00Z–08:00Z",
      "2026-03-02T19:00Z–20:00Z",
      "2026-03-02T20:00Z–21:00Z",
    ])
    expect(slotSpans(hours, berlin, "2026-03-03", 60)).toEqual([])
  })

  test.each([
    ["2026-03-28", 24],
    ["2026-03-29", 23],
    ["2026-10-25", 25],
  ])("%s in Berlin has %d hours", (date, count) => {
    const slots = slotSpans({}, berlin, date, 60)
    expect(slots.length).toBe(count)
    expect(
      slots.every(({ start, end }, i) => end - start === 3_600_000 && start === (slots[i - 1]?.end ?? start)),
    ).toBe(true)
  })

  test("on the day of 23 hours the slot over the gap lasts an hour of elapsed time", () => {
    const hours = { sunday: [{ open: "01:00", close: "04:00" }] }
    expect(texts(slotSpans(hours, berlin, "2026-03-29", 60))).toEqual([
      "2026-03-29T00:00Z–01:00Z",
      "2026-03-29T01:00Z–02:00Z",
    ])
  })

  test("an opening in the skipped hour is the end of that hour, and the swallowed time is gone", () => {
    expect(texts(openSpans({ sunday: [{ open: "02:30", close: "06:00" }] }, berlin, "2026-03-29"))).toEqual([
      "2026-03-29T01:00Z–04:00Z",
    ])
    expect(openSpans({ sunday: [{ open: "02:30", close: "03:00" }] }, berlin, "2026-03-29")).toEqual([])
  })

  test("hours that end and hours that begin in one skipped hour never overlap", () => {
    const hours = {
      friday: [
        { open: "00:00", close: "00:30" },
        { open: "01:00", close: "03:00" },
      ],
    }
    // Cairo's clocks go from 00:00 to 01:00 that night.
    expect(texts(openSpans(hours, "Africa/Cairo", "2027-04-30"))).toEqual(["2027-04-29T22:00Z–00:00Z"])
    expect(texts(slotSpans(hours, "Africa/Cairo", "2027-04-30", 60))).toEqual([
      "2027-04-29T22:00Z–23:00Z",
      "2027-04-29T23:00Z–00:00Z",
    ])
    const late = {
      sunday: [
        { open: "02:15", close: "02:45" },
        { open: "02:50", close: "04:00" },
      ],
    }
    expect(texts(openSpans(late, berlin, "2026-03-29"))).toEqual(["2026-03-29T01:00Z–02:00Z"])
  })

  test("a day that is half an hour longer has the slots of every other day, the last one included", () => {
    // Lord Howe's clocks go from 02:00 back to 01:30: 02:00 there is 15:30Z.
    const slots = slotSpans({}, "Australia/Lord_Howe", "2027-04-04", 60)
    expect(slots).toHaveLength(24)
    expect(slots.slice(0, 3).map(({ start }) => wallTimeOf("Australia/Lord_Howe", start).slice(11))).toEqual([
      "00:00:00",
      "01:00:00",
      "02:00:00",
    ])
    expect(texts(slots.slice(-1))).toEqual(["2027-04-04T12:30Z–13:30Z"])
    expect(spanOfDay("Australia/Lord_Howe", "2027-04-04").end).toBe(at("2027-04-04T13:30Z"))
    const steps = slotSpans({}, "Australia/Lord_Howe", "2027-10-03", 60)
    expect(new Set(steps.map(({ start }) => wallTimeOf("Australia/Lord_Howe", start).slice(14)))).toEqual(
      new Set(["00:00"]),
    )
    expect(steps).toHaveLength(23)
  })

  test("slots of ninety minutes are at the same times of the clock after the hour that comes twice", () => {
    const starts = slotSpans({}, berlin, "2026-10-25", 90).map(({ start }) => wallTimeOf(berlin, start).slice(11, 16))
    const usual = slotSpans({}, berlin, "2026-10-26", 90).map(({ start }) => wallTimeOf(berlin, start).slice(11, 16))
    expect(starts).toEqual(usual)
  })

  test("an opening in the repeated hour is its first reading", () => {
    expect(texts(openSpans({ sunday: [{ open: "02:30", close: "04:00" }] }, berlin, "2026-10-25"))).toEqual([
      "2026-10-25T00:30Z–03:00Z",
    ])
  })
})

describe("open for a time span", () => {
  const hours = {
    friday: [{ open: "18:00", close: "24:00" }],
    saturday: [
      { open: "00:00", close: "02:00" },
      { open: "10:00", close: "12:00" },
      { open: "12:00", close: "14:00" },
    ],
  }
  // Friday 6 March 2026; Berlin is an hour ahead of UTC.
  test.each([
    ["2026-03-06T17:00Z", "2026-03-06T18:00Z", true, "the first hour"],
    ["2026-03-06T16:59Z", "2026-03-06T18:00Z", false, "a minute before the opening"],
    ["2026-03-06T22:00Z", "2026-03-07T00:30Z", true, "over midnight, where both days meet"],
    ["2026-03-06T22:00Z", "2026-03-07T01:01Z", false, "over midnight and beyond the closing"],
    ["2026-03-07T09:00Z", "2026-03-07T13:00Z", true, "over two intervals that touch"],
    ["2026-03-07T00:00Z", "2026-03-07T10:00Z", false, "over the hours between two intervals"],
    ["2026-03-08T10:00Z", "2026-03-08T11:00Z", false, "on a day that is not named"],
  ])("%s to %s: %p (%s)", (start, end, open) => {
    expect(isOpenDuring(hours, berlin, span(start, end))).toBe(open)
  })

  test("a facility without any hours sets no limit", () => {
    expect(isOpenDuring({}, berlin, span("2026-03-28T20:00Z", "2026-03-29T20:00Z"))).toBe(true)
  })
})

test("a time span that ends at midnight does not touch the next day", () => {
  expect(localDatesOf(berlin, span("2026-03-06T22:00Z", "2026-03-06T23:00Z"))).toEqual(["2026-03-06"])
  expect(localDatesOf(berlin, span("2026-03-06T22:00Z", "2026-03-06T23:01Z"))).toEqual(["2026-03-06", "2026-03-07"])
})
