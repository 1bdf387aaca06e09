/**
 * Opening hours: the local rule of a facility, and its meaning on a given day. Pure functions.
 * A weekday that is not named is closed. If no weekday is named, the facility sets no limit and is always open.
 * The hours of one day end at its midnight ("24:00"). The next day continues a night from "00:00".
 */

import * as Schema from "effect/Schema"
import { boundaryOf, localDateOf, localDatesOf, minutesOf, type Span, spanOfDay } from "#base/local-days.ts"
import { rule } from "#base/schema/rule.ts"
import { weekdayOf } from "#base/weekdays.ts"
import { nextChangeAfter, wallAt } from "#base/zones/wall-clock.ts"

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

/**
 * The open spans of a local day (YYYY-MM-DD), in order. An interval that a clock change swallows is left out. What
 * begins or ends in a skipped hour begins or ends where that hour does, so no two spans overlap.
 */
export const openSpans = (hours: OpeningHours, timezone: string, date: string): Span[] =>
  openingsOf(hours, timezone, date).map(({ start, end }) => ({ start, end }))

/** Whether it is open during the whole span. A span over midnight is, when the hours of both days meet there. */
export function isOpenDuring(hours: OpeningHours, timezone: string, { start, end }: Span): boolean {
  let covered = start
  for (const date of localDatesOf(timezone, { start, end }))
    for (const span of openSpans(hours, timezone, date))
      if (span.start <= covered && covered < span.end) covered = span.end
  return covered >= end
}

/**
 * The bookable slots of a local day: one at each step by the clock from each opening, in minutes, each of elapsed time.
 * After a clock change the steps go on at the times of every other day. A remainder before closing or before the next
 * step that is shorter than a slot is no slot.
 */
export function slotSpans(
  hours: OpeningHours,
  timezone: string,
  date: string,
  stepMinutes: number,
  lengthMinutes = stepMinutes,
): Span[] {
  const [stepMs, lengthMs] = [stepMinutes * 60_000, lengthMinutes * 60_000]
  return openingsOf(hours, timezone, date).flatMap(({ start, end, opensAt }) => {
    const slots: Span[] = []
    for (let at = start; at + lengthMs <= end; ) {
      const late = remainder(wallAt(timezone, at) - opensAt, stepMs)
      if (late === 0) {
        slots.push({ start: at, end: at + lengthMs })
        at += lengthMs
      } else {
        // The next step by the clock, unless the clocks change before: then the way is looked for from there.
        at = Math.min(at + stepMs - late, nextChangeAfter(timezone, at))
      }
    }
    return slots
  })
}

/** Whether an instant is at a step by the clock from the opening in which it lies; undefined: it lies in none. */
export function isAtStep(hours: OpeningHours, timezone: string, at: number, stepMinutes: number): boolean | undefined {
  const opened = openingsOf(hours, timezone, localDateOf(timezone, at)).filter(
    ({ start, end }) => start <= at && at < end,
  )
  if (opened.length === 0) return undefined
  return opened.some(({ opensAt }) => remainder(wallAt(timezone, at) - opensAt, stepMinutes * 60_000) === 0)
}

/** An open span, and the wall time of its opening by the hours. */
interface Opening extends Span {
  readonly opensAt: number
}

function openingsOf(hours: OpeningHours, timezone: string, date: string): Opening[] {
  const midnight = Date.parse(date)
  if (Object.keys(hours).length === 0) return [{ ...spanOfDay(timezone, date), opensAt: midnight }]
  return (hours[weekdayOf(date)] ?? [])
    .map(({ open, close }) => ({
      start: boundaryOf(timezone, date, open),
      end: boundaryOf(timezone, date, close),
      opensAt: midnight + minutesOf(open) * 60_000,
    }))
    .filter(({ start, end }) => end > start)
}

/** Never negative. */
const remainder = (value: number, divisor: number) => ((value % divisor) + divisor) % divisor
