/** The sums that were paid for a reference and refunded of it. */
import type { Queryable } from "#base/database/db.ts"
import type { Reference } from "./payment-rows.ts"

/** The sums that the amount due is made of, minor units. */
export interface Sums {
  /** Charges that are not waived. */
  readonly charged: number
  /** Net of refunds, also of refunds in progress. */
  readonly online: number
  readonly offline: number
  /** Payments whose outcome is not known yet. */
  readonly under_way: number
  /** Given back or on its way back, of online payments and offline ones. */
  readonly refunded: number
  /** The part of it that no decision about the reference gave back: staff did, or the provider. */
  readonly goodwill: number
  /** The currency of the payments; null when there are none. */
  readonly currency: string | null
}

/** For a booking, a subscription or an invoice. A refund in progress counts as refunded. */
export async function sumsOf(sql: Queryable, { facilityId, referenceType, referenceId }: Reference): Promise<Sums> {
  const [row] = await sql<Sums[]>`
    select coalesce((select sum(c.amount) from slotbase.charges c
                     where c.reference_id = ${referenceId} and c.facility_id = ${facilityId} and c.reference_type = ${referenceType}
                       and c.waived_at is null), 0)::bigint as charged,
           coalesce(sum(p.amount - p.refunded_amount) filter (where p.status = 'succeeded'), 0)::bigint as online,
           coalesce(sum(p.amount) filter (where p.status = 'processing'), 0)::bigint as under_way,
           o.amount as offline, (o.refunded + coalesce(sum(p.refunded_amount), 0))::bigint as refunded,
           (select coalesce(sum(r.amount), 0)::bigint from slotbase.refunds r
            where r.reference_id = ${referenceId} and r.facility_id = ${facilityId} and r.reference_type = ${referenceType}
              and r.source_id = r.id and r.status <> 'failed') as goodwill,
           coalesce(max(p.currency), o.currency) as currency
    from (select coalesce(sum(amount - refunded_amount), 0)::bigint as amount,
                 coalesce(sum(refunded_amount), 0)::bigint as refunded, max(currency) as currency
          from slotbase.offline_payments
          where ${referenceType} = 'booking' and booking_id = ${referenceId} and facility_id = ${facilityId}) o
    left join slotbase.payments p
      on p.reference_id = ${referenceId} and p.facility_id = ${facilityId} and p.reference_type = ${referenceType} and p.status <> 'failed'
    group by o.amount, o.refunded, o.currency`
  return row ?? { charged: 0, online: 0, offline: 0, under_way: 0, refunded: 0, goodwill: 0, currency: null }
}
