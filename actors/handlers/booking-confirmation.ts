/**
 * BookingConfirmationHandler: what a payment that succeeded means for its booking. It was decided in the transaction of the
 * payment that the money is there and what it is for, and nothing of the booking; here, in the transaction that settles
 * the run and with the booking locked, that a live hold becomes a booking, that a dead one is tried to be had again, and
 * else that the payment is void: all of it is marked to be given back, and the payer is told what is free instead.
 * What is sent to the provider is RefundHandler's. The lock makes a repetition find the booking as the first run left it.
 */

import type { Tx } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { jobsUserId } from "#base/ids.ts"
import { confirmPaidHold } from "#domain/booking/confirm.ts"
import { lockBooking } from "#domain/booking/find.ts"
import { retakeSlot } from "#domain/booking/retake-slot.ts"
import type { LockedBooking } from "#domain/booking/row.ts"
import { freeNear } from "#domain/booking/take-slot.ts"
import { dueOf } from "#domain/ledger/due.ts"
import { owesRefund } from "#domain/ledger/mark-refund.ts"
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
      await confirmPaidHold(tx, booking)
      return undefined
    case "expired":
      // Not for money that staff have given back meanwhile.
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
      return giveBackSurplus(tx, event, booking)
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

/** A payment is settled with its booking held, so one of the two was first. */
async function wasKnownWhenCancelled(tx: Tx, event: HandledEvent, { cancelled_at }: LockedBooking): Promise<boolean> {
  const payment = await findPayment(tx, event.facility_id, (event.data as Succeeded).transactionId)
  const settledAt = payment?.settled_at ?? undefined
  return settledAt !== undefined && cancelled_at !== null && settledAt <= cancelled_at
}

/** Somebody has the slot, or nobody can have it any more. */
async function whyNot(tx: Tx, booking: LockedBooking): Promise<VoidReason> {
  const { facility_id, resource_id, start_at, end_at } = booking
  const taken = await tx`
    select from slotbase.occupancies
    where facility_id = ${facility_id} and resource_id = ${resource_id}
      and during && tstzrange(${start_at.toISOString()}, ${end_at.toISOString()})`
  return taken.length > 0 ? "slot_taken" : "not_available"
}

async function voidPayment(tx: Tx, event: HandledEvent, booking: LockedBooking, reason: VoidReason): Promise<Outcome> {
  const paid = event.data as Succeeded
  // What somebody has given back already, by hand or by an earlier run, is not given back again.
  const payment = await findPayment(tx, event.facility_id, paid.transactionId)
  const left = payment ? payment.amount - payment.refunded_amount : 0
  if (left === 0) return { skipped: "all of the payment is given back already" }
  const alternatives = await freeNear(tx, booking)
  await giveBack(tx, event, booking, left, voidWords[reason], paid.transactionId)
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

const voidWords: Readonly<Record<VoidReason, string>> = {
  slot_taken: "The payment came after the hold had expired, and the slot was taken",
  not_available: "The payment came after the hold had expired, and its time had begun or is closed",
  released: "The payment came after the hold was given back",
  cancelled: "The payment came after the booking was cancelled",
}

/** A card that had failed and was charged after all, while another one paid. */
async function giveBackSurplus(tx: Tx, event: HandledEvent, booking: LockedBooking): Promise<Outcome> {
  const { paid, total } = await dueOf(tx, booking.facility_id, "booking", booking.id)
  if (paid <= total) return { skipped: `the booking is ${booking.status}` }
  await giveBack(tx, event, booking, paid - total, "Paid more than was due")
  return undefined
}

const giveBack = (
  tx: Tx,
  event: HandledEvent,
  booking: LockedBooking,
  amount: number,
  reason: string,
  paymentId?: string,
) =>
  owesRefund(tx, {
    ...(paymentId !== undefined && { paymentId }),
    facilityId: booking.facility_id,
    referenceType: "booking",
    referenceId: booking.id,
    amount,
    reason,
    refundedBy: jobsUserId,
    sourceId: event.id,
  })
