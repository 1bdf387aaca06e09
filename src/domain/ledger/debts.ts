/**
 * The debts of a facility's bookings, for many bookings in one statement. What is due is the same as in `due.ts`: the
 * price, charges and what was forfeited, less payments and what is being paid. A debt begins on the local day of play.
 * Reads only.
 */
import type { Queryable } from "#base/database/db.ts"

type Sql = ReturnType<Queryable>

export interface Debt {
  readonly booking_id: string
  readonly booker_id: string
  readonly resource_id: string
  readonly start_at: Date
  readonly end_at: Date
  readonly currency: string
  /** Minor units; more than 0. */
  readonly due: number
}

/** A booking that waits for an approval, or is held, is no debt yet. */
export const indebted = ["confirmed", "checked_in", "completed", "no_show"] as const

/**
 * Rows of `Debt`, in no order. Each booking costs three look-ups by index.
 * @param bookings a select of rows of slotbase.bookings
 */
export const debtsAmong = (sql: Queryable, bookings: Sql): Sql => sql`
  select d.* from (
    select b.id as booking_id, b.facility_id, b.booker_id, b.resource_id, b.start_at, b.end_at, b.price_currency as currency,
           (case when b.payment_method is not distinct from 'waived' then 0 else b.price_amount end
            + c.charged + least(b.forfeited_amount, o.paid + p.paid) - o.paid - p.paid - p.under_way)::bigint as due
    from (${bookings}) b
    cross join lateral (
      select coalesce(sum(x.amount), 0) as charged from slotbase.charges x
      where x.reference_id = b.id and x.facility_id = b.facility_id and x.reference_type = 'booking' and x.waived_at is null
    ) c
    cross join lateral (
      select coalesce(sum(x.amount - x.refunded_amount), 0) as paid from slotbase.offline_payments x
      where x.booking_id = b.id and x.facility_id = b.facility_id
    ) o
    cross join lateral (
      select coalesce(sum(x.amount - x.refunded_amount) filter (where x.status = 'succeeded'), 0) as paid,
             coalesce(sum(x.amount) filter (where x.status = 'processing'), 0) as under_way
      from slotbase.payments x
      where x.reference_id = b.id and x.facility_id = b.facility_id and x.reference_type = 'booking'
    ) p
    where b.status = any (${[...indebted]})
  ) d
  where d.due > 0`

/** The reason why a booking is no debt any more; undefined: something is due. */
export async function whyNoLongerOwed(
  db: Queryable,
  facilityId: string,
  bookingId: string,
): Promise<string | undefined> {
  const rows = await db`
    select from (${debtsAmong(db, bookingOf(db, facilityId, bookingId))}) d`
  return rows.length === 0 ? "nothing is due for the booking any more" : undefined
}

const bookingOf = (sql: Queryable, facilityId: string, bookingId: string): Sql =>
  sql`select * from slotbase.bookings where id = ${bookingId} and facility_id = ${facilityId}`
