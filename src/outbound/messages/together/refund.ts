/**
 * The message that tells a refund. Who cancels or moves a booking reads its refund there, and so does whoever paid too
 * late. A refund that staff make by itself, or that goes to somebody else, such as a parent, has a message of its own.
 * The refund's event names the event that caused it.
 */
import type { Queryable } from "#base/database/db.ts"
import type { EventData } from "#events/catalogue.ts"
import type { RecordedEventFacts } from "./told.ts"

/** The events whose messages tell their booker, or payer, the refund. */
const tellers = ["booking.cancelled", "booking.rescheduled", "booking.approval.expired", "booking.payment_voided"]

/** Why each refund has no message of its own. */
export async function whyNoRefund(
  db: Queryable,
  events: readonly RecordedEventFacts[],
): Promise<readonly (string | undefined)[]> {
  const asked = events.filter(({ causation_id }) => causation_id !== null)
  const of = asked.map(({ data }) => data as EventData<"payment.refunded">)
  // The refund of a late payment is marked together with booking.payment_voided: both name the payment as their cause.
  const rows = await db<{ id: string; type: string }[]>`
    select distinct on (w.id) w.id, c.type
    from unnest(${asked.map(({ id }) => id)}::uuid[], ${asked.map((each) => each.facility_id)}::uuid[],
                ${asked.map((each) => each.causation_id)}::uuid[], ${of.map(({ refundId }) => refundId)}::uuid[],
                ${of.map(({ referenceId }) => referenceId)}::text[]) as w (id, facility_id, cause, refund_id, reference_id)
    join slotbase.refunds r on r.id = w.refund_id and r.facility_id = w.facility_id
    left join slotbase.payments p on p.id = r.payment_id and p.facility_id = r.facility_id
    join slotbase.billing_accounts a on a.id = r.billing_account_id and a.facility_id = r.facility_id
    join slotbase.events c on c.facility_id = r.facility_id and c.aggregate_id = w.reference_id
      and (c.id = w.cause or (c.causation_id = w.cause and c.type = 'booking.payment_voided'))
    where c.type = any (${tellers}::text[]) and coalesce(p.payer_id, a.owner_id)::text in (c.data ->> 'bookerId', c.data ->> 'payerId')
    order by w.id, c.id`
  const told = new Map(rows.map(({ id, type }) => [id, `told in the message of ${type}`]))
  return events.map(({ id }) => told.get(id))
}
