// Billing periods and months of use: counted from the anchor, in every zone, across month ends and clock changes.

import { expect, test } from "bun:test"
import fc from "fast-check"
import { localDateOf } from "#base/local-days.ts"
import { boundary, localDayAfter, usageMonthAt } from "#domain/plans/periods.ts"
import { cases } from "#test/whole/properties/property.ts"

const zones = fc.constantFrom(...Intl.supportedValuesOf("timeZone"))
const days = fc
  .integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2036, 11, 31) })
  .map((at) => new Date(at).toISOString().slice(0, 10))
const cycles = fc.constantFrom("monthly", "annual") as fc.Arbitrary<"monthly" | "annual">

const localDays = (anchor: string, cycle: "monthly" | "annual", timezone: string, count: number) =>
  Array.from({ length: count }, (_, n) => localDateOf(timezone, boundary(anchor, cycle, timezone, n).getTime()))

test("a shorter month ends the period on its last day, and the next period has its usual day again", () => {
  expect(localDays("2026-01-31", "monthly", "Europe/Berlin", 5)).toEqual([
    "2026-01-31",
    "2026-02-28",
    "2026-03-31",
    "2026-04-30",
    "2026-05-31",
  ])
  expect(localDays("2028-02-29", "annual", "Europe/Berlin", 5)).toEqual([
    "2028-02-29",
    "2029-02-28",
    "2030-02-28",
    "2031-02-28",
    "2032-02-29",
  ])
})

test("a period ends at local midnight, also when the clocks have changed in it", () => {
  const ends = (n: number) => boundary("2026-03-10", "monthly", "Europe/Berlin", n).toISOString()
  expect([ends(0), ends(1), ends(8)]).toEqual([
    "2026-03-09T23:00:00.000Z",
    "2026-04-09T22:00:00.000Z",
    "2026-11-09T23:00:00.000Z",
  ])
})

test("in every zone a period ends when the anchor's day of the month begins, or its last day, and after the one before", () => {
  fc.assert(
    fc.property(zones, days, cycles, fc.nat(40), (timezone, anchor, cycle, n) => {
      const [before, end] = [boundary(anchor, cycle, timezone, n), boundary(anchor, cycle, timezone, n + 1)]
      expect(end.getTime()).toBeGreaterThan(before.getTime())
      const day = Temporal.PlainDate.from(localDateOf(timezone, end.getTime()))
      const months = (n + 1) * (cycle === "monthly" ? 1 : 12)
      const month = Temporal.PlainYearMonth.from(anchor).add({ months })
      expect(day.toPlainYearMonth().toString()).toBe(month.toString())
      expect(day.day).toBe(Math.min(Temporal.PlainDate.from(anchor).day, month.daysInMonth))
      expect(localDateOf(timezone, end.getTime() - 1)).not.toBe(day.toString())
    }),
    cases(1_000),
  )
})

test("the months of use lie end to end, and every instant lies in its own", () => {
  const instants = fc.integer({ min: 0, max: 40 * 31 * 86_400_000 })
  fc.assert(
    fc.property(zones, days, fc.integer({ min: 0, max: 28 }), instants, (timezone, day, trialDays, later) => {
      const started = new Date(boundary(day, "monthly", timezone, 0).getTime() + 9 * 3_600_000)
      const anchor = localDayAfter(timezone, started, trialDays)
      const at = new Date(started.getTime() + later)
      const month = usageMonthAt(anchor, timezone, started, at)
      expect(at.getTime()).toBeWithin(month.start.getTime(), month.end.getTime())
      expect(usageMonthAt(anchor, timezone, started, month.start)).toEqual(month)
      const next = usageMonthAt(anchor, timezone, started, month.end)
      expect({ number: next.number, start: next.start }).toEqual({ number: month.number + 1, start: month.end })
      expect(usageMonthAt(anchor, timezone, started, started).start).toEqual(started)
    }),
    cases(1_000),
  )
})
