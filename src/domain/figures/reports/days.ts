/**
 * What became of the bookings of some local days, and the money of these days. It is counted from the bookings and the
 * ledger, and not from the figures: those follow the events, and a report is made once. Once all events are counted,
 * the two agree. Money counts on the day on which it was recorded, so each payment stands in one report.
 */
import type { Queryable } from "#base/database/db.ts"
import { spanOfDay } from "#base/local-days.ts"
import type { ReportDay, ReportMoney, ReportResource } from "./answer.ts"

/** The counts of a resource on a day, in one currency. */
export interface CountedBookings {
  readonly day: string
  readonly resource_id: string
  readonly currency: string
  readonly bookings: number
  readonly cancelled: number
  readonly attended: number
  readonly no_shows: number
  readonly unrecorded: number
  readonly minutes: number
  readonly booked: number
}

export interface CountedMoney {
  readonly day: string
  readonly currency: string
  readonly paid: number
  readonly refunded: number
}

/** Days as instants, for SQL. */
export interface DaySpans {
  readonly days: readonly string[]
  readonly starts: readonly string[]
  readonly ends: readonly string[]
}

export function spansOfDays(timezone: string, days: readonly string[]): DaySpans {
  const spans = days.map((day) => spanOfDay(timezone, day))
  const instant = (at: number) => new Date(at).toISOString()
  return { days, starts: spans.map(({ start }) => instant(start)), ends: spans.map(({ end }) => instant(end)) }
}

/** A request that was never approved was no booking. Closed time and the club's own work have nobody who comes. */
export async function countBookings(
  db: Queryable,
  facilityId: string,
  { days, starts, ends }: DaySpans,
): Promise<readonly CountedBookings[]> {
  return db<CountedBookings[]>`
    select d.day, b.resource_id, b.price_currency as currency, count(*)::integer as bookings,
           (count(*) filter (where b.status = 'cancelled'))::integer as cancelled,
           (count(*) filter (where b.status in ('checked_in', 'completed')))::integer as attended,
           (count(*) filter (where b.status = 'no_show'))::integer as no_shows,
           (count(*) filter (where b.status = 'confirmed' and b.struck_reason is null
                               and b.booking_type not in ('coach_block', 'maintenance')))::integer as unrecorded,
           coalesce(sum(extract(epoch from b.end_at - b.start_at) / 60) filter (where b.status <> 'cancelled'), 0)::float8 as minutes,
           coalesce(sum(b.price_amount) filter (where b.status <> 'cancelled'), 0)::bigint as booked
    from unnest(${[...days]}::text[], ${[...starts]}::timestamptz[], ${[...ends]}::timestamptz[]) as d (day, starts, ends)
    join slotbase.bookings b on b.facility_id = ${facilityId} and b.start_at >= d.starts and b.start_at < d.ends
    where b.confirmed_at is not null
    group by d.day, b.resource_id, b.price_currency`
}

/** A facility pays for its subscription; that is no payment to the facility. */
export async function countMoney(
  db: Queryable,
  facilityId: string,
  { days, starts, ends }: DaySpans,
): Promise<readonly CountedMoney[]> {
  return db<CountedMoney[]>`
    select d.day, l.currency,
           coalesce(sum(l.amount) filter (where l.kind in ('payment', 'offline_payment')), 0)::bigint as paid,
           coalesce(-sum(l.amount) filter (where l.kind in ('refund', 'refund_returned', 'refund_handed_back')), 0)::bigint as refunded
    from unnest(${[...days]}::text[], ${[...starts]}::timestamptz[], ${[...ends]}::timestamptz[]) as d (day, starts, ends)
    join slotbase.payment_ledger l on l.facility_id = ${facilityId} and l.recorded_at >= d.starts and l.recorded_at < d.ends
    where l.account in ('provider', 'till') and l.reference_type is distinct from 'subscription'
    group by d.day, l.currency`
}

/** What one day adds up to. @param openMinutes of all resources together */
export function sumOfDay(
  bookings: readonly CountedBookings[],
  money: readonly CountedMoney[],
  openMinutes: number,
): ReportDay {
  return { ...countsOf(bookings), ...usedOf(bookings, openMinutes), money: moneyOf(bookings, money) }
}

/** A day of one resource. */
export function sumOfResource(
  { id, name }: { readonly id: string; readonly name: string },
  bookings: readonly CountedBookings[],
  openMinutes: number,
): ReportResource {
  return { resourceId: id, name, ...countsOf(bookings), ...usedOf(bookings, openMinutes) }
}

function countsOf(bookings: readonly CountedBookings[]) {
  const sum = (of: (row: CountedBookings) => number) => bookings.reduce((all, row) => all + of(row), 0)
  return {
    bookings: sum((row) => row.bookings),
    cancelled: sum((row) => row.cancelled),
    attended: sum((row) => row.attended),
    noShows: sum((row) => row.no_shows),
    unrecorded: sum((row) => row.unrecorded),
  }
}

function usedOf(bookings: readonly CountedBookings[], openMinutes: number) {
  const bookedMinutes = bookings.reduce((all, row) => all + row.minutes, 0)
  return { bookedMinutes, openMinutes, utilisation: ratioOf(bookedMinutes, openMinutes) }
}

/** To a ten-thousandth, as in the figures. Null: of nothing. */
export const ratioOf = (part: number, whole: number): number | null =>
  whole === 0 ? null : Math.round((10_000 * part) / whole) / 10_000

function moneyOf(bookings: readonly CountedBookings[], money: readonly CountedMoney[]): ReportMoney[] {
  const currencies = [
    ...new Set([...money, ...bookings.filter(({ booked }) => booked !== 0)].map((row) => row.currency)),
  ]
  return currencies.toSorted().map((currency) => {
    const of = money.filter((row) => row.currency === currency)
    const [paid, refunded] = [
      of.reduce((all, row) => all + row.paid, 0),
      of.reduce((all, row) => all + row.refunded, 0),
    ]
    const booked = bookings.filter((row) => row.currency === currency).reduce((all, row) => all + row.booked, 0)
    return { currency, booked, paid, refunded, revenue: paid - refunded }
  })
}
