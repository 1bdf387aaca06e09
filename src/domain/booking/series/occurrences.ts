/**
 * The occurrences of a series: the days of its rule, with the facility's wall-clock time, as instants. Pure
 * functions. Guarantees:
 * - An occurrence at 18:00 is at 18:00 on both sides of a clock change.
 * - A time that the clocks skip moves forward, as Temporal's "compatible" does. A time that they repeat is its first
 *   reading.
 * - An end by the clock is at its hour on both sides of a clock change too. Where the clocks skip the time between
 *   start and end, the booking is as long as on other days.
 * - A local day that does not exist has no occurrence and, as in RFC 5545, does not count.
 * - Occurrences are strictly increasing.
 */
import { instantOf, localDateOf, spanOfDay } from "#base/local-days.ts"
import { minBookingMinutes } from "#domain/booking/input.ts"
import { datesOf, type Rule } from "./rule.ts"

export interface Pattern {
  readonly rule: Rule
  /** The rule counts from this local day on (YYYY-MM-DD). */
  readonly startDate: string
  /** HH:MM on the wall clock. */
  readonly startTime: string
  /** Elapsed minutes; with an endTime those of a day without a clock change. */
  readonly durationMinutes: number
  /** HH:MM on the wall clock, or 24:00: the first such time after the start. Left out or null: durationMinutes. */
  readonly endTime?: string | null
}

export interface Occurrence {
  /** The local day, YYYY-MM-DD. */
  readonly on: string
  /** Milliseconds since the Unix epoch. */
  readonly start: number
  readonly end: number
}

/** The occurrences of the local days from `from` to `to`, both included. */
export function occurrencesOf(pattern: Pattern, timezone: string, from: string, to: string): Occurrence[] {
  const { rule, startDate } = pattern
  const { count, until } = rule
  // COUNT counts from the first occurrence.
  const all = datesOf(rule, startDate, count === undefined ? from : startDate, to)
    .flatMap((on) => occurrenceOn(pattern, timezone, on) ?? [])
    .filter(({ on, start }) => until === undefined || (typeof until === "string" ? on <= until : start <= until))
  return all.slice(0, count).filter(({ on }) => on >= from)
}

/** The occurrence of a local day; undefined where the zone skips that day. */
export function occurrenceOn(
  pattern: Pick<Pattern, "startTime" | "durationMinutes" | "endTime">,
  timezone: string,
  on: string,
): Occurrence | undefined {
  const start = instantOf(timezone, on, pattern.startTime)
  if (localDateOf(timezone, start) !== on) return undefined
  return { on, start, end: endOf(pattern, timezone, on, start) }
}

/** When a booking ends that starts at this instant, which is the startTime of the local day `on`. */
export function endOf(
  { startTime, durationMinutes, endTime }: Pick<Pattern, "startTime" | "durationMinutes" | "endTime">,
  timezone: string,
  on: string,
  start: number,
): number {
  const usual = start + durationMinutes * minuteMs
  if (typeof endTime !== "string") return usual
  const next = Temporal.PlainDate.from(on).add({ days: 1 }).toString()
  const end = instantOf(timezone, endTime > startTime ? on : next, endTime)
  return end >= start + minBookingMinutes * minuteMs ? end : usual
}

/** The minutes from one time on the wall clock to the next reading of another, on a day without a clock change. */
export function minutesBetween(startTime: string, endTime: string): number {
  const minutes = minutesOf(endTime) - minutesOf(startTime)
  return minutes > 0 ? minutes : minutes + dayMinutes
}

/** Whether there is no occurrence after the local day `after`. */
export function isOver(pattern: Pattern, timezone: string, after: string): boolean {
  const { count, until } = pattern.rule
  if (typeof until === "string") return until <= after
  if (until !== undefined) return until < spanOfDay(timezone, after).end
  return count !== undefined && occurrencesOf(pattern, timezone, pattern.startDate, after).length >= count
}

const minuteMs = 60_000
const dayMinutes = 24 * 60
const minutesOf = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
