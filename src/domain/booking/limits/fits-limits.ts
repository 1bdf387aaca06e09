/** Whether a booking that lost its slot may have it again: the limits for members, for a payment that came late. */

import { callerOf, isStaff } from "#access/caller.ts"
import { placeOf } from "#access/membership.ts"
import { compiled } from "#base/database/compiled.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken } from "#base/errors.ts"
import type { LockedBooking } from "#domain/booking/booking-row.ts"
import { requireWithinLimits, withLapsed } from "./check.ts"
import { type HeldRow, heldBookings, heldOf } from "./held.ts"
import { tryToLockMember } from "./lock-member.ts"
import { type StandingFacts, standingOf } from "./standing.ts"

/**
 * True also where staff or a key made the booking: no limit binds it. The booking has expired, so it does not count
 * itself.
 * @throws Error while the booker is just booking something else. The other transaction may be waiting for a hold that
 * this one has locked, so this one gives way and is repeated.
 */
export async function fitsLimits(tx: Tx, booking: LockedBooking): Promise<boolean> {
  const { id, facility_id, booker_id, start_at, end_at, timezone, now } = booking
  const [[lock], [row]] = await Promise.all([
    tryToLockMember(tx, facility_id, booker_id),
    madeWithin<Made>(tx, {
      id,
      facilityId: facility_id,
      bookerId: booker_id,
      startAt: start_at.toISOString(),
    }),
  ])
  const standing = row ? standingOf({ ...row, held: heldBookings(row.held) }, booker_id, now.getTime()) : null
  if (!row || !standing) return true
  const maker = await callerOf(tx, row.created_by)
  if (maker && isStaff(maker, facility_id)) return true
  if (!lock?.locked) throw new Error(`fitsLimits: the booker of ${id} is just booking something else`)
  try {
    const span = { start: start_at.getTime(), end: end_at.getTime() }
    requireWithinLimits(withLapsed(standing), { span, timezone, now: now.getTime() })
    return true
  } catch (error) {
    if (error instanceof RuleBroken) return false
    throw error
  }
}

type Made = Omit<StandingFacts, "held"> & { readonly created_by: string; readonly held: readonly HeldRow[] }

/** Who made the booking, and what its booker holds beside it. */
const madeWithin = compiled<Readonly<Record<"id" | "facilityId" | "bookerId" | "startAt", string>>>(
  (sql, { id, facilityId, bookerId, startAt }) => {
    const booker: Fragment = sql`${bookerId}::uuid`
    const held = heldOf(sql, {
      facilityId,
      bookerId: booker,
      family: sql`array[${booker}]`,
      resourceId: sql`null::uuid`,
      startAt: sql`${startAt}::timestamptz`,
      endAt: sql`${startAt}::timestamptz`,
      now: sql`t.now`,
    })
    return sql`
      select m.created_by, q.member_limits, q.week_starts_on, g.roles, ${held} as held, null as moving
      from slotbase.bookings m
      cross join (select slotbase.now() as now) t
      join slotbase.facilities f on f.id = m.facility_id
      join slotbase.booking_policies q on q.facility_id = f.id
      cross join lateral ${placeOf(sql, booker)} g
      where m.id = ${id} and m.facility_id = ${facilityId}`
  },
)

type Fragment = ReturnType<Queryable>
