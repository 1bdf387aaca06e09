/** The rolling window of a series: the local days to book now, and when to continue. Pure functions. */
import { later, localDateOf, spanOfDay } from "#base/local-days.ts"
import { isOver, type Occurrence, occurrencesOf, type Pattern } from "./occurrences.ts"
import type { SeriesRow } from "./rows.ts"
import { ruleOf } from "./rule.ts"

/** The occurrences to book now, with the last local day that they cover. */
export interface SeriesWindow {
  readonly occurrences: readonly Occurrence[]
  readonly until: string
}

/**
 * A new series: from its start to the end of the window. The window begins today, or with the series if that is
 * later.
 */
export function firstWindow(pattern: Pattern, timezone: string, windowDays: number, now: number): SeriesWindow {
  const today = localDateOf(timezone, now)
  const until = daysAfter(later(pattern.startDate, today), windowDays)
  return { occurrences: occurrencesOf(pattern, timezone, pattern.startDate, until), until }
}

/**
 * The days that the window has moved over since the last pass; none when it has not moved. Days that are past by now
 * are left out.
 */
export function nextWindow(series: SeriesRow): SeriesWindow {
  const today = localDateOf(series.timezone, series.now.getTime())
  const until = daysAfter(today, series.window_days)
  const next = daysAfter(series.considered_until, 1)
  const from = later(next, today)
  if (from > until) return { occurrences: [], until: series.considered_until }
  return { occurrences: occurrencesOf(patternOf(series), series.timezone, from, until), until }
}

/**
 * When to extend the series next: as soon as the local day after `until` is inside the window, but not before
 * tomorrow. An occurrence too far ahead for its booker therefore waits a day. Null when the series is over by then.
 */
export function extendAt(
  pattern: Pattern,
  timezone: string,
  { windowDays, until, now }: { readonly windowDays: number; readonly until: string; readonly now: number },
): Date | null {
  if (isOver(pattern, timezone, until)) return null
  const inside = spanOfDay(timezone, daysAfter(until, 1 - windowDays)).start
  const tomorrow = spanOfDay(timezone, localDateOf(timezone, now)).end
  return new Date(Math.max(inside, tomorrow))
}

export const patternOf = (
  series: Pick<SeriesRow, "rule" | "start_date" | "start_time" | "duration_minutes" | "end_time">,
): Pattern => ({
  rule: ruleOf(series.rule),
  startDate: series.start_date,
  startTime: series.start_time,
  durationMinutes: series.duration_minutes,
  endTime: series.end_time,
})

export const daysAfter = (date: string, days: number): string => Temporal.PlainDate.from(date).add({ days }).toString()
