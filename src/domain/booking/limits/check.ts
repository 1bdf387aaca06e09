/**
 * Counts what a member holds against the limits of the facility's policy. Pure functions: `standing.ts` reads, under
 * the lock of the person. A booking counts on the local day, and in the local week, in which it starts.
 */
import { roles as ranked } from "#access/caller.ts"
import { RuleBroken } from "#base/errors.ts"
import { boundaryOf, localDateOf, localDatesOf, type Span, spanOfDay } from "#base/local-days.ts"
import { type Weekday, weekdayOf, weekdays } from "#base/weekdays.ts"
import type { MemberLimit, PrimeTime } from "./fields.ts"
import type { Held, MemberStanding } from "./standing.ts"

/** A wanted booking of a person who may hold others. */
export interface Wanted {
  readonly span: Span
  readonly timezone: string
  readonly now: number
  /** The booking that moves there; undefined: a new one. */
  readonly moving?: string | undefined
}

/**
 * Answers the lapsed holds that must have ended for the booking to fit; usually none.
 * @throws RuleBroken `member_limit_reached`, which names the limit and what uses it up
 */
export function requireWithinLimits(standing: MemberStanding, wanted: Wanted): readonly string[] {
  const own = standing.moving
  // A booking that no limit counts may move anywhere.
  if (wanted.moving !== undefined && own === null) return []
  const overdue = new Set<string>()
  for (const limit of standing.limits.filter((each) => binds(each, standing, wanted))) {
    const used = usedAt(wanted.span, limit, standing, wanted)
    if (used.length < limit.atMost || (own && isNoWorse(own, used, limit, standing, wanted))) continue
    const present = used.filter(({ lapsed }) => !lapsed)
    if (present.length >= limit.atMost) throw limitReached(limit, present)
    for (const { id, lapsed } of used) if (lapsed) overdue.add(id)
  }
  return [...overdue]
}

/** The standing with lapsed holds counted like live ones: nobody is there to end them. */
export const withLapsed = (standing: MemberStanding): MemberStanding => ({
  ...standing,
  bookings: standing.bookings.map((each) => ({ ...each, lapsed: false })),
})

/** The refusal of one booking more than a limit allows. */
const limitReached = ({ name, per, atMost }: MemberLimit, used: readonly Held[]) =>
  new RuleBroken(
    "member_limit_reached",
    `${name}: at most ${atMost} ${atMost === 1 ? "booking" : "bookings"} ${worded[per]}.`,
    [{ path: "body.startAt", message: `is beyond the limit "${name}"` }],
    {
      limit: { name, per, atMost },
      usedBy: used.slice(0, maxNamed).map(({ id, resourceId, status, start, end }) => ({
        bookingId: id,
        resourceId,
        startAt: new Date(start).toISOString(),
        endAt: new Date(end).toISOString(),
        status,
      })),
    },
  )

/** As many as the largest limit. Staff may have made more. */
const maxNamed = 100
const worded = { live: "that are not over", moment: "at the same time", day: "a day", week: "a week" } as const

/** Whether a limit counts the wanted booking of a person with these roles. A person has the highest of them. */
const binds = ({ roles, primeTime }: MemberLimit, { roles: held }: MemberStanding, { timezone, span }: Wanted) =>
  (roles === undefined || roles.some((role) => role === ranked.find((each) => held.includes(each)))) &&
  isIn(primeTime, timezone)(span)

/** The other bookings that use the limit up for a booking of that time. */
function usedAt(
  span: Span,
  limit: MemberLimit,
  { bookings, weekStartsOn }: MemberStanding,
  wanted: Wanted,
): readonly Held[] {
  const { timezone, now, moving } = wanted
  const counts = {
    live: ({ end }: Span) => end > now,
    moment: (each: Span) => overlaps(each, span),
    day: startsIn(() => daysOf(timezone, span.start, 1)),
    week: startsIn(() => daysOf(timezone, span.start, 7, weekStartsOn)),
  }[limit.per]
  const isPrime = isIn(limit.primeTime, timezone)
  const used = bookings.filter((each) => each.id !== moving && counts(each) && isPrime(each))
  return limit.per === "moment" ? mostAtOnce(used, span) : used
}

/** Whether the booking that moves is counted where it is, beside the same bookings: then moving it adds nothing. */
const isNoWorse = (own: Span, used: readonly Held[], limit: MemberLimit, standing: MemberStanding, wanted: Wanted) => {
  if (!isIn(limit.primeTime, wanted.timezone)(own)) return false
  const before = usedAt(own, limit, standing, wanted)
  return used.every((each) => before.includes(each))
}

/** The most of them that overlap at one moment of the span: a moment at which the span or one of them begins. */
function mostAtOnce(bookings: readonly Held[], span: Span): readonly Held[] {
  const moments = [span.start, ...bookings.map(({ start }) => start).filter((start) => start > span.start)]
  return moments
    .map((at) => bookings.filter(({ start, end }) => start <= at && at < end))
    .reduce((most, each) => (each.length > most.length ? each : most))
}

/** Whether a booking touches the named part of the week; without one, every booking does. */
function isIn(part: PrimeTime | undefined, timezone: string): (span: Span) => boolean {
  if (part === undefined) return () => true
  const windowOn = (date: string): Span | undefined => {
    if (!part.weekdays.includes(weekdayOf(date))) return undefined
    const on = { start: boundaryOf(timezone, date, part.fromTime), end: boundaryOf(timezone, date, part.toTime) }
    return on.start < on.end ? on : undefined
  }
  // Bookings come by their start, so most are on the day of the one before.
  let day: Span = { start: 0, end: 0 }
  let window: Span | undefined
  return (span) => {
    if (span.start < day.start || span.start >= day.end) {
      const date = localDateOf(timezone, span.start)
      day = spanOfDay(timezone, date)
      window = windowOn(date)
    }
    if (window && overlaps(window, span)) return true
    if (span.end <= day.end) return false
    return localDatesOf(timezone, { start: day.end, end: span.end }).some((date) => {
      const other = windowOn(date)
      return other !== undefined && overlaps(other, span)
    })
  }
}

const overlaps = (one: Span, other: Span) => one.start < other.end && other.start < one.end

function startsIn(days: () => Span): (each: Span) => boolean {
  let known: Span | undefined
  return ({ start }) => {
    known ??= days()
    return known.start <= start && start < known.end
  }
}

/** The local day of an instant, or the days of its week. */
function daysOf(timezone: string, at: number, days: number, from?: Weekday): Span {
  const date = Temporal.PlainDate.from(localDateOf(timezone, at))
  const back = from === undefined ? 0 : (date.dayOfWeek - 1 - weekdays.indexOf(from) + 7) % 7
  const first = date.subtract({ days: back })
  const last = first.add({ days: days - 1 })
  return { start: spanOfDay(timezone, first.toString()).start, end: spanOfDay(timezone, last.toString()).end }
}
