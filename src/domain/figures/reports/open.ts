/** What waits for a person in a facility: requests, unpaid bookings, failing webhooks, dead addresses. Only reads. */
import type { Queryable } from "#base/database/db.ts"
import type { ReportFigures } from "./answer.ts"

/** Days back in which an unpaid booking is counted here. Older debts are told by a job of their own. */
const unpaidDays = 30

/** @param until unpaid bookings that started before this instant */
export async function openWorkOf(db: Queryable, facilityId: string, until: string): Promise<ReportFigures["open"]> {
  const [[counts], unpaid] = await Promise.all([
    db<[{ approvals: number; coach_blocks: number; failing: number; dead: number }]>`
      select p.approvals, p.coach_blocks, w.failing, a.dead
      from (select (count(*) filter (where booking_type <> 'coach_block'))::integer as approvals,
                   (count(*) filter (where booking_type = 'coach_block'))::integer as coach_blocks
            from slotbase.bookings
            where facility_id = ${facilityId} and status = 'pending' and start_at > (select slotbase.now())) p,
           (select count(*)::integer as failing from slotbase.webhook_health h
            where h.facility_id = ${facilityId} and h.told_at is not null) w,
           (select count(*)::integer as dead from slotbase.undeliverable_addresses where facility_id = ${facilityId}) a`,
    unpaidOf(db, facilityId, until),
  ])
  return {
    approvals: counts.approvals,
    coachBlocks: counts.coach_blocks,
    unpaidBookings: unpaid.reduce((all, { bookings }) => all + bookings, 0),
    unpaid: unpaid.map(({ currency, amount }) => ({ currency, amount })),
    failingWebhooks: counts.failing,
    undeliverableAddresses: counts.dead,
  }
}

/**
 * By the rule of `ledger/due.ts`: price, charges and what was forfeited, less what was paid and is being paid. A
 * booking that is paid online is paid when it is confirmed.
 */
async function unpaidOf(db: Queryable, facilityId: string, until: string) {
  return db<{ currency: string; bookings: number; amount: number }[]>`
    select b.price_currency as currency, count(*)::integer as bookings, sum(b.due)::bigint as amount
    from (
      select b.price_currency,
             b.price_amount + c.charged + least(b.forfeited_amount, o.paid + p.paid) - o.paid - p.paid - p.under_way as due
      from slotbase.bookings b
      cross join lateral (select coalesce(sum(amount), 0)::bigint as charged from slotbase.charges
                          where reference_id = b.id and facility_id = b.facility_id and reference_type = 'booking'
                            and waived_at is null) c
      cross join lateral (select coalesce(sum(amount - refunded_amount), 0)::bigint as paid from slotbase.offline_payments
                          where booking_id = b.id and facility_id = b.facility_id) o
      cross join lateral (select coalesce(sum(amount - refunded_amount) filter (where status = 'succeeded'), 0)::bigint as paid,
                                 coalesce(sum(amount) filter (where status = 'processing'), 0)::bigint as under_way
                          from slotbase.payments
                          where reference_id = b.id and facility_id = b.facility_id and reference_type = 'booking') p
      where b.facility_id = ${facilityId} and b.start_at < ${until}
        and b.start_at >= ${until}::timestamptz - ${`${unpaidDays} days`}::text::interval
        and b.payment_method = 'offline' and b.price_amount > 0
        and b.status in ('confirmed', 'checked_in', 'completed', 'no_show') and b.struck_reason is null
    ) b
    where b.due > 0
    group by b.price_currency order by b.price_currency`
}
