/**
 * Takes a slot. The constraint slot_taken_once decides, never a check beforehand. For a lesson or a block the
 * constraint coach_in_one_place decides too. The loser is told the conflicts and what is free nearby. An expired hold
 * in the way is released in the same transaction, so a free slot never waits for the job hold-expiration. The rest of
 * that hold's time is then offered to the waitlist.
 */

import type { Tx } from "#base/database/transaction.ts"
import { type Alternative, CoachTaken, type Conflict, SlotTaken } from "#base/errors.ts"
import { localDateOf, type Span } from "#base/local-days.ts"
import { closuresIn, isClosedAt } from "#domain/club/closed.ts"
import { isOpenDuring, type OpeningHours } from "#domain/club/opening-hours.ts"
import type { BookingRow } from "./booking-row.ts"
import { bufferOf, occupiedBy } from "./buffers.ts"
import { coachConflicts, type Engagement, engagementsOf, lockCoach, takeCoach } from "./coach-time.ts"
import { afterHoldsEnded, recordHoldsExpired } from "./holds-ended.ts"
import { longestBookingMinutes } from "./input.ts"
import type { BookingPlan } from "./planned.ts"
import {
  type ExpiredHold,
  expireHoldsIn,
  expireHoldsOfCoach,
  type Inserted,
  insertBooking,
  type NewBooking,
} from "./rows.ts"
import { type SlotRules, startsOfRules } from "./slot-rules.ts"

/**
 * The conflict may change between two attempts. After this many attempts the slot is in demand, and counts as taken.
 */
const maxAttempts = 3
const maxAlternatives = 3

/** A stretch of a resource to take, with the facts from which alternatives are found. */
export type Wish = Pick<
  BookingPlan,
  | "facilityId"
  | "timezone"
  | "openingHours"
  | "slotMinutes"
  | "slotRules"
  | "resource"
  | "bookingType"
  | "span"
  | "bufferMinutes"
  | "now"
  | "coachId"
>

/** Inserts the booking with its occupancy, and that of its coach. Throws SlotTaken, CoachTaken. */
export const takeSlot = (tx: Tx, wish: Wish, booking: NewBooking): Promise<Inserted> =>
  tryToTake(tx, wish, () =>
    wish.coachId === undefined ? insertBooking(tx, booking) : insertLesson(tx, booking, wish.coachId),
  )

/** Both or neither: a lesson whose coach is busy leaves no row. */
async function insertLesson(tx: Tx, booking: NewBooking, coachId: string): Promise<Inserted | undefined> {
  try {
    return await tx.savepoint(async (inner) => {
      const [inserted, taken] = await Promise.all([insertBooking(inner, booking), takeCoach(inner, booking, coachId)])
      if (inserted === undefined || !taken) throw new NotBoth()
      return inserted
    })
  } catch (error) {
    if (error instanceof NotBoth) return undefined
    throw error
  }
}

class NotBoth extends Error {}

/**
 * Tries until it has the stretch, or a live booking or hold stands in the way.
 * @param attempt undefined: the stretch is occupied, or the coach is busy
 * @throws SlotTaken, CoachTaken
 */
export async function tryToTake<T>(tx: Tx, wish: Wish, attempt: () => Promise<T | undefined>): Promise<T> {
  const { facilityId, resource, coachId } = wish
  const span = occupiedBy(wish.span, wish.bufferMinutes)
  if (coachId !== undefined) await lockCoach(tx, coachId)
  const expired: ExpiredHold[] = []
  let near: readonly Occupied[] = []
  let engaged: readonly Engagement[] = []
  for (let tries = 1; tries <= maxAttempts; tries++) {
    const taken = await attempt()
    if (taken !== undefined) {
      await afterHoldsEnded(tx, expired)
      return taken
    }
    near = await occupiedNear(tx, wish)
    engaged = await engagedNear(tx, wish)
    const inTheWay = near.filter((each) => each.resource_id === resource.id && overlaps(each, span))
    const meanwhile = engaged.filter((each) => overlaps(each, wish.span))
    if ([...inTheWay, ...meanwhile].some((each) => !each.expired)) break
    if (inTheWay.length > 0) {
      const holds = await expireHoldsIn(tx, facilityId, resource.id, new Date(span.start), new Date(span.end))
      recordHoldsExpired(tx, holds)
      expired.push(...holds)
    }
    if (coachId !== undefined && meanwhile.length > 0) {
      const holds = await expireHoldsOfCoach(tx, coachId, new Date(wish.span.start), new Date(wish.span.end))
      recordHoldsExpired(tx, holds)
      expired.push(...holds)
    }
  }
  await afterHoldsEnded(tx, expired)
  const [taken, free] = [conflicts(near, wish), await alternatives(tx, near, wish, engaged)]
  const meanwhile = engaged.filter((each) => overlaps(each, wish.span))
  if (taken.length === 0 && meanwhile.length > 0) throw new CoachTaken(coachConflicts(meanwhile, facilityId), free)
  throw new SlotTaken(taken, free)
}

/** Free stretches near the time of a booking, without that time: alternatives for a booker that lost it. */
export async function freeNear(tx: Tx, booking: BookingRow): Promise<readonly Alternative[]> {
  const wish = await wishOf(tx, booking)
  return alternatives(tx, await occupiedNear(tx, wish), wish)
}

