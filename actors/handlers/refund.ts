/**
 * RefundHandler refunds payments. The amount was decided in the transaction of booking.cancelled (refundAmount). Here
 * it is divided over the payments, the newest first, and marked in one transaction, once per event. Then the provider
 * is asked outside of any transaction, under each refund's id. A refund of an offline payment is marked as owed. For
 * booking.payment_voided all refunds are marked already, and are only sent. When a refund was refused since then and
 * its dead letter is reprocessed, the refund is marked anew. No payment is retried (RETRY_CONFIG). A repeated run
 * creates no second refund and sends no second request. The job payment-resolution looks up refunds without an answer.
 * A refund that the provider refuses is a dead letter.
 */

import { jobsUserId } from "#base/ids.ts"
import { lockBooking } from "#domain/booking/find.ts"
import { type MarkedRefund, markRefund } from "#domain/ledger/mark-refund.ts"
import type { Reference } from "#domain/ledger/payment-rows.ts"
import { refundsOf } from "#domain/ledger/refund-rows.ts"
import { type RefundTools, sendRefund } from "#domain/payments/send-refund.ts"
import type { EventData } from "#events/catalogue.ts"
import { causedBy } from "#events/caused-by.ts"
import { transact } from "#events/outbox.ts"
import { type ExternalHandler, GiveUp, type HandledEvent, type Outcome } from "./handler.ts"

export const refundHandler = (tools: RefundTools): ExternalHandler => ({
  kind: "external",
  name: "RefundHandler",
  events: ["booking.cancelled", "booking.payment_voided"],

  async handle(event): Promise<Outcome> {
    const { bookingId } = event.data as { bookingId: string }
    const marked = event.type === "booking.cancelled" ? ofCancelled(event) : ofVoided(event)
    if (marked === undefined) return { skipped: "nothing is to be given back" }
    const reference = { facilityId: event.facility_id, referenceType: "booking", referenceId: bookingId } as const
    await transact(tools.db, causedBy(event, tools.config.environment), async (tx) => {
      const { cancelled_at } = await lockBooking(tx, event.facility_id, bookingId)
      // A payment that was settled after the cancellation is voided and refunded whole: it does not count here.
      const known = event.type === "booking.cancelled" && cancelled_at && { paidUntil: cancelled_at.toISOString() }
      await markRefund(tx, { ...reference, ...marked, ...known })
    })
    const refunds = await refundsOf(tools.db, reference)
    for (const refund of refunds) {
      const { refund: sent } = await sendRefund(tools, refund)
      if (sent.status === "failed" && refund.status !== "failed") {
        throw new GiveUp(`The refund ${sent.id} was refused: ${sent.failure_reason}`, sent.failure_code ?? "refused")
      }
    }
    return refunds.length === 0 ? { skipped: "nothing was paid" } : undefined
  },
})

type Marked = Omit<MarkedRefund, keyof Reference>

/** Undefined: nothing is to be refunded. */
function ofCancelled({ id, data }: HandledEvent): Marked | undefined {
  const { refundAmount = 0, cancellationReason, cancelledBy } = data as EventData<"booking.cancelled">
  if (refundAmount === 0) return undefined
  return {
    amount: refundAmount,
    reason: cancellationReason || "Booking cancelled",
    refundedBy: cancelledBy === "system" ? jobsUserId : cancelledBy,
    sourceId: id,
  }
}

/**
 * The source is the event of the payment, as BookingConfirmationHandler marked it: so it is not marked a second time.
 */
function ofVoided({ id, causation_id, data }: HandledEvent): Marked {
  const { amount, transactionId } = data as EventData<"booking.payment_voided">
  const reason = "The payment came too late"
  return { amount, reason, refundedBy: jobsUserId, sourceId: causation_id ?? id, paymentId: transactionId }
}
