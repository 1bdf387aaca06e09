// Recurring bookings over all IANA zones: a weekly 18:00 stays at 18:00 on both sides of every clock change.
// Occurrences strictly increase, even when a zone changes its calendar. Changes of a series move nothing that they do
// not name.

import { expect, setDefaultTimeout, test } from "bun:test"
import fc from "fast-check"
import { localDateOf, localTimeOf } from "#base/local-days.ts"
import type { ChangeSeriesInput } from "#domain/booking/series/input.ts"
import { occurrencesOf } from "#domain/booking/series/occurrences.ts"
import { newPlacedOf, newPlaceOf } from "#domain/booking/series/place.ts"
import type { SeriesTarget } from "#domain/booking/series/rows.ts"
import { ruleOf } from "#domain/booking/series/rule.ts"
import { cases, timeoutOf } from "./property.ts"

setDefaultTimeout(timeoutOf())

const zones = Intl.supportedValuesOf("timeZone")

test("in every zone a weekly 18:00 stays at 18:00 for two years", () => {
  const weekly = { rule: ruleOf("FREQ=WEEKLY"), startDate: "2026-01-01", startTime: "18:00", durationMinutes: 90 }
  for (const timezone of zones) {
    const occurrences = occurrencesOf(weekly, timezone, "2026-01-01", "2027-12-31")
    expect({ timezone, count: occurrences.length }).toEqual({ timezone, count: 105 })
    const times = new Set(occurrences.map(({ start }) => localTimeOf(timezone, start)))
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
          const shown = localTimeOf(timezone, start)
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

test("an end by the clock is at its hour on every day that has that hour, in every zone, and whole days follow one another", () => {
  for (const timezone of zones) {
    const nights = { rule: ruleOf("FREQ=DAILY"), startDate: "2026-01-01", durationMinutes: 480 }
    const ends = occurrencesOf(
      { ...nights, startTime: "22:00", endTime: "06:00" },
      timezone,
      "2026-01-01",
      "2027-12-31",
    )
    expect({ timezone, ends: [...new Set(ends.map(({ end }) => localTimeOf(timezone, end)))] }).toEqual({
      timezone,
      ends: ["06:00"],
    })
    const wholeDay = { ...nights, startTime: "00:00", endTime: "24:00", durationMinutes: 1440 }
    const days = occurrencesOf(wholeDay, timezone, "2026-01-01", "2026-12-31")
    const gaps = days.filter(({ end }, i) => end !== (days[i + 1]?.start ?? end))
    expect({ timezone, gaps }).toEqual({ timezone, gaps: [] })
  }
})

test("over any changes of a series no booking moves in what they do not name, and what was moved by itself stays", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      minute,
      aDay,
      fc.array(aChange, { maxLength: 8 }),
      (timezone, startTime, startDate, changes) => {
        const pattern = { rule: ruleOf("FREQ=WEEKLY;COUNT=6"), startDate, startTime, durationMinutes: 60 }
        const until = Temporal.PlainDate.from(startDate).add({ days: 60 }).toString()
        let bookings = occurrencesOf(pattern, timezone, startDate, until).map(targetOf)
        const alone = new Set<number>()
        for (const { n, ...change } of changes) {
          const first = change.scope === "all" ? 0 : n
          const last = change.scope === "this" ? n : bookings.length - 1
          if (change.scope === "this") alone.add(n)
          bookings = bookings.map((before, i) => {
            if (i < first || i > last) return before
            const after = changed(before, { timezone, end_time: null }, change)
            const stays = change.scope === "this" || change.includeMoved === true ? nothing : movedIn(before)
            if (!("startTime" in change) || stays.start) expect(after.start_at).toEqual(before.start_at)
            const namesLength = "durationMinutes" in change || "endTime" in change
            if (!namesLength || stays.length) expect(lengthOf(after)).toBe(lengthOf(before))
            else if ("endTime" in change === false) expect(lengthOf(after)).toBe((change.durationMinutes ?? 0) * 60_000)
            if (!("resourceId" in change) || stays.resource) expect(after.resource_id).toBe(before.resource_id)
            if (!alone.has(i)) expect(movedIn(after)).toEqual(nothing)
            return after
          })
        }
      },
    ),
    cases(400),
  )
})

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })
const aChange = fc
  .record({
    scope: fc.constantFrom("this" as const, "following" as const, "all" as const),
    n: fc.integer({ min: 0, max: 5 }),
    startTime: optional(minute),
    durationMinutes: optional(fc.integer({ min: 5, max: 24 * 60 })),
    endTime: optional(minute),
    resourceId: optional(fc.constantFrom("one", "two", "three")),
    includeMoved: optional(fc.boolean()),
  })
  .map(({ endTime, ...change }) => named(change.durationMinutes === undefined ? { ...change, endTime } : change))
/** A change as a request gives it: a field is there or not. */
const named = (change: object) =>
  Object.fromEntries(
    Object.entries(change).filter(([, value]) => value !== undefined),
  ) as unknown as ChangeSeriesInput & {
    readonly n: number
  }

const targetOf = ({ on, start, end }: { on: string; start: number; end: number }): SeriesTarget => ({
  ...{ booking_id: on, occurs_on: on, status: "confirmed" },
  ...{ start_at: new Date(start), end_at: new Date(end), resource_id: "one" },
  ...{ placed_start_at: new Date(start), placed_end_at: new Date(end), placed_resource_id: "one" },
})

/** As the program changes a booking of the series, and the day's own place with it. */
function changed(
  before: SeriesTarget,
  series: Parameters<typeof newPlaceOf>[0],
  change: ChangeSeriesInput,
): SeriesTarget {
  const to = newPlaceOf(series, before, change)
  const placed = change.scope === "this" ? undefined : newPlacedOf(series, before, change)
  return {
    ...before,
    ...(to && { start_at: new Date(to.start), end_at: new Date(to.end), resource_id: to.resourceId }),
    ...placed,
  }
}

const nothing = { start: false, length: false, resource: false }
/** The fields in which a booking is not as its series put it. */
const movedIn = (of: SeriesTarget) => ({
  start: of.start_at.getTime() !== of.placed_start_at?.getTime(),
  length: lengthOf(of) !== (of.placed_end_at?.getTime() ?? 0) - (of.placed_start_at?.getTime() ?? 0),
  resource: of.resource_id !== of.placed_resource_id,
})
const lengthOf = (of: SeriesTarget) => of.end_at.getTime() - of.start_at.getTime()
