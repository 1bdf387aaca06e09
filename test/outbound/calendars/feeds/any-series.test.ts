// Any series, with any of its bookings missing, cancelled or moved, is read back as its bookings and no others.

import { expect, test } from "bun:test"
import fc from "fast-check"
import { occurrencesOf } from "#domain/booking/series/occurrences.ts"
import { ruleOf } from "#domain/booking/series/rule.ts"
import type { FeedBooking } from "#outbound/calendars/feeds/bookings.ts"
import { feedText } from "#outbound/calendars/feeds/write.ts"
import { readWithIcalJs } from "#test/harness/outbound/calendar-readers.ts"

const zones = [
  ...["Europe/Berlin", "America/New_York", "America/Vancouver", "Australia/Lord_Howe", "Africa/Casablanca"],
  ...["Africa/Cairo", "America/Santiago", "Asia/Kathmandu", "Pacific/Auckland", "UTC"],
]
const rules = [
  ...["FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;WKST=SU"],
  ...["FREQ=WEEKLY;COUNT=9", "FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=2TU,-1FR", "FREQ=MONTHLY;BYMONTHDAY=31,-1"],
]
const two = (value: number) => String(value).padStart(2, "0")

test("a series of any rule, zone and time", () => {
  let recurring = 0
  const madeAt = new Date("2026-01-01T00:00:00Z")
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.constantFrom(...rules),
      fc.record({ day: fc.integer({ min: 1, max: 31 }), hour: fc.integer({ min: 0, max: 23 }), half: fc.boolean() }),
      fc.integer({ min: 30, max: 600 }),
      fc.array(fc.constantFrom("plain", "plain", "plain", "plain", "missing", "cancelled", "moved"), { minLength: 7 }),
      (timezone, rule, { day, hour, half }, durationMinutes, fates) => {
        const startDate = `2026-01-${two(day)}`
        const pattern = {
          rule: ruleOf(rule),
          startDate,
          startTime: `${two(hour)}:${half ? "30" : "00"}`,
          durationMinutes,
        }
        const bookings = occurrencesOf(pattern, timezone, startDate, "2026-12-31").flatMap(
          ({ on, start, end }, nth): FeedBooking[] => {
            const fate = fates[nth % fates.length]
            if (fate === "missing") return []
            const by = fate === "moved" ? 5_400_000 : 0
            return [
              {
                id: `booking-${on}`,
                status: fate === "cancelled" ? "cancelled" : "confirmed",
                start_at: new Date(start + by),
                end_at: new Date(end + by),
                ...{ title: null, resource_name: "Court 1", booker_name: "Mia Keller" },
                ...{ changed_at: madeAt, updated_at: madeAt, recurring_booking_id: "series", occurs_on: on },
              },
            ]
          },
        )
        const club = { facilityName: "Parkside", timezone, resourceName: null, showsNames: false }
        const text = feedText({ ...club, bookings, patterns: new Map([["series", pattern]]) })
        if (text.includes("RRULE:")) recurring++
        const found = readWithIcalJs(text, new Date("2025-12-01T00:00:00Z"), new Date("2027-03-01T00:00:00Z"))
        const told = ({ start, end, status }: { start: string; end: string; status: string }) =>
          `${start} ${end} ${status}`
        const iso = (date: Date) => date.toISOString().replace(".000", "")
        const expected = bookings.map(({ start_at, end_at, status }) =>
          told({ start: iso(start_at), end: iso(end_at), status: status.toUpperCase() }),
        )
        expect(found.map(told).toSorted()).toEqual(expected.toSorted())
      },
    ),
    { numRuns: 150, seed: 20_261_130 },
  )
  // Otherwise the runs would say nothing about rules.
  expect(recurring).toBeGreaterThan(30)
})
