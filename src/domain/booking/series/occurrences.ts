/**
 * The occurrences of a series: the days of its rule with their time on the wall clock of the facility, as instants. Pure functions.
 * Guarantees: an occurrence at 18:00 is at 18:00 on both sides of a clock change; a time that the clocks skip moves forward as
 * Temporal's "compatible" does, and one that they repeat is its first reading; a local day that does not exist has none, and,
 * as RFC 5545 has it, does not count; occurrences are strictly increasing.
 */
import { instantOf, localDateOf, spanOfDay } from "#base/local-days.ts"
import { datesOf, type Rule } from "./rule.ts"

export interface Pattern {
  readonly rule: Rule
  /** The local day (YYYY-MM-DD) from which on the rule counts. */
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
  // COUNT counts from the first one.
  const all = datesOf(rule, startDate, count === undefined ? from : startDate, to)
    .flatMap((on) => occurrenceOn(pattern, timezone, on) ?? [])
    .filter(({ on, start }) => until === undefined || (typeof until === "string" ? on <= until : start <= until))
  return all.slice(0, count).filter(({ on }) => on >= from)
}

/** The one of a local day; undefined where the zone skips that day. */
export function occurrenceOn(
  { startTime, durationMinutes }: Pick<Pattern, "startTime" | "durationMinutes">,
  timezone: string,
  on: string,
): Occurrence | undefined {
  const start = instantOf(timezone, on, startTime)
  if (localDateOf(timezone, start) !== on) return undefined
  return { on, start, end: start + durationMinutes * 60_000 }
}

/** Whether there is none after the local day `until`. */
export function isOver(pattern: Pattern, timezone: string, after: string): boolean {
  const { count, until } = pattern.rule
  if (typeof until === "string") return until <= after
  if (until !== undefined) return until < spanOfDay(timezone, after).end
  return count !== undefined && occurrencesOf(pattern, timezone, pattern.startDate, after).length >= count
}
