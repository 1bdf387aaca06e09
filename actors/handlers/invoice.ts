/**
 * InvoiceHandler ("Generate invoice/receipt"): a numbered invoice for each payment, and a credit note for each refund,
 * in the transaction that settles the run. Each paper is unique by its cause, and issues the paper that it builds on
 * first. So a repeated event issues nothing, and events in another order lead to the same papers. The counters of all
 * sellers of a batch are locked at its start, in one order, so that two batches cannot wait for each other.
 */
import type { Tx } from "#base/database/transaction.ts"
import { lockCounters } from "#domain/invoices/numbers.ts"
import { creditRefund, invoicePayment, invoiceReturned, sellerOf } from "#domain/invoices/of-money.ts"
import type { EventData } from "#events/catalogue.ts"
import type { HandledEvent, Outcome, SetBasedHandler } from "./handler.ts"

export const invoiceHandler = (): SetBasedHandler => ({
  kind: "transactional",
  name: "InvoiceHandler",
  events: ["payment.succeeded", "offline_payment.recorded", "payment.refunded", "payment.refund_failed"],
  handleAll: async (tx, events) => {
    await lockCounters(
      tx,
      events.map(({ facility_id, data }) => sellerOf(facility_id, referenceTypeOf(data))),
    )
    const outcomes: Outcome[] = []
    for (const event of events) outcomes.push(await issue(tx, event))
    return outcomes
  },
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
    default: {
      const { refundId } = data as EventData<"payment.refund_failed">
      return (await invoiceReturned(tx, facilityId, refundId)) ? undefined : { skipped: "nothing was credited for it" }
    }
  }
}

const referenceTypeOf = (data: unknown): string | null => (data as { referenceType?: string }).referenceType ?? null
