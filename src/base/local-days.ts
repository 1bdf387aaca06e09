/**
 * Local days: the instants at which the days of an IANA zone begin and end.
 * Local times are resolved here and in `opening-hours.ts`, with Temporal and "compatible". A skipped hour moves
 * forward; a repeated hour has its first reading.
 * SQL never resolves local times: it reads a repeated hour the other way.
 */

/** A span of time, start included and end excluded, in milliseconds since the Unix epoch. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The calendar day (YYYY-MM-DD) on which an instant falls. */
export const localDateOf = (timezone: string, at: number): string => zoned(timezone, at).toPlainDate().toString()

/** All calendar days (YYYY-MM-DD) that a span of time touches, in order. */
export function localDatesOf(timezone: string, { start, end }: Span): string[] {
  const last = localDateOf(timezone, Math.max(start, end - 1))
  const dates: string[] = []
  let day = zoned(timezone, start).toPlainDate()
  for (; day.toString() <= last; day = day.add({ days: 1 })) dates.push(day.toString())
  return dates
}

/** The span of a local day: 24 hours, or 23 or 25 where the clocks change. */
export function spanOfDay(timezone: string, date: string): Span {
  const day = Temporal.PlainDate.from(date)
  return { start: startOf(timezone, day), end: startOf(timezone, day.add({ days: 1 })) }
}

/** The instant of a local time of a day; "24:00" is the midnight that ends the day. */
export function instantOf(timezone: string, date: string, time: string): number {
  const day = Temporal.PlainDate.from(date)
  if (time === "24:00") return startOf(timezone, day.add({ days: 1 }))
  if (time === "00:00") return startOf(timezone, day)
  return day.toZonedDateTime({ timeZone: timezone, plainTime: time }).epochMilliseconds
}

/** The later of two calendar days. */
export const later = (one: string, other: string): string => (one.localeCompare(other) < 0 ? other : one)

/** Whether a text is a calendar day that exists, such as 2026-03-29. */
export function isLocalDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  try {
    Temporal.PlainDate.from(text)
    return true
  } catch {
    return false
  }
}

const zoned = (timezone: string, at: number) => Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone)

const startOf = (timezone: string, day: Temporal.PlainDate) => day.toZonedDateTime(timezone).epochMilliseconds
