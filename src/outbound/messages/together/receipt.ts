/**
 * The receipt of a payment and the confirmation of the booking that it paid are one message. The events themselves say
 * which belong together: booking.confirmed names the event that caused it. So the order in which they are handled, and
 * a repetition, change nothing.
 */
import type { Queryable } from "#base/database/db.ts"
import type { EventData } from "#events/catalogue.ts"
import type { Receipt, RecordedEventFacts } from "./told.ts"

/** The payment of a confirmed booking, if its booker paid it. Null: nobody, or somebody else, who gets a receipt. */
export async function receiptOf(db: Queryable, event: RecordedEventFacts): Promise<Receipt | null> {
  if (event.type !== "booking.confirmed" || event.causation_id === null) return null
  const [row] = await db<{ data: EventData<"payment.succeeded">; paid_at: Date }[]>`
    select p.data, p.occurred_at as paid_at
    from slotbase.events p
    where p.id = ${event.causation_id} and p.facility_id = ${event.facility_id} and p.type = 'payment.succeeded'`
  const { bookingId, bookerId } = event.data as EventData<"booking.confirmed">
  if (row?.data.referenceId !== bookingId || row.data.payerId !== bookerId) return null
  const { amount, currency, paymentMethod } = row.data
  return { amount, currency, paymentMethod, paidAt: row.paid_at.toISOString() }
}

/**
 * Why a payment has no receipt of its own. A held booking may still become one by this payment: then it is asked again,
 * until BookingConfirmationHandler has decided. Its decision is an event that names this one as its cause, or a run
 * that was skipped or given up. One statement sees all of them as they are at one moment.
 */
export async function whyNoReceipt(
  db: Queryable,
  event: RecordedEventFacts,
): Promise<string | { readonly later: string } | undefined> {
  const { referenceType, referenceId, payerId } = event.data as EventData<"payment.succeeded">
  if (referenceType !== "booking") return undefined
  const [row] = await db<{ is_open: boolean; booker_id: string | null; decided: string | null }[]>`
    select b.status in ('held', 'expired')
             and not exists (select from slotbase.handler_history h
                             where h.event_id = ${event.id} and h.facility_id = b.facility_id
                               and h.handler = 'BookingConfirmationHandler') as is_open,
           d.type as decided, d.data ->> 'bookerId' as booker_id
    from slotbase.bookings b
    left join lateral (
      select e.type, e.data from slotbase.events e
      where e.aggregate_id = b.id::text and e.facility_id = b.facility_id and e.causation_id = ${event.id}
        and e.type in ('booking.confirmed', 'booking.payment_voided')
      limit 1
    ) d on true
    where b.id = ${referenceId} and b.facility_id = ${event.facility_id}`
  if (row?.decided === "booking.confirmed" && row.booker_id === payerId)
    return "told in the confirmation of the booking"
  return row?.is_open && row.decided === null ? { later: "the booking may be confirmed by it" } : undefined
}
