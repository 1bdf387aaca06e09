/**
 * Cancels a booking: refunds by the policy under which it was made, frees the slot, and records both in one event. The
 * refund is marked in the same transaction, so no other refund can count the same money.
 */

import * as Schema from "effect/Schema"
import type { Caller, Member } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, WrongState } from "#base/errors.ts"
import { unitOf } from "#base/money.ts"
import { Currency, Id, Money } from "#base/schema/fact-fields.ts"
import { markRefund } from "#domain/ledger/mark-refund.ts"
import { noteChange } from "#events/audit.ts"
import { accountOf, type BookingAccount } from "./account.ts"
import { type Booking, toBooking } from "./answer.ts"
import type { BookingRow, LockedBooking } from "./booking-row.ts"
import { recordBookingCancelled } from "./events.ts"
import { freedSlotOf } from "./holds-ended.ts"
import { lockOwn, requireStatus } from "./lock-own.ts"
import { type RefundQuote, refundOf } from "./refund-quote.ts"
import { changeBooking } from "./rows.ts"
import { afterSlotsFreed } from "./slots-freed.ts"
import { whyNotOpen } from "./struck/judge.ts"

export interface Cancellation {
  readonly cancellationReason: string
  /** Staff: overrides the policy. */
  readonly refundPercent?: number
}

/** The refund of a cancellation, and the reasons for it. */
export const CancellationQuote = Schema.Struct({
  bookingId: Id,
  paidAmount: Money.annotateKey({ description: "paid, and not refunded" }),
  forfeitedAmount: Money.annotateKey({
    description: "of it: kept by the facility after an earlier move; it is not refunded",
  }),
  currency: Currency,
  refundPercent: Schema.Int,
  refundAmount: Money,
  refundStatus: Schema.Literals(["pending", "none"]),
  lines: Schema.Array(
    Schema.Struct({ rule: Schema.String, refundPercent: Schema.Int, applies: Schema.Boolean }),
  ).annotate({
    description: "the rules considered, in this order; the first that applies decides",
  }),
}).annotate({ identifier: "CancellationQuote" })
export type CancellationQuote = typeof CancellationQuote.Type

/**
 * Cancels a confirmed or pending booking and frees its slot. The booker can cancel until the start, staff also
 * later, and so can the booker of a struck booking.
 * Records booking.cancelled with the refund.
 * @throws NotFound, NotAllowed, WrongState (booking_not_confirmed, booking_started, booking_is_coach_block)
 */
export async function cancelBooking(
  tx: Tx,
  member: Member,
  bookingId: string,
  { cancellationReason, refundPercent }: Cancellation,
): Promise<Booking> {
  const booking = await lockCancellable(tx, member, bookingId, refundPercent)
  return toBooking(await cancelLocked(tx, booking, member.caller, cancellationReason, refundPercent))
}

/** The refund if the booking were cancelled now. Writes nothing. Throws the errors of cancelBooking. */
export async function quoteCancellation(
  tx: Tx,
  member: Member,
  bookingId: string,
  { refundPercent }: Pick<Cancellation, "refundPercent">,
): Promise<CancellationQuote> {
  noteChange(tx, "nothing")
  const booking = await lockCancellable(tx, member, bookingId, refundPercent)
  const { refund, account } = await refundFor(tx, booking, refundPercent)
  return {
    bookingId,
    paidAmount: account.live + account.forfeited,
    forfeitedAmount: account.forfeited,
    currency: booking.price_currency,
    refundPercent: refund.percent,
    refundAmount: refund.amount,
    refundStatus: refund.amount > 0 ? "pending" : "none",
    lines: refund.lines,
  }
}

/**
 * Cancels a locked booking. The caller has checked the permission: a coach calls off a lesson, or staff reject a
 * request. Records booking.cancelled.
 * @throws WrongState booking_not_confirmed
 */
export async function cancelLocked(
  tx: Tx,
  booking: LockedBooking,
  by: Pick<Caller, "userId">,
  reason: string,
  refundPercent?: number,
): Promise<BookingRow> {
  requireStatus(booking, ["confirmed", "pending"], "booking_not_confirmed", "cancelled")
  const { refund, account } = await refundFor(tx, booking, refundPercent)
  const change = {
    status: "cancelled",
    cancelled_at: booking.now,
    cancelled_by: by.userId,
    cancellation_reason: reason,
    refund_percent: refund.percent,
    refund_amount: refund.amount,
    forfeited_amount: account.forfeited + refund.forfeited,
  } as const
  const cancelled = await changeBooking(tx, booking, change, true)
  const eventId = recordBookingCancelled(tx, cancelled, by.userId, reason)
  if (refund.amount > 0) {
    await markRefund(tx, {
      facilityId: booking.facility_id,
      referenceType: "booking",
      referenceId: booking.id,
      amount: refund.amount,
      reason: reason || "Booking cancelled",
      refundedBy: by.userId,
      sourceId: eventId,
      causedBy: eventId,
    })
  }
  await afterSlotsFreed(tx, [freedSlotOf(booking)])
  return cancelled
}

async function lockCancellable(
  tx: Tx,
  member: Member,
  bookingId: string,
  refundPercent: number | undefined,
): Promise<LockedBooking> {
  const booking = await lockOwn(tx, member, bookingId)
  requireStatus(booking, ["confirmed", "pending"], "booking_not_confirmed", "cancelled")
  if (member.isStaff) return booking
  if (refundPercent !== undefined) throw new NotAllowed("Only staff can override the cancellation policy.")
  // Nobody loses by a closed club, also when the booker hears of it late.
  if (booking.start_at > booking.now || booking.struck_reason !== null) return booking
  if ((await whyNotOpen(tx, booking)) !== undefined) return booking
  throw new WrongState("booking_started", "The booking has begun; only staff can cancel it now.")
}

/**
 * Runs under the booking's lock, so no payment of the booking comes in between. A booking that is not marked as struck
 * may be in closed time too. Then booking and closure were made at once, and neither saw the other.
 */
async function refundFor(
  tx: Tx,
  booking: LockedBooking,
  override: number | undefined,
): Promise<{ refund: RefundQuote; account: BookingAccount }> {
  const account = await accountOf(tx, booking)
  const { cancellation_policy: policy, start_at: startAt, now: at, status, struck_reason } = booking
  const [pending, unit] = [status === "pending", unitOf(booking.price_currency)]
  const refundIf = (closed: boolean) => refundOf({ policy, startAt, at, account, pending, closed, override, unit })
  const refund = refundIf(struck_reason !== null)
  const isWhole = refund.percent === 100 || override !== undefined
  if (isWhole || (await whyNotOpen(tx, booking)) === undefined) return { account, refund }
  return { account, refund: refundIf(true) }
}
