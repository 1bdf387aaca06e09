/** The checks of every command that changes a booking: the right to change it, and its state. */
import { childrenOf, type Member, mayActFor } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import { requireNoBlock } from "./block-of.ts"
import type { BookingRow, LockedBooking, Status } from "./booking-row.ts"
import { lockBooking } from "./find.ts"

/**
 * Locks a booking that the member may act on: their own, or their child's if they may book for the child. Staff may act
 * on any. A coach's block is changed as a block.
 * @throws NotFound, NotAllowed for a child's booking without that permission, WrongState booking_is_coach_block
 */
export async function lockOwn(tx: Tx, member: Member, bookingId: string): Promise<LockedBooking> {
  const booking = await lockBooking(tx, member.facilityId, bookingId)
  if (!isTheirs(member, booking)) throw new NotFound("booking", bookingId)
  if (!member.isStaff && !mayActFor(member, booking.booker_id, "book")) {
    throw new NotAllowed("You see this child's bookings, and may not make or change them.")
  }
  await requireNoBlock(tx, booking)
  return booking
}

/** Whether the member may see a booking of the facility: their own, their children's, or any as staff. */
export const isTheirs = (member: Member, booking: BookingRow): boolean =>
  member.isStaff || familyOf(member).includes(booking.booker_id)

/**
 * A member and the children of links that count in the facility, whose bookings they see. `mayActFor` says what they
 * may do for a child.
 */
export const familyOf = (member: Member): string[] => [member.caller.userId, ...childrenOf(member)]

/** `offline` and `waived` are for staff and keys, `online` for every member. Throws NotAllowed. */
export function requireMayPay(member: Member, paymentMethod: string): void {
  if (paymentMethod !== "online" && !member.isStaff) {
    throw new NotAllowed(`The payment method ${paymentMethod} is for staff and API keys.`)
  }
}

/** Throws WrongState unless the booking is in one of the states from which it can become `what`. */
export function requireStatus(booking: BookingRow, from: readonly Status[], code: string, what: string): void {
  if (from.includes(booking.status)) return
  const needed = from.map(worded).join(" or ")
  throw new WrongState(code, `The booking is ${worded(booking.status)}; only one that is ${needed} can be ${what}.`)
}

/** Throws WrongState unless the booking is a hold whose time is not over. */
export function requireLiveHold(booking: LockedBooking, what: string): void {
  if (booking.status === "expired" && booking.hold_id !== null) {
    const at = booking.hold_expires_at?.toISOString()
    throw new WrongState(
      "hold_expired",
      `The hold expired at ${at}; it can no longer be ${what}. Hold or book the slot again.`,
    )
  }
  requireStatus(booking, ["held"], "booking_not_held", what)
}

/** Throws RuleBroken `facility_closed` when the booking's time is not open any more. */
export function requireOpen({ struck_reason }: BookingRow): void {
  if (struck_reason !== null) throw new RuleBroken("facility_closed", `The facility is closed then: ${struck_reason}.`)
}

/** Throws WrongState booking_not_started. */
export function requireStarted({ start_at, now }: LockedBooking): void {
  if (now < start_at) throw new WrongState("booking_not_started", `The booking starts at ${start_at.toISOString()}.`)
}

const worded = (status: string) => status.replace("_", " ").replace("no show", "a no-show")
