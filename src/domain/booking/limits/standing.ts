/** What a member holds already, as far as the limits of the facility's policy count it. `held.ts` reads it. */
import type { Span } from "#base/local-days.ts"
import type { Weekday } from "#base/weekdays.ts"
import type { MemberLimit } from "./fields.ts"
import { type HeldBooking, hasLapsed } from "./held.ts"

/** A booking or hold that a limit may count. Times in milliseconds since the Unix epoch. */
export interface Held extends Span {
  readonly id: string
  readonly resourceId: string
  readonly status: string
  /** A hold whose time is over and that nobody has released yet. */
  readonly lapsed: boolean
}

export interface MemberStanding {
  readonly limits: readonly MemberLimit[]
  readonly weekStartsOn: Weekday
  readonly roles: readonly string[]
  /** By their start, as far as the limits need them. */
  readonly bookings: readonly Held[]
  /** The booking that moves, where it is now; null: no booking moves, or no limit counts it. */
  readonly moving: Span | null
}

/** The rows that a standing is made of. Without a policy there are no limits. */
export interface StandingFacts {
  readonly member_limits: readonly MemberLimit[] | null
  readonly week_starts_on: Weekday | null
  readonly roles: readonly string[]
  readonly held: readonly HeldBooking[]
  readonly moving: Span | null
}

/** Null where the facility sets no limits. */
export function standingOf(facts: StandingFacts, bookerId: string, now: number): MemberStanding | null {
  const { member_limits: limits, week_starts_on, roles, held, moving } = facts
  if (limits === null || limits.length === 0) return null
  return { limits, weekStartsOn: week_starts_on ?? "monday", roles, bookings: countedOf(held, bookerId, now), moving }
}

const ended = new Set(["expired", "released"])

const countedOf = (held: readonly HeldBooking[], bookerId: string, now: number): Held[] =>
  held
    .filter((each) => each.counts && each.bookerId === bookerId && !ended.has(each.status))
    .filter(({ status, start }) => status !== "pending" || start > now)
    .map((each) => ({
      id: each.id,
      resourceId: each.resourceId,
      status: each.status,
      start: each.start,
      end: each.end,
      lapsed: hasLapsed(each, now),
    }))
