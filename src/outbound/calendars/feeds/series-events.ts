/**
 * A series as one recurring event, and what differs from its rule as events of their own. Read back, it gives the
 * bookings and no others.
 * - A day of the rule is an EXDATE when its booking is missing, cancelled, moved or renamed. The booking, if there is
 *   one, is a single event in UTC. So no reader has to know RECURRENCE-ID.
 * - A booking of a day on which the clocks change is a single event too: it may be longer or shorter on the wall.
 * - Calendars disagree about local times that the clocks skip or repeat, even in EXDATE. A series that meets one is
 *   single events only. So is one that differs more than it agrees, and one of a zone without a place.
 * Pure functions.
 */
import { icalEventLines } from "#base/icalendar/event.ts"
import { icalInstant } from "#base/icalendar/lines.ts"
import { icalWallTime } from "#base/icalendar/time-zone.ts"
import { localTimeOf, spanOfDay } from "#base/local-days.ts"
import { offsetAt } from "#base/zones/wall-clock.ts"
import { type Occurrence, occurrencesOf, type Pattern } from "#domain/booking/series/occurrences.ts"
import type { FeedBooking } from "./bookings.ts"
import { type Described, type Describing, feedEvent, singleEvent } from "./single-events.ts"

export interface SeriesEvents {
  readonly lines: readonly string[]
  /** The instants between which the lines name the zone, milliseconds. Undefined: they do not name it. */
  readonly zoned?: { readonly from: number; readonly until: number }
}

export interface SeriesBookings {
  readonly id: string
  readonly pattern: Pattern
  /** At least one. */
  readonly bookings: readonly FeedBooking[]
}

/** @param timezone IANA name of the facility's zone */
export function seriesEvents(series: SeriesBookings, timezone: string, describe: Describing): SeriesEvents {
  const { id, pattern, bookings } = series
  const byDay = new Map(bookings.map((booking) => [booking.occurs_on ?? "", booking]))
  const days = [...byDay.keys()].sort()
  const expected = occurrencesOf(pattern, timezone, days[0] ?? "", days.at(-1) ?? "")
  const anchorAt = expected.findIndex((occurrence) => isPlain(byDay.get(occurrence.on), occurrence, timezone))
  const anchor = byDay.get(expected[anchorAt]?.on ?? "")
  const single = (booking: FeedBooking) => singleEvent(booking, describe(booking))
  // An offset such as +05:30 is no name of a zone that calendars know.
  const isPlaced = !/^[+-]/.test(timezone)
  if (anchor === undefined || !isPlaced || expected.some(({ start }) => isDoubtful(start, pattern, timezone)))
    return { lines: bookings.flatMap(single) }

  const words = describe(anchor)
  const regular = new Set<FeedBooking>()
  const missing = expected.slice(anchorAt).filter((occurrence) => {
    const booking = byDay.get(occurrence.on)
    if (!isPlain(booking, occurrence, timezone) || !sameWords(describe(booking), words)) return true
    regular.add(booking)
    return false
  })
  const others = bookings.filter((booking) => !regular.has(booking))
  if (regular.size < 2 || missing.length + others.length > regular.size) return { lines: bookings.flatMap(single) }

  const until = expected.at(-1)?.start ?? anchor.start_at.getTime()
  const local = (name: string, at: number) => `${name};TZID=${timezone}:${icalWallTime(timezone, at)}`
  const times = [
    local("DTSTART", anchor.start_at.getTime()),
    local("DTEND", anchor.end_at.getTime()),
    `RRULE:${ruleText(pattern)};UNTIL=${icalInstant(until)}`,
    ...missing.map(({ start }) => local("EXDATE", start)),
  ]
  const master = {
    ...feedEvent(anchor, words, { uid: id, times }),
    changedAt: newest(bookings.map(({ changed_at }) => changed_at)),
    stampedAt: newest(bookings.map(({ updated_at }) => updated_at)),
  }
  return {
    lines: [...icalEventLines(master), ...others.flatMap(single)],
    zoned: { from: anchor.start_at.getTime(), until: until + (anchor.end_at.getTime() - anchor.start_at.getTime()) },
  }
}

/** A booking that stands where the rule says, on a day on which no clock changes. */
function isPlain(booking: FeedBooking | undefined, occurrence: Occurrence, timezone: string): booking is FeedBooking {
  if (booking === undefined || booking.status === "cancelled" || booking.status === "pending") return false
  const isThere = booking.start_at.getTime() === occurrence.start && booking.end_at.getTime() === occurrence.end
  return isThere && !clocksChange(occurrence, timezone)
}

function clocksChange({ on, end }: Occurrence, timezone: string): boolean {
  const day = spanOfDay(timezone, on)
  return offsetAt(timezone, day.start) !== offsetAt(timezone, Math.max(day.end, end))
}

/** Whether the clocks skip the local time on the day of this start, or repeat it. */
function isDoubtful(start: number, { startTime }: Pattern, timezone: string): boolean {
  if (localTimeOf(timezone, start) !== startTime) return true
  const back = offsetAt(timezone, start) - offsetAt(timezone, start + dayMs)
  return back > 0 && localTimeOf(timezone, start + back) === startTime
}
const dayMs = 24 * 60 * 60_000

/** The rule without its end. FREQ stands first, and a day of the month is written out: some readers need both. */
function ruleText({ rule, startDate }: Pattern): string {
  const { freq, interval, byDay, byMonthDay, weekStart } = rule
  const monthDays = freq === "MONTHLY" && !byDay && !byMonthDay ? [Number(startDate.slice(8))] : byMonthDay
  return [
    `FREQ=${freq}`,
    ...(interval === 1 ? [] : [`INTERVAL=${interval}`]),
    ...(byDay ? [`BYDAY=${byDay.join(",")}`] : []),
    ...(monthDays ? [`BYMONTHDAY=${monthDays.join(",")}`] : []),
    ...(weekStart === undefined ? [] : [`WKST=${weekStart}`]),
  ].join(";")
}

const newest = (dates: readonly Date[]) => new Date(dates.reduce((last, date) => Math.max(last, date.getTime()), 0))

const sameWords = (one: Described, other: Described) =>
  one.summary === other.summary && one.location === other.location && one.description === other.description
