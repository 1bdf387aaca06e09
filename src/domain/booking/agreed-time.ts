/**
 * The local time on which people agree when they make or move a booking. It stays with the booking. When a country
 * changes its clocks later, instant and local time no longer fit together: see `zone-changes.ts`.
 */
import { type Span, wallTimeOf } from "#base/local-days.ts"

/** As the columns of a booking: an IANA zone, and wall times such as 2026-03-29T18:00:00. */
export interface AgreedTime {
  readonly agreed_timezone: string
  readonly agreed_start: string
  readonly agreed_end: string
}

export const agreedTimeOf = (timezone: string, { start, end }: Span): AgreedTime => ({
  agreed_timezone: timezone,
  agreed_start: wallTimeOf(timezone, start),
  agreed_end: wallTimeOf(timezone, end),
})
