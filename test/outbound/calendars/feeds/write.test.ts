// The text of a calendar feed, line by line, and as three readers of other people read it.

import { describe, expect, test } from "bun:test"
import { occurrencesOf, type Pattern } from "#domain/booking/series/occurrences.ts"
import { ruleOf } from "#domain/booking/series/rule.ts"
import type { FeedBooking } from "#outbound/calendars/feeds/bookings.ts"
import { feedText } from "#outbound/calendars/feeds/write.ts"
import { readWithIcalJs, readWithNodeIcal, readWithTsIcs } from "#test/harness/outbound/calendar-readers.ts"

const made = new Date("2026-03-01T10:00:00Z")
let made1 = 0
const booking = (start: string, end: string, more: Partial<FeedBooking> = {}): FeedBooking => ({
  id: `booking-${String(++made1).padStart(4, "0")}`,
  status: "confirmed",
  start_at: new Date(start),
  end_at: new Date(end),
  title: null,
  resource_name: "Court 1",
  booker_name: "Mia Keller",
  changed_at: made,
  updated_at: made,
  recurring_booking_id: null,
  occurs_on: null,
  ...more,
})
const club = { facilityName: "Parkside Tennis", timezone: "Europe/Berlin", resourceName: null, showsNames: false }
const textOf = (bookings: FeedBooking[], patterns = new Map<string, Pattern>(), more: Partial<typeof club> = {}) =>
  feedText({ ...club, ...more, bookings, patterns })

interface Made {
  readonly pattern: Pattern
  readonly bookings: FeedBooking[]
}
function series(rule: string, startDate: string, startTime: string, until: string, timezone = club.timezone): Made {
  const pattern = { rule: ruleOf(rule), startDate, startTime, durationMinutes: 60 }
  const bookings = occurrencesOf(pattern, timezone, startDate, until).map(({ on, start, end }) =>
    booking(new Date(start).toISOString(), new Date(end).toISOString(), {
      recurring_booking_id: "series",
      occurs_on: on,
    }),
  )
  return { pattern, bookings }
}
const patterns = ({ pattern }: Made) => new Map([["series", pattern]])
const [from, to] = [new Date("2026-01-01T00:00:00Z"), new Date("2028-01-01T00:00:00Z")]
const times = (bookings: readonly { start: string; end: string }[]) =>
  bookings.map(({ start, end }) => `${start} ${end}`).sort()
const iso = (date: Date) => date.toISOString().replace(".000", "")
const expectedTimes = (bookings: readonly FeedBooking[]) =>
  times(bookings.map(({ start_at, end_at }) => ({ start: iso(start_at), end: iso(end_at) })))

