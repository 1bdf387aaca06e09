/** Whether a booking that lost its slot may have it again: the limits for members, for a payment that came late. */
import { callerOf, isStaff } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken } from "#base/errors.ts"
import type { LockedBooking } from "#domain/booking/booking-row.ts"
import { requireWithinLimits, withLapsed } from "./check.ts"
import { tryToLockMember } from "./lock-member.ts"
import { type Standing, standingOf } from "./standing.ts"

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
    tx<{ created_by: string; standing: Standing | null }[]>`
      select b.created_by, ${standingOf(tx, facility_id, booker_id, start_at.toISOString())} as standing
      from slotbase.bookings b
      join slotbase.facilities f on f.id = b.facility_id
      join slotbase.booking_policies q on q.facility_id = f.id
      where b.id = ${id} and b.facility_id = ${facility_id}`,
  ])
  if (!row?.standing) return true
  const maker = await callerOf(tx, row.created_by)
  if (maker && isStaff(maker, facility_id)) return true
  if (!lock?.locked) throw new Error(`fitsLimits: the booker of ${id} is just booking something else`)
  try {
    const span = { start: start_at.getTime(), end: end_at.getTime() }
    requireWithinLimits(withLapsed(row.standing), { span, timezone, now: now.getTime() })
    return true
  } catch (error) {
    if (error instanceof RuleBroken) return false
    throw error
  }
}
