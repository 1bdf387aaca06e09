/**
 * Local days: the instants at which the days of an IANA zone begin and end.
 * The zones come from `zones/`, not from the runtime. A time that the clocks skip moves forward, as Temporal's
 * "compatible" does; a repeated time has its first reading.
 * SQL never resolves local times: it reads a repeated hour the other way, and has zone data of its own.
 */
import { instantAt, wallAt } from "./zones/wall-clock.ts"

/** A span of time, start included and end excluded, in milliseconds since the Unix epoch. */
export interface Span {
  readonly start: number
  readonly end: number
}

const dayMs = 24 * 60 * 60_000

/** The calendar day (YYYY-MM-DD) on which an instant falls. */
export const localDateOf = (timezone: string, at: number): string => dateOf(wallAt(timezone, at))

/** The date and time on the wall at an instant, to the second, such as 2026-03-29T18:00:00. */
export const wallTimeOf = (timezone: string, at: number): string =>
  new Date(wallAt(timezone, at)).toISOString().slice(0, 19)

/** The time on the wall at an instant, such as 18:00. */
export const localTimeOf = (timezone: string, at: number): string => wallTimeOf(timezone, at).slice(11, 16)

/** All calendar days (YYYY-MM-DD) that a span of time touches, in order. */
export function localDatesOf(timezone: string, { start, end }: Span): string[] {
  const first = startOfDate(wallAt(timezone, start))
  const last = wallAt(timezone, Math.max(start, end - 1))
  const dates: string[] = []
  for (let day = first; day <= last; day += dayMs) dates.push(dateOf(day))
  return dates
}

/** The span of a local day: 24 hours, or 23 or 25 where the clocks change. */
export function spanOfDay(timezone: string, date: string): Span {
  const day = Date.parse(date)
  return { start: instantAt(timezone, day, "end"), end: instantAt(timezone, day + dayMs, "end") }
}

/** The instant of a local time of a day; "24:00" is the midnight that ends the day. */
export function instantOf(timezone: string, date: string, time: string): number {
  if (time === "00:00" || time === "24:00") return boundaryOf(timezone, date, time)
  return instantAt(timezone, Date.parse(date) + minutesOf(time) * minuteMs, "later")
}

/**
 * The instant at which something begins or ends that is given by local times, such as opening hours. A time that the
 * clocks skip is the end of the gap. So what ends and what begins inside of one gap do not overlap.
 */
export const boundaryOf = (timezone: string, date: string, time: string): number =>
  instantAt(timezone, Date.parse(date) + minutesOf(time) * minuteMs, "end")

/** Minutes since midnight of a local time such as 18:00. */
export const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))

/** The later of two calendar days. */
export const later = (one: string, other: string): string => (one.localeCompare(other) < 0 ? other : one)

/** Whether a text is a calendar day that exists, such as 2026-03-29. */
export function isLocalDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const day = Date.parse(text)
  return !Number.isNaN(day) && dateOf(day) === text
}

const minuteMs = 60_000

const startOfDate = (wall: number) => Math.floor(wall / dayMs) * dayMs

const dateOf = (wall: number) => new Date(wall).toISOString().slice(0, 10)