/** The wish for the time that a booking has, or had. */
export async function wishOf(tx: Tx, booking: BookingRow): Promise<Wish> {
  const [found] = await tx<[WishRow]>`
    select f.timezone, f.opening_hours, f.slot_minutes, r.resource_type, slotbase.now() as now,
           q.start_grid_minutes, q.least_minutes, q.greatest_minutes, q.length_step_minutes
    from slotbase.facilities f
    left join slotbase.booking_policies q on q.facility_id = f.id
    join slotbase.resources r on r.facility_id = f.id and r.id = ${booking.resource_id}
    where f.id = ${booking.facility_id}`
  return {
    facilityId: booking.facility_id,
    timezone: found.timezone,
    openingHours: found.opening_hours,
    slotMinutes: found.slot_minutes,
    slotRules: found,
    resource: { id: booking.resource_id, name: booking.resource_name, type: found.resource_type },
    bookingType: booking.booking_type,
    bufferMinutes: booking.buffer_minutes,
    span: { start: booking.start_at.getTime(), end: booking.end_at.getTime() },
    now: found.now.getTime(),
  }
}

interface WishRow extends SlotRules {
  readonly timezone: string
  readonly opening_hours: OpeningHours
  readonly slot_minutes: number
  readonly resource_type: string
  readonly now: Date
}

interface Occupied extends Span {
  readonly resource_id: string
  /** The buffer that the wished booking would have there. */
  readonly buffer: number
  readonly status: string
  /** An expired hold, which blocks nobody. */
  readonly expired: boolean
}

/**
 * All resources of the wanted resource's type, each with its occupancies on the days around. A resource without any
 * has one row with the status "free". What a calendar outside has is "busy".
 */
async function occupiedNear(tx: Tx, { facilityId, resource, bookingType, span }: Wish): Promise<readonly Occupied[]> {
  const { from, to } = around(span)
  return tx<Occupied[]>`
    select r.id as resource_id, coalesce(b.status, case when o.sync_id is null then 'free' else 'busy' end) as status,
           ${bufferOf(tx, tx`r.facility_id`, tx`r.id`, tx`${bookingType}::text`)} as buffer,
           coalesce(b.status = 'held' and b.hold_expires_at <= (select slotbase.now()), o.sync_id is null) as expired,
           coalesce(extract(epoch from lower(o.during)) * 1000, 0)::float8 as start,
           coalesce(extract(epoch from upper(o.during)) * 1000, 0)::float8 as end
    from slotbase.resources r
    left join slotbase.occupancies o
      on o.facility_id = r.facility_id and o.resource_id = r.id and o.during && tstzrange(${from}, ${to})
    left join slotbase.bookings b on b.id = o.booking_id and b.facility_id = o.facility_id
    where r.facility_id = ${facilityId} and r.resource_type = ${resource.type} and r.is_active
    order by r.name, r.id, o.during`
}

/** The times around that the wish's coach has taken; none without a coach. */
async function engagedNear(tx: Tx, { coachId, span }: Wish): Promise<readonly Engagement[]> {
  if (coachId === undefined) return []
  const { from, to } = around(span)
  return engagementsOf(tx, coachId, from, to)
}

/** A conflict lasts as long as its booking with its buffer. */
const conflicts = (near: readonly Occupied[], { resource, span, bufferMinutes }: Wish): Conflict[] =>
  near
    .filter(
      (each) => !each.expired && each.resource_id === resource.id && overlaps(each, occupiedBy(span, bufferMinutes)),
    )
    .map((each) => ({ ...isoOf(each), status: each.status }))

/**
 * Free stretches of the same length on the same local day, each with room for its buffer, at starts that members may
 * choose. The nearest come first; at equal distance, those of the same resource.
 */
async function alternatives(
  tx: Tx,
  near: readonly Occupied[],
  wish: Wish,
  engaged: readonly Engagement[] = [],
): Promise<Alternative[]> {
  const { facilityId, span, resource, openingHours, timezone, slotMinutes, slotRules, now } = wish
  const closures = await closuresIn(tx, facilityId, { start: span.start - dayMs, end: span.end + dayMs })
  const lengthMs = span.end - span.start
  const hours = { ...slotRules, openingHours, timezone }
  const starts = [...new Set([span.start, ...startsOfRules(hours, localDateOf(timezone, span.start), slotMinutes)])]
    .filter((start) => start >= now)
    .sort((a, b) => Math.abs(a - span.start) - Math.abs(b - span.start) || a - b)
  const buffers = new Map([
    [resource.id, wish.bufferMinutes],
    ...near.map((each) => [each.resource_id, each.buffer] as const),
  ])
  const found: Alternative[] = []
  for (const start of starts) {
    const stretch = { start, end: start + lengthMs }
    if (!isOpenDuring(openingHours, timezone, stretch)) continue
    if (engaged.some((each) => !each.expired && overlaps(each, stretch))) continue
    for (const [resourceId, buffer] of buffers) {
      const needed = occupiedBy(stretch, buffer)
      const taken = near.some((each) => !each.expired && each.resource_id === resourceId && overlaps(each, needed))
      const same = resourceId === resource.id && start === span.start
      if (!taken && !same && !isClosedAt(closures, resourceId, stretch)) found.push({ resourceId, ...isoOf(stretch) })
      if (found.length === maxAlternatives) return found
    }
  }
  return found
}

/** As long as the longest local day: alternatives are looked for on all of the day. */
const dayMs = longestBookingMinutes * 60_000
const around = ({ start, end }: Span) => ({
  from: new Date(start - dayMs).toISOString(),
  to: new Date(end + dayMs).toISOString(),
})
const overlaps = (a: Span, b: Span) => a.start < b.end && b.start < a.end
const isoOf = ({ start, end }: Span) => ({ startAt: new Date(start).toISOString(), endAt: new Date(end).toISOString() })
