/**
 * InvoiceHandler ("Generate invoice/receipt"): a numbered invoice for each payment, and a credit note for each refund,
 * in the transaction that settles the run. A billed booking that is not owed any more has a credit note for its bill.
 * Each paper is unique by its cause, and issues the paper that it builds on first. So a repeated event issues nothing,
 * and events in another order lead to the same papers. The counters of all sellers of a batch are locked at its start,
 * in one order, so that two batches cannot wait for each other.
 */
import type { Tx } from "#base/database/transaction.ts"
import { billedAmong } from "#domain/invoices/monthly/bill-rows.ts"
import { correctBill } from "#domain/invoices/monthly/correct-bill.ts"
import { lockCounters } from "#domain/invoices/numbers.ts"
import { creditRefund, invoicePayment, invoiceReturned, sellerOf } from "#domain/invoices/of-money.ts"
import type { EventData } from "#events/catalogue.ts"
import type { HandledEvent, Outcome, SetBasedHandler } from "./handler.ts"

/** After them less may be owed than a bill says. */
const correcting = [
  "booking.cancelled",
  "booking.rescheduled",
  "booking.no_show.waived",
  "booking.no_show.undone",
] as const
/** Papers issued under one lock. With a whole claim of a hundred, others waited until their runs counted as failed. */
const papersAtOnce = 10

export const invoiceHandler = (): SetBasedHandler => ({
  kind: "transactional",
  name: "InvoiceHandler",
  atMost: papersAtOnce,
  events: ["payment.succeeded", "offline_payment.recorded", "payment.refunded", "payment.refund_failed", ...correcting],
  handleAll: async (tx, events) => {
    const billed = await billedAmong(tx, events.filter(isCorrecting).map(bookingOf))
    const isUnbilled = (event: HandledEvent) => isCorrecting(event) && !billed.has(bookingOf(event).bookingId)
    const concerned = events.filter((event) => !isUnbilled(event))
    await lockCounters(
      tx,
      concerned.map(({ facility_id, data }) => sellerOf(facility_id, referenceTypeOf(data))),
    )
    const outcomes: Outcome[] = []
    for (const event of events)
      outcomes.push(isUnbilled(event) ? { skipped: "it is on no bill" } : await issue(tx, event))
    return outcomes
  },
})

const isCorrecting = ({ type }: HandledEvent) => (correcting as readonly string[]).includes(type)

const bookingOf = ({ facility_id: facilityId, data }: HandledEvent) => ({
  facilityId,
  bookingId: (data as { readonly bookingId: string }).bookingId,
})

async function issue(tx: Tx, event: HandledEvent): Promise<Outcome> {
  const { facility_id: facilityId, data } = event
  switch (event.type) {
    case "payment.succeeded": {
      const { transactionId } = data as EventData<"payment.succeeded">
      return (await invoicePayment(tx, facilityId, transactionId))
        ? undefined
        : { skipped: "it pays an issued invoice" }
    }
    case "offline_payment.recorded": {
      const { offlinePaymentId } = data as EventData<"offline_payment.recorded">
      return (await invoicePayment(tx, facilityId, offlinePaymentId))
        ? undefined
        : { skipped: "there is no such payment" }
    }
    case "payment.refunded": {
      const { refundId } = data as EventData<"payment.refunded">
      return (await creditRefund(tx, facilityId, refundId)) ? undefined : { skipped: "there is no such refund" }
    }
    case "payment.refund_failed": {
      const { refundId } = data as EventData<"payment.refund_failed">
      return (await invoiceReturned(tx, facilityId, refundId)) ? undefined : { skipped: "nothing was credited for it" }
    }
    default:
      return (await correctBill(tx, facilityId, bookingOf(event).bookingId, event.id))
        ? undefined
        : { skipped: "its bills are right" }
  }
}

const referenceTypeOf = (data: unknown): string | null => (data as { referenceType?: string }).referenceType ?? null
