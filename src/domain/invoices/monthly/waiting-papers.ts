/**
 * Issues the papers that wait for a booking: InvoiceHandler has not handled these payments and refunds yet. Whoever
 * judges what is open on a bill does this first. Each has its paper once, so the handler finds it there.
 */
import type { Tx } from "#base/database/transaction.ts"
import { creditRefund, invoicePayment } from "#domain/invoices/of-money.ts"

export async function issueWaitingPapers(tx: Tx, facilityId: string, bookingId: string): Promise<void> {
  const money = await tx<{ id: string; is_refund: boolean }[]>`
    select m.id, m.is_refund from (
      select id, false as is_refund from slotbase.payments
      where reference_id = ${bookingId} and facility_id = ${facilityId} and reference_type = 'booking' and status = 'succeeded'
      union all
      select id, false from slotbase.offline_payments where booking_id = ${bookingId} and facility_id = ${facilityId}
      union all
      select id, true from slotbase.refunds
      where reference_id = ${bookingId} and facility_id = ${facilityId} and reference_type = 'booking' and status = 'succeeded'
    ) m
    order by m.is_refund, m.id`
  for (const { id, is_refund } of money) {
    if (is_refund) await creditRefund(tx, facilityId, id)
    else await invoicePayment(tx, facilityId, id)
  }
}
