/**
 * Holds: a slot kept for somebody for a few minutes. A hold is a booking in the state "held", and expires by the clock
 * alone. The next booking of its slot, or the job hold-expiration, then releases it.
 */
import type { Member } from "#access/caller.ts"
import { reached } from "#base/crash-points.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, WrongState } from "#base/errors.ts"
import type { Hooked } from "#base/hooks.ts"
import { newId } from "#base/ids.ts"
import { requireChargeable } from "#base/money.ts"
import { type Booking, maxExtensions, toBooking } from "./answer.ts"
import { recordExtended } from "./change-events.ts"
import { recordHeld, recordReleased } from "./events.ts"
import { afterHoldsEnded, recordHoldsExpired } from "./holds-ended.ts"
import type { HoldInput } from "./input.ts"
import { insertPlanned } from "./insert-planned.ts"
import { lockOwn, requireLiveHold } from "./lock-own.ts"
import type { MayBook } from "./may-book.ts"
import { planBooking } from "./plan.ts"
import { changeBooking, expireHoldsAnywhere } from "./rows.ts"
import { wouldServe } from "./waitlist/candidates.ts"

/**
 * Holds a slot for the facility's `holdMinutes`. Records booking.hold.created. A booking that staff must approve cannot
 * be held: it is requested with POST …/bookings.
 * @throws NotAllowed, NotFound, InvalidInput, RuleBroken, SlotTaken
 */
export async function createHold(tx: Tx, mayBook: MayBook, wanted: Hooked<HoldInput>): Promise<Booking> {
  const plan = await planBooking(tx, mayBook, wanted)
  if (plan.needsApproval) {
    const message =
      "Such a booking is approved by staff: ask for it with POST …/bookings; it keeps the slot until then."
    throw new RuleBroken("approval_required", message)
  }
  // Members pay for a hold by card; staff may also take the money at the desk.
  if (!mayBook.member.isStaff) requireChargeable(plan.price, plan.currency, "body.endAt")
  const hold = await insertPlanned(tx, plan, { status: "held", payment_method: null, hold_id: newId() })
  recordHeld(tx, hold)
  return toBooking(hold)
}

/**
 * Gives a live hold its full time again, from now on: the facility's `holdMinutes`, and not beyond the start of its
 * slot. A hold that would end no later stays as it is. Records booking.hold.extended.
 * @throws NotFound, WrongState (booking_not_held, hold_expired, somebody_waits, no_extension_left)
 */
export async function extendHold(tx: Tx, member: Member, bookingId: string): Promise<Booking> {
  const hold = await lockOwn(tx, member, bookingId)
  requireLiveHold(hold, "extended")
  if (hold.hold_extensions >= maxExtensions) {
    throw new WrongState("no_extension_left", `A hold gets more time ${maxExtensions} times at most.`)
  }
  const slot = {
    facilityId: hold.facility_id,
    resourceId: hold.resource_id,
    startAt: hold.start_at,
    endAt: hold.end_at,
  }
  if (await wouldServe(tx, slot)) {
    throw new WrongState("somebody_waits", "Somebody is waiting for this time: book it before the hold ends.")
  }
  const [facility] = await tx<{ hold_minutes: number }[]>`
    select hold_minutes from slotbase.facilities where id = ${hold.facility_id}`
  const until = hold.now.getTime() + (facility?.hold_minutes ?? 0) * 60_000
  const expiresAt = new Date(Math.min(until, hold.start_at.getTime()))
  if (hold.hold_expires_at !== null && expiresAt <= hold.hold_expires_at) return toBooking(hold)
  const hold_extensions = hold.hold_extensions + 1
  const extended = await changeBooking(tx, hold, { status: "held", hold_expires_at: expiresAt, hold_extensions })
  recordExtended(tx, extended, member.caller.userId)
  return toBooking(extended)
}

/**
 * Gives a live hold back. Records booking.hold.released with the reason "released".
 * @throws NotFound, WrongState (booking_not_held, hold_expired)
 */
export async function releaseHold(tx: Tx, member: Member, bookingId: string): Promise<Booking> {
  const hold = await lockOwn(tx, member, bookingId)
  requireLiveHold(hold, "released")
  const released = await changeBooking(tx, hold, { status: "released" }, true)
  recordReleased(tx, released)
  await afterHoldsEnded(tx, [released])
  return toBooking(released)
}

/**
 * Releases at most `limit` expired holds of a facility, or of all, the oldest first; returns their number. Records
 * booking.hold.released for each.
 */
export async function expireHolds(tx: Tx, limit: number, facilityId?: string): Promise<number> {
  const expired = await expireHoldsAnywhere(tx, limit, facilityId)
  recordHoldsExpired(tx, expired)
  await afterHoldsEnded(tx, expired)
  if (expired.length > 0) reached("holds-expired")
  return expired.length
}
