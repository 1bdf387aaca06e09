/**
 * The occurrences of a series: the days of its rule, with the facility's wall-clock time, as instants. Pure
 * functions. Guarantees:
 * - An occurrence at 18:00 is at 18:00 on both sides of a clock change.
 * - A time that the clocks skip moves forward, as Temporal's "compatible" does. A time that they repeat is its first
 *   reading.
 * - A local day that does not exist has no occurrence and, as in RFC 5545, does not count.
 * - Occurrences are strictly increasing.
 */
import { instantOf, localDateOf, spanOfDay } from "#base/local-days.ts"
import { datesOf, type Rule } from "./rule.ts"

export interface Pattern {
  readonly rule: Rule
  /** The rule counts from this local day on (YYYY-MM-DD). */
  readonly startDate: string
  /** HH:MM on the wall clock. */
  readonly startTime: string
  /** Elapsed minutes. */
  readonly durationMinutes: number
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
  { startTime, durationMinutes }: Pick<Pattern, "startTime" | "durationMinutes">,
  timezone: string,
  on: string,
): Occurrence | undefined {
  const start = instantOf(timezone, on, startTime)
  if (localDateOf(timezone, start) !== on) return undefined
  return { on, start, end: start + durationMinutes * 60_000 }
}

/** Whether there is no occurrence after the local day `after`. */
export function isOver(pattern: Pattern, timezone: string, after: string): boolean {
  const { count, until } = pattern.rule
  if (typeof until === "string") return until <= after
  if (until !== undefined) return until < spanOfDay(timezone, after).end
  return count !== undefined && occurrencesOf(pattern, timezone, pattern.startDate, after).length >= count
}
