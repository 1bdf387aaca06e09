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

/** Why a refund has no message of its own. */
export async function whyNoRefund(
  db: Queryable,
  { refundId, referenceId }: EventData<"payment.refunded">,
  { causation_id: cause, facility_id }: RecordedEventFacts,
): Promise<string | undefined> {
  if (cause === null) return undefined
  // The refund of a late payment is marked together with booking.payment_voided: both name the payment as their cause.
  const [told] = await db<[{ type: string }?]>`
    select c.type
    from slotbase.refunds r
    left join slotbase.payments p on p.id = r.payment_id and p.facility_id = r.facility_id
    join slotbase.billing_accounts a on a.id = r.billing_account_id and a.facility_id = r.facility_id
    join slotbase.events c on c.facility_id = r.facility_id and c.aggregate_id = ${referenceId}
      and (c.id = ${cause} or (c.causation_id = ${cause} and c.type = 'booking.payment_voided'))
    where r.id = ${refundId} and r.facility_id = ${facility_id} and c.type = any (${tellers}::text[])
      and coalesce(p.payer_id, a.owner_id)::text in (c.data ->> 'bookerId', c.data ->> 'payerId')
    limit 1`
  return told && `told in the message of ${told.type}`
}
