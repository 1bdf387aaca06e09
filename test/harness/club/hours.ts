// When the clubs of the tests are open, and the hours at which the tests play. All hours are UTC.

import { type Weekday, weekdays } from "#base/weekdays.ts"

export type Span = Readonly<Record<"startAt" | "endAt", string>>

export type OpeningHours = Readonly<Record<Weekday, readonly { readonly open: string; readonly close: string }[]>>

/** The same opening hours on each weekday, in the club's local time. */
export const everyDay = (open: string, close: string): OpeningHours =>
  Object.fromEntries(weekdays.map((day) => [day, [{ open, close }]])) as unknown as OpeningHours

/** Day and night. */
export const alwaysOpen = everyDay("00:00", "24:00")

/** The n-th whole hour from tomorrow's midnight on. A process uses one day only, even when it runs over midnight. */
export const atHour = (n: number): Span => ({ startAt: hoursAfter(midnight, n), endAt: hoursAfter(midnight, n + 1) })

/** So many hours in a row, from the n-th on. */
export const hoursFrom = (n: number, hours: number): Span => ({
  startAt: hoursAfter(midnight, n),
  endAt: hoursAfter(midnight, n + hours),
})

/** The day of an hour, YYYY-MM-DD. */
export const dayOf = (n: number): string => atHour(n).startAt.slice(0, 10)

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Longer than a test file runs: the first hour must still be to come when the last test asks for it. */
const longestFileMs = 180_000

/** The next midnight that a test file does not run into. */
export const midnightAfter = (now: number): number => Math.ceil((now + longestFileMs) / dayMs) * dayMs

const midnight = midnightAfter(Date.now())

const hoursAfter = (start: number, hours: number): string => new Date(start + hours * hourMs).toISOString()
