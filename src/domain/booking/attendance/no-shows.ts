/**
 * No-shows: staff mark one, or a job marks it when the facility's grace has passed. A no-show costs a strike. By the
 * facility's policy it also costs a fee, and the right to book for some days. Staff may waive all of it, or undo the
 * no-show (`undo.ts`).
 */
import * as Schema from "effect/Schema"
import { type Member, requireStaffMember } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { WrongState } from "#base/errors.ts"
import { jobsUserId } from "#base/ids.ts"
import { Count, Id, Instant, Money } from "#base/schema/fact-fields.ts"
import { type Booking, toBooking } from "#domain/booking/answer.ts"
import type { BookingRow, LockedBooking } from "#domain/booking/booking-row.ts"
import { recordNoShowWaived } from "#domain/booking/change-events.ts"
import { recordNoShow } from "#domain/booking/events.ts"
import { countMissed, lockMissed } from "#domain/booking/find.ts"
import { lockOwn, requireOpen, requireStarted, requireStatus } from "#domain/booking/lock-own.ts"
import { changeBooking, strikeOne } from "#domain/booking/rows.ts"
import { whyNotOpen } from "#domain/booking/struck/judge.ts"
import { type Charge, charge, waiveCharge } from "#domain/ledger/charges.ts"
import { graceEndOf } from "./grace.ts"
import { giveStrike, waiveStrike } from "./strikes.ts"

/**
 * Staff mark a no-show. It gives a strike, charges the fee and, from the threshold on, restricts the booker. Records
 * booking.no_show.
 * @throws NotAllowed, NotFound, WrongState (booking_not_confirmed, booking_not_started, grace_not_over)
 * @throws RuleBroken facility_closed
 */
export async function markNoShow(tx: Tx, member: Member, bookingId: string): Promise<Booking> {
  requireStaffMember(member)
  const booking = await lockOwn(tx, member, bookingId)
  requireStatus(booking, ["confirmed"], "booking_not_confirmed", "marked as a no-show")
  requireStarted(booking)
  await requireStillOpen(tx, booking)
  await requireGraceOver(tx, booking)
  return toBooking(await miss(tx, booking, member.caller.userId))
}

/**
 * Marks bookings to which nobody came within the grace: at most `limit`, of one facility or of all. Records
 * booking.no_show for each. Answers how many were judged. A booking whose time is not open is marked as struck
 * instead: it was made while the closure was, and neither saw the other.
 */
export async function detectNoShows(tx: Tx, limit: number, facilityId?: string): Promise<number> {
  const missed = await lockMissed(tx, limit, facilityId)
  // Sequential: the second no-show of a member must count the first one.
  for (const booking of missed) {
    const why = await whyNotOpen(tx, booking)
    if (why === undefined) await miss(tx, booking, jobsUserId)
    else await strikeOne(tx, booking, why)
  }
  return missed.length
}

/** How many bookings the next pass of the job no-show-detection would mark. */
export const countDueNoShows = (db: Queryable, facilityId?: string): Promise<number> => countMissed(db, facilityId)

export const NoShowWaiver = Schema.Struct({
  bookingId: Id,
  userId: Id,
  waivedBy: Id,
  waivedAt: Instant,
  feeWaived: Money,
  strikeCount: Count,
}).annotate({ identifier: "NoShowWaiver" })
export type NoShowWaiver = typeof NoShowWaiver.Type

/**
 * Staff forgive a no-show. The booking stays a no-show; its strike no longer counts, its fee is no longer due, its
 * restriction ends. Records booking.no_show.waived.
 * @throws NotAllowed, NotFound, WrongState (booking_not_no_show, no_show_waived)
 */
export async function waiveNoShow(
  tx: Tx,
  member: Member,
  bookingId: string,
  { reason }: { readonly reason: string },
): Promise<NoShowWaiver> {
  requireStaffMember(member)
  const { caller } = member
  const booking = await lockOwn(tx, member, bookingId)
  requireStatus(booking, ["no_show"], "booking_not_no_show", "waived")
  const { strikeCount, fee, at } = await waiveStrike(tx, booking, caller.userId, reason)
  if (fee > 0) await waiveFee(tx, booking, fee)
  recordNoShowWaived(tx, booking, { by: caller.userId, at, reason, fee, strikeCount })
  return {
    bookingId,
    userId: booking.booker_id,
    waivedBy: caller.userId,
    waivedAt: at.toISOString(),
    feeWaived: fee,
    strikeCount,
  }
}

/** The fee of a no-show is not due any more; what was paid of it is refunded. */
export const waiveFee = (tx: Tx, booking: BookingRow, fee: number): Promise<void> =>
  waiveCharge(tx, feeOf(booking, fee))

async function miss(tx: Tx, booking: LockedBooking, by: string): Promise<BookingRow> {
  const missed = await changeBooking(tx, booking, { status: "no_show", no_show_at: booking.now })
  const strike = await giveStrike(tx, booking, by)
  if (strike.fee > 0) await charge(tx, { ...feeOf(booking, strike.fee), taxRate: strike.feeTaxRate })
  recordNoShow(tx, missed, booking.now, strike)
  return missed
}

const feeOf = (booking: BookingRow, amount: number): Charge => ({
  facilityId: booking.facility_id,
  userId: booking.booker_id,
  amount,
  currency: booking.price_currency,
  reason: "no_show_fee",
  referenceType: "booking",
  referenceId: booking.id,
})

/** Nobody is punished by a closed club. */
async function requireStillOpen(tx: Tx, booking: LockedBooking): Promise<void> {
  requireOpen({ ...booking, struck_reason: booking.struck_reason ?? (await whyNotOpen(tx, booking)) ?? null })
}

/** The grace is a promise to members, so staff keep it too. */
async function requireGraceOver(tx: Tx, booking: LockedBooking): Promise<void> {
  const over = await graceEndOf(tx, booking)
  if (booking.now < over) throw new WrongState("grace_not_over", `The booker is in time until ${over.toISOString()}.`)
}
