/**
 * BookingConfirmationHandler: the effect of a payment that succeeded on its booking, with the booking locked, in the
 * transaction that settles the run. A live hold becomes a booking. For an expired hold it tries to take the slot again.
 * If that fails, the payment is voided: it is marked to be refunded, and the payer is told which times are free
 * instead. The transaction of the payment has decided only that the money arrived, and for which booking. RefundHandler
 * sends the refund. Because of the lock, a repeated run finds the booking as the first run left it.
 */

import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { jobsUserId } from "#base/ids.ts"
import type { LockedBooking } from "#domain/booking/booking-row.ts"
import { occupancyOf } from "#domain/booking/buffers.ts"
import { isCoachTaken } from "#domain/booking/coach-time.ts"
import { confirmPaidHold } from "#domain/booking/confirm.ts"
import { lockBooking } from "#domain/booking/find.ts"
import { retakeSlot } from "#domain/booking/retake-slot.ts"
import { freeNear } from "#domain/booking/take-slot.ts"
import { dueOf } from "#domain/ledger/due.ts"
import { markRefund } from "#domain/ledger/mark-refund.ts"
import { findPayment } from "#domain/ledger/payment-rows.ts"
import type { EventData } from "#events/catalogue.ts"
import { record } from "#events/outbox.ts"
import type { HandledEvent, Outcome, TransactionalHandler } from "./handler.ts"

type Succeeded = EventData<"payment.succeeded">
type VoidReason = EventData<"booking.payment_voided">["reason"]

export const bookingConfirmationHandler = (): TransactionalHandler => ({
  kind: "transactional",
  name: "BookingConfirmationHandler",
  events: ["payment.succeeded"],
  handle,
})

async function handle(tx: Tx, event: HandledEvent): Promise<Outcome> {
  const paid = event.data as Succeeded
  if (paid.referenceType !== "booking") return { skipped: `the payment is for a ${paid.referenceType}` }
  const booking = await lockedBooking(tx, event.facility_id, paid.referenceId)
  if (!booking) return { skipped: "the booking does not exist" }
  switch (booking.status) {
    case "held":
      if (!(await isPaid(tx, booking))) return { skipped: "more is due for the hold" }
      if (booking.struck_reason !== null) return voidPayment(tx, event, booking, "not_available")
      await confirmPaidHold(tx, booking)
      return undefined
    case "expired":
      // Not when staff have refunded the money meanwhile.
      if (!(await isPaid(tx, booking)) || !(await retakeSlot(tx, booking)))
        return voidPayment(tx, event, booking, await whyNot(tx, booking))
      await confirmPaidHold(tx, booking)
      return undefined
    case "released":
      return voidPayment(tx, event, booking, "released")
    case "cancelled":
      if (await wasKnownWhenCancelled(tx, event, booking)) return { skipped: "its cancellation decided about it" }
      return voidPayment(tx, event, booking, "cancelled")
    default:
      return refundSurplus(tx, event, booking)
  }
}

async function lockedBooking(tx: Tx, facilityId: string, bookingId: string): Promise<LockedBooking | undefined> {
  try {
    return await lockBooking(tx, facilityId, bookingId)
  } catch (error) {
    if (error instanceof NotFound) return undefined
    throw error
  }
}

const isPaid = async (tx: Tx, booking: LockedBooking): Promise<boolean> => {
  const { paid, total } = await dueOf(tx, booking.facility_id, "booking", booking.id)
  return paid >= total
}

/** A payment is settled with its booking locked, so the payment or the cancellation was first. */
async function wasKnownWhenCancelled(tx: Tx, event: HandledEvent, { cancelled_at }: LockedBooking): Promise<boolean> {
  const payment = await findPayment(tx, event.facility_id, (event.data as Succeeded).transactionId)
  const settledAt = payment?.settled_at ?? undefined
  return settledAt !== undefined && cancelled_at !== null && settledAt <= cancelled_at
}

/** The slot or its coach is taken, or it can no longer be booked. */
async function whyNot(tx: Tx, booking: LockedBooking): Promise<VoidReason> {
  const { facility_id, resource_id } = booking
  const { startAt, endAt } = occupancyOf(booking)
  const taken = await tx`
    select from slotbase.occupancies
    where facility_id = ${facility_id} and resource_id = ${resource_id}
      and during && tstzrange(${startAt.toISOString()}, ${endAt.toISOString()})`
  return taken.length > 0 || (await isCoachTaken(tx, booking)) ? "slot_taken" : "not_available"
}

async function voidPayment(tx: Tx, event: HandledEvent, booking: LockedBooking, reason: VoidReason): Promise<Outcome> {
  const paid = event.data as Succeeded
  // Money that was refunded already, by hand or by an earlier run, is not refunded again.
  const payment = await findPayment(tx, event.facility_id, paid.transactionId)
  const left = payment ? payment.amount - payment.refunded_amount : 0
  if (left === 0) return { skipped: "all of the payment is given back already" }
  const alternatives = await freeNear(tx, booking)
  await markRefundOf(tx, event, booking, left, reasonInWords[reason], paid.transactionId)
  record(tx, {
    type: "booking.payment_voided",
    facilityId: booking.facility_id,
    data: {
      bookingId: booking.id,
      facilityId: booking.facility_id,
      resourceId: booking.resource_id,
      transactionId: paid.transactionId,
      payerId: paid.payerId,
      bookerId: booking.booker_id,
      startAt: booking.start_at.toISOString(),
      endAt: booking.end_at.toISOString(),
      amount: left,
      currency: paid.currency,
      reason,
      alternatives: [...alternatives],
      voidedAt: booking.now.toISOString(),
    },
    about: { resourceId: booking.resource_id, bookingType: booking.booking_type },
  })
  return undefined
}

const reasonInWords: Readonly<Record<VoidReason, string>> = {
  slot_taken: "The payment came after the hold had expired, and the slot was taken",
  not_available: "The payment came after the hold had expired, and its time had begun or is closed",
  released: "The payment came after the hold was given back",
  cancelled: "The payment came after the booking was cancelled",
}

/** Refunds a surplus: a card was charged after it had failed, and another card has paid meanwhile. */
async function refundSurplus(tx: Tx, event: HandledEvent, booking: LockedBooking): Promise<Outcome> {
  const { paid, total } = await dueOf(tx, booking.facility_id, "booking", booking.id)
  if (paid <= total) return { skipped: `the booking is ${booking.status}` }
  await markRefundOf(tx, event, booking, paid - total, "Paid more than was due")
  return undefined
}

const markRefundOf = (
  tx: Tx,
  event: HandledEvent,
  booking: LockedBooking,
  amount: number,
  reason: string,
  paymentId?: string,
) =>
  markRefund(tx, {
    ...(paymentId !== undefined && { paymentId }),
    facilityId: booking.facility_id,
    referenceType: "booking",
    referenceId: booking.id,
    amount,
    reason,
    refundedBy: jobsUserId,
    sourceId: event.id,
  })
