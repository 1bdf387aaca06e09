/**
 * Quiet hours: from a local time until another one, through midnight when the end is before the start. The zone is the
 * reader's. A time that the clocks skip is the end of the gap, and a repeated one counts at its first reading, as
 * everywhere (local-days.ts). Pure.
 */
import { boundaryOf, localDateOf } from "#base/local-days.ts"

export interface QuietHours {
  /** Such as 22:00; included. */
  readonly start: string
  /** Excluded. Before the start: on the next day. */
  readonly end: string
}

/** When the quiet hours end in which an instant lies; undefined: it lies in none. Milliseconds since the epoch. */
export function quietUntil({ start, end }: QuietHours, timezone: string, at: number): number | undefined {
  const today = localDateOf(timezone, at)
  // The night that began yesterday, and that of today.
  for (const day of [before(today), today]) {
    const from = boundaryOf(timezone, day, start)
    const until = boundaryOf(timezone, end > start ? day : after(day), end)
    if (from <= at && at < until) return until
  }
  return undefined
}

const dayMs = 24 * 60 * 60_000
const before = (day: string) => shifted(day, -dayMs)
const after = (day: string) => shifted(day, dayMs)
const shifted = (day: string, ms: number) => new Date(Date.parse(day) + ms).toISOString().slice(0, 10)
