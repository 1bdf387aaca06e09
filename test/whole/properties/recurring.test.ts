// Recurring bookings over all IANA zones: a weekly 18:00 stays at 18:00 on both sides of every clock change.
// Occurrences strictly increase, even when a zone changes its calendar.

import { expect, setDefaultTimeout, test } from "bun:test"
import fc from "fast-check"
import { localDateOf } from "#base/local-days.ts"
import { occurrencesOf } from "#domain/booking/series/occurrences.ts"
import { ruleOf } from "#domain/booking/series/rule.ts"
import { cases, timeoutOf } from "./property.ts"

setDefaultTimeout(timeoutOf())

const zones = Intl.supportedValuesOf("timeZone")
const wallClock = (timezone: string, at: number) =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone).toPlainTime().toString().slice(0, 5)

test("in every zone a weekly 18:00 stays at 18:00 for two years", () => {
  const weekly = { rule: ruleOf("FREQ=WEEKLY"), startDate: "2026-01-01", startTime: "18:00", durationMinutes: 90 }
  for (const timezone of zones) {
    const occurrences = occurrencesOf(weekly, timezone, "2026-01-01", "2027-12-31")
    expect({ timezone, count: occurrences.length }).toEqual({ timezone, count: 105 })
    const times = new Set(occurrences.map(({ start }) => wallClock(timezone, start)))
    expect({ timezone, times: [...times] }).toEqual({ timezone, times: ["18:00"] })
  }
})

const rules = [
  "FREQ=DAILY",
  "FREQ=WEEKLY;BYDAY=MO,WE,SU",
  "FREQ=MONTHLY;BYMONTHDAY=1,15,-1",
  "FREQ=DAILY;INTERVAL=2;COUNT=90",
]
const minute = fc.integer({ min: 0, max: 24 * 60 - 1 }).map((n) => {
  const two = (part: number) => String(part).padStart(2, "0")
  return `${two(Math.floor(n / 60))}:${two(n % 60)}`
})
const aDay = fc
  .integer({ min: 0, max: 365 * 80 })
  .map((days) => Temporal.PlainDate.from("1970-01-01").add({ days }).toString())

test("in any zone, at any time of any day, occurrences increase, keep their day, and keep their time unless it is skipped", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.constantFrom(...rules),
      minute,
      aDay,
      (timezone, rule, startTime, startDate) => {
        const until = Temporal.PlainDate.from(startDate).add({ days: 200 }).toString()
        const pattern = { rule: ruleOf(rule), startDate, startTime, durationMinutes: 60 }
        const occurrences = occurrencesOf(pattern, timezone, startDate, until)
        for (const [i, { on, start, end }] of occurrences.entries()) {
          expect(start).toBeGreaterThan(occurrences[i - 1]?.start ?? Number.NEGATIVE_INFINITY)
          expect(end - start).toBe(60 * 60_000)
          expect(localDateOf(timezone, start)).toBe(on)
          // A skipped time has no reading: the clock shows a later one.
          const shown = wallClock(timezone, start)
          if (shown !== startTime) expect(shown > startTime).toBe(true)
        }
        // Starting on any later day gives the same occurrences.
        const from = occurrences[Math.floor(occurrences.length / 2)]?.on ?? startDate
        expect(occurrencesOf(pattern, timezone, from, until)).toEqual(occurrences.filter(({ on }) => on >= from))
      },
    ),
    cases(300),
  )
})
