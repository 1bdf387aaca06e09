/**
 * Opening hours: the local rule of a facility, and its meaning on a given day. Pure functions.
 * A weekday that is not named is closed. If no weekday is named, the facility sets no limit and is always open.
 * The hours of one day end at its midnight ("24:00"). The next day continues a night from "00:00".
 */

import * as Schema from "effect/Schema"
import { instantOf, localDatesOf, type Span, spanOfDay } from "#base/local-days.ts"
import { rule } from "#base/schema/rule.ts"
import { weekdayOf } from "#base/weekdays.ts"

export const LocalTime = Schema.String.annotate({ description: "local time, 24 hours" }).check(
  Schema.isPattern(/^([01]\d|2[0-3]):[0-5]\d$/u, { expected: 'a time such as "07:30"' }),
)
export const ClosingTime = Schema.String.annotate({
  description: "local time, 24 hours; 24:00 is midnight at the end of the day",
}).check(Schema.isPattern(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/u, { expected: 'a time such as "22:00", or "24:00"' }))

/** No opening hours that people could remember have more intervals than a day has hours. */
const maxIntervalsPerDay = 24

interface Interval {
  readonly open: string
  readonly close: string
}
const DayHours = Schema.Array(Schema.Struct({ open: LocalTime, close: ClosingTime })).check(
  Schema.isMaxLength(maxIntervalsPerDay),
  rule("the intervals of a day are in order, and none overlaps", (intervals: readonly Interval[]) =>
    intervals.flatMap(({ open, close }, i) => {
      const before = intervals[i - 1]
      if (close <= open)
        return [
          { path: [i, "close"], issue: `must be after open (${open}); a night goes on with the next day's "00:00"` },
        ]
      if (before && open < before.close)
        return [{ path: [i, "open"], issue: `must not be before ${before.close}, where the interval before it closes` }]
      return []
    }),
  ),
)

/**
 * Weekday → intervals in local time, sorted and without overlap, such as
 * `{"monday":[{"open":"07:00","close":"22:00"}]}`.
 */
export const OpeningHours = Schema.Struct({
  monday: Schema.optionalKey(DayHours),
  tuesday: Schema.optionalKey(DayHours),
  wednesday: Schema.optionalKey(DayHours),
  thursday: Schema.optionalKey(DayHours),
  friday: Schema.optionalKey(DayHours),
  saturday: Schema.optionalKey(DayHours),
  sunday: Schema.optionalKey(DayHours),
}).annotate({
  description: "Opening hours by weekday. A weekday left out is closed; with no weekday at all it is always open.",
})
export type OpeningHours = typeof OpeningHours.Type

/** The open spans of a local day (YYYY-MM-DD), in order. An interval that a clock change swallows is left out. */
export function openSpans(hours: OpeningHours, timezone: string, date: string): Span[] {
  if (Object.keys(hours).length === 0) return [spanOfDay(timezone, date)]
  const intervals = hours[weekdayOf(date)] ?? []
  return intervals
    .map(({ open, close }) => ({ start: instantOf(timezone, date, open), end: instantOf(timezone, date, close) }))
    .filter(({ start, end }) => end > start)
}

/** Whether it is open during the whole span. A span over midnight is, when the hours of both days meet there. */
export function isOpenDuring(hours: OpeningHours, timezone: string, { start, end }: Span): boolean {
  let covered = start
  for (const date of localDatesOf(timezone, { start, end }))
    for (const span of openSpans(hours, timezone, date))
      if (span.start <= covered && covered < span.end) covered = span.end
  return covered >= end
}

/**
 * The bookable slots of a local day: one at each step of elapsed time from each opening, in minutes.
 * A remainder before closing that is shorter than a slot is no slot.
 * A day of 23 or 25 hours has an hour of slots less or more.
 */
export function slotSpans(
  hours: OpeningHours,
  timezone: string,
  date: string,
  stepMinutes: number,
  lengthMinutes = stepMinutes,
): Span[] {
  const [stepMs, lengthMs] = [stepMinutes * 60_000, lengthMinutes * 60_000]
  return openSpans(hours, timezone, date).flatMap(({ start, end }) =>
    Array.from({ length: Math.max(0, Math.floor((end - start - lengthMs) / stepMs) + 1) }, (_, i) => ({
      start: start + i * stepMs,
      end: start + i * stepMs + lengthMs,
    })),
  )
}
