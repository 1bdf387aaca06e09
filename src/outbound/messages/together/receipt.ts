/**
 * The receipt of a payment and the confirmation of the booking that it paid are one message. The events themselves say
 * which belong together: booking.confirmed names the event that caused it. So the order in which they are handled, and
 * a repetition, change nothing.
 */
import type { Queryable } from "#base/database/db.ts"
import type { EventData } from "#events/catalogue.ts"
import type { Receipt, RecordedEventFacts } from "./told.ts"

/** The payments of confirmed bookings, by event. None: nobody paid, or somebody else, who gets a receipt. */
export async function receiptsOf(
  db: Queryable,
  events: readonly RecordedEventFacts[],
): Promise<ReadonlyMap<string, Receipt>> {
  const asked = events.filter(({ type, causation_id }) => type === "booking.confirmed" && causation_id !== null)
  if (asked.length === 0) return new Map()
  const rows = await db<{ id: string; facility_id: string; data: EventData<"payment.succeeded">; paid_at: Date }[]>`
    select p.id, p.facility_id, p.data, p.occurred_at as paid_at
    from unnest(${asked.map((each) => each.causation_id)}::uuid[], ${asked.map((each) => each.facility_id)}::uuid[]) as c (id, facility_id)
    join slotbase.events p on p.id = c.id and p.facility_id = c.facility_id and p.type = 'payment.succeeded'`
  const payments = new Map(rows.map((row) => [`${row.id} ${row.facility_id}`, row]))
  return new Map(
    asked.flatMap((event): [string, Receipt][] => {
      const row = payments.get(`${event.causation_id} ${event.facility_id}`)
      const { bookingId, bookerId } = event.data as EventData<"booking.confirmed">
      if (row?.data.referenceId !== bookingId || row.data.payerId !== bookerId) return []
      const { amount, currency, paymentMethod } = row.data
      return [[event.id, { amount, currency, paymentMethod, paidAt: row.paid_at.toISOString() }]]
    }),
  )
}

/**
 * Why a payment has no receipt of its own. A held booking may still become one by this payment: then it is asked again,
 * until BookingConfirmationHandler has decided. Its decision is an event that names this one as its cause, or a run
 * that was skipped or given up. One statement sees all of them as they are at one moment.
 */
export async function whyNoReceipt(
  db: Queryable,
  events: readonly RecordedEventFacts[],
): Promise<readonly (string | { readonly later: string } | undefined)[]> {
  const dataOf = ({ data }: RecordedEventFacts) => data as EventData<"payment.succeeded">
  const asked = events.filter((event) => dataOf(event).referenceType === "booking")
  const rows = await db<{ id: string; is_open: boolean; booker_id: string | null; decided: string | null }[]>`
    select a.id, b.status in ('held', 'expired')
             and not exists (select from slotbase.handler_history h
                             where h.event_id = a.id and h.facility_id = b.facility_id
                               and h.handler = 'BookingConfirmationHandler') as is_open,
           d.type as decided, d.data ->> 'bookerId' as booker_id
    from unnest(${asked.map(({ id }) => id)}::uuid[], ${asked.map((each) => each.facility_id)}::uuid[],
                ${asked.map((event) => dataOf(event).referenceId)}::uuid[]) as a (id, facility_id, booking_id)
    join slotbase.bookings b on b.id = a.booking_id and b.facility_id = a.facility_id
    left join lateral (
      select e.type, e.data from slotbase.events e
      where e.aggregate_id = b.id::text and e.facility_id = b.facility_id and e.causation_id = a.id
        and e.type in ('booking.confirmed', 'booking.payment_voided')
      limit 1
    ) d on true`
  const found = new Map(rows.map((row) => [row.id, row]))
  return events.map((event) => {
    const row = found.get(event.id)
    if (row?.decided === "booking.confirmed" && row.booker_id === dataOf(event).payerId)
      return "told in the confirmation of the booking"
    return row?.is_open && row.decided === null ? { later: "the booking may be confirmed by it" } : undefined
  })
}