test("a feed, line by line", () => {
  const cancelled = booking("2026-03-13T17:00:00Z", "2026-03-13T18:00:00Z", {
    id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e11",
    status: "cancelled",
    title: "Doubles; with Ben, maybe",
    changed_at: new Date("2026-03-02T10:00:00Z"),
    updated_at: new Date("2026-03-02T10:00:01Z"),
  })
  const one = booking("2026-03-12T17:00:00Z", "2026-03-12T18:00:00Z", { id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10" })
  expect(textOf([one, cancelled]).split("\r\n")).toEqual([
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//SlotBase//SlotBase//EN",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    "NAME:Parkside Tennis",
    "X-WR-CALNAME:Parkside Tennis",
    "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
    "X-PUBLISHED-TTL:PT15M",
    "BEGIN:VEVENT",
    "UID:01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10",
    "SEQUENCE:72359200",
    "DTSTAMP:20260301T100000Z",
    "DTSTART:20260312T170000Z",
    "DTEND:20260312T180000Z",
    "SUMMARY:Court 1",
    "LOCATION:Court 1\\, Parkside Tennis",
    "STATUS:CONFIRMED",
    "TRANSP:OPAQUE",
    "END:VEVENT",
    "BEGIN:VEVENT",
    "UID:01994a3e-7c00-7a10-8f3e-1c5d0a9b2e11",
    "SEQUENCE:72445600",
    "DTSTAMP:20260302T100001Z",
    "DTSTART:20260313T170000Z",
    "DTEND:20260313T180000Z",
    "SUMMARY:Doubles\\; with Ben\\, maybe",
    "LOCATION:Court 1\\, Parkside Tennis",
    "STATUS:CANCELLED",
    "TRANSP:TRANSPARENT",
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ])
})

test("a series has its zone with every change of the clocks, and what differs is single", () => {
  const weekly = series("FREQ=WEEKLY", "2026-03-17", "18:00", "2026-04-21")
  const [, second, third, ...rest] = weekly.bookings
  const [first] = weekly.bookings
  if (!first || !second || !third) throw new Error("too few")
  const moved = {
    ...second,
    id: "moved",
    start_at: new Date("2026-03-25T17:00:00Z"),
    end_at: new Date("2026-03-25T18:00:00Z"),
  }
  const lines = textOf([first, moved, ...rest], patterns(weekly)).split("\r\n")
  expect(lines.slice(9, 37)).toEqual([
    "BEGIN:VTIMEZONE",
    "TZID:Europe/Berlin",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0100",
    "TZOFFSETTO:+0100",
    "END:STANDARD",
    "BEGIN:DAYLIGHT",
    "DTSTART:20260329T020000",
    "TZOFFSETFROM:+0100",
    "TZOFFSETTO:+0200",
    "END:DAYLIGHT",
    "END:VTIMEZONE",
    "BEGIN:VEVENT",
    "UID:series",
    "SEQUENCE:72359200",
    "DTSTAMP:20260301T100000Z",
    "DTSTART;TZID=Europe/Berlin:20260317T180000",
    "DTEND;TZID=Europe/Berlin:20260317T190000",
    "RRULE:FREQ=WEEKLY;UNTIL=20260421T160000Z",
    "EXDATE;TZID=Europe/Berlin:20260324T180000",
    "EXDATE;TZID=Europe/Berlin:20260331T180000",
    "SUMMARY:Court 1",
    "LOCATION:Court 1\\, Parkside Tennis",
    "STATUS:CONFIRMED",
    "TRANSP:OPAQUE",
    "END:VEVENT",
    "BEGIN:VEVENT",
  ])
  expect(lines).toContain("UID:moved")
})

describe("read back, a feed gives the bookings and no others:", () => {
  const made: readonly (readonly [string, Made])[] = [
    ["every Tuesday over both changes of the clocks", series("FREQ=WEEKLY", "2026-01-06", "18:00", "2027-01-05")],
    [
      "every second week on two days",
      series("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "2026-02-03", "08:00", "2026-12-20"),
    ],
    [
      "every night at the hour that the clocks skip and repeat",
      series("FREQ=DAILY", "2026-03-20", "02:30", "2026-11-05"),
    ],
    ["on the 31st", series("FREQ=MONTHLY", "2026-01-31", "09:00", "2027-12-31")],
    ["on the last Friday", series("FREQ=MONTHLY;BYDAY=-1FR", "2026-01-30", "09:00", "2027-12-31")],
    [
      "ten times, in Vancouver, where the clocks change no more",
      series("FREQ=WEEKLY;COUNT=10", "2026-10-06", "18:00", "2027-12-31", "America/Vancouver"),
    ],
  ]
  const zoneOf = (name: string) => (name.includes("Vancouver") ? "America/Vancouver" : club.timezone)

  test.each(made)("ical.js, %s", (name, one) => {
    const text = textOf(one.bookings, patterns(one), { timezone: zoneOf(name) })
    expect(text.includes("RRULE:FREQ=")).toBe(!name.includes("skip and repeat"))
    expect(times(readWithIcalJs(text, from, to))).toEqual(expectedTimes(one.bookings))
  })

  test.each(made.filter(([name]) => !name.includes("Vancouver")))("node-ical, %s", (_, one) => {
    expect(times(readWithNodeIcal(textOf(one.bookings, patterns(one)), from, to))).toEqual(expectedTimes(one.bookings))
  })

  test("ts-ics, single bookings", () => {
    const one = series("FREQ=WEEKLY", "2026-01-06", "18:00", "2027-01-05")
    expect(times(readWithTsIcs(textOf(one.bookings), from, to))).toEqual(expectedTimes(one.bookings))
  })

  test("all three, with a booking that is cancelled, one that is missing and one that was moved", () => {
    const weekly = series("FREQ=WEEKLY", "2026-04-07", "18:00", "2026-09-29")
    const [one, two, three, ...rest] = weekly.bookings
    if (!one || !two || !three) throw new Error("too few")
    const moved = { ...three, start_at: new Date("2026-04-22T06:00:00Z"), end_at: new Date("2026-04-22T07:30:00Z") }
    const left = [{ ...one, status: "cancelled" as const }, moved, ...rest]
    const text = textOf(left, patterns(weekly))
    for (const read of [readWithIcalJs, readWithNodeIcal, readWithTsIcs]) {
      const found = read(text, from, to)
      expect(times(found)).toEqual(expectedTimes(left))
      expect(found.filter(({ status }) => status === "CANCELLED").map(({ start }) => start)).toEqual([
        "2026-04-07T16:00:00Z",
      ])
    }
  })
})

test("a series of a zone without a place, and one that was moved as a whole, are single events", () => {
  const fixed = series("FREQ=WEEKLY", "2026-04-07", "18:00", "2026-05-26", "+05:30")
  expect(textOf(fixed.bookings, patterns(fixed), { timezone: "+05:30" })).not.toContain("RRULE")
  const weekly = series("FREQ=WEEKLY", "2026-04-07", "18:00", "2026-05-26")
  const later = weekly.bookings.map((each) => ({ ...each, end_at: new Date(each.end_at.getTime() + 60_000) }))
  const text = textOf(later, patterns(weekly))
  expect(text).not.toContain("RRULE")
  expect(times(readWithIcalJs(text, from, to))).toEqual(expectedTimes(later))
})

test("a resource's feed names bookers only when it may, and the words of people end no line", () => {
  const hostile = booking("2026-03-12T17:00:00Z", "2026-03-12T18:00:00Z", {
    booker_name: "Mia\r\nBEGIN:VALARM\u2028x",
    title: "Club\nEND:VCALENDAR",
  })
  const resource = { resourceName: "Court 1" as unknown as null }
  expect(textOf([hostile], undefined, resource)).not.toContain("Mia")
  const named = textOf([{ ...hostile, title: null }], undefined, { ...resource, showsNames: true })
  expect(named).toContain("SUMMARY:Mia BEGIN:VALARM x\r\n")
  expect(textOf([hostile])).toContain("SUMMARY:Club END:VCALENDAR\r\n")
  expect(readWithIcalJs(textOf([hostile]), from, to)).toHaveLength(1)
})
