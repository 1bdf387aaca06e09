/**
 * The facts that the counted events do not say themselves, read for a whole batch. Each is the same whenever it is
 * read: a booking's type never changes, and its start is taken from the first move after the event.
 */
import type { Queryable } from "#base/database/db.ts"
import type { EventRow } from "#events/envelope.ts"
import { type BookingFacts, bookingOfEvent, type EventFacts } from "./counting.ts"

/** By the event's id. */
export async function factsOf(db: Queryable, events: readonly EventRow[]): Promise<ReadonlyMap<string, EventFacts>> {
  const [bookings, moved, returned] = await Promise.all([
    bookingsOf(db, events),
    startsBeforeMoves(db, events),
    refundsThatCameBack(db, events),
  ])
  return new Map(
    events.map((event) => {
      const booking = bookings.get(`${event.facility_id} ${bookingOfEvent(event)}`)
      const start = moved.get(event.id)
      const facts = booking && { booking: start ? { ...booking, start_at: start } : booking }
      return [event.id, { ...facts, cameBack: returned.has(event.id) }]
    }),
  )
}

async function bookingsOf(db: Queryable, events: readonly EventRow[]): Promise<ReadonlyMap<string, BookingFacts>> {
  const ids = events.flatMap((event) => bookingOfEvent(event) ?? [])
  if (ids.length === 0) return new Map()
  const rows = await db<(BookingFacts & { id: string; facility_id: string })[]>`
    select id, facility_id, booking_type, start_at, price_amount, confirmed_at from slotbase.bookings
    where id = any (${[...new Set(ids)]}::uuid[])
      and facility_id = any (${[...new Set(events.map((event) => event.facility_id))]}::uuid[])`
  return new Map(rows.map((row) => [`${row.facility_id} ${row.id}`, row]))
}

/** A check-in that was undone, and whose booking was moved then: its start when it was checked in. */
async function startsBeforeMoves(db: Queryable, events: readonly EventRow[]): Promise<ReadonlyMap<string, Date>> {
  const asked = events.filter((event) => event.type === "booking.checked_in")
  if (asked.length === 0) return new Map()
  const rows = await db<{ id: string; start_at: string }[]>`
    select a.id, m.start_at
    from unnest(${asked.map(({ id }) => id)}::uuid[], ${asked.map((event) => bookingOfEvent(event) ?? "")}::text[],
      ${asked.map((event) => event.facility_id)}::uuid[]) as a (id, booking_id, facility_id)
    cross join lateral (
      select e.data ->> 'previousStartAt' as start_at from slotbase.events e
      where e.aggregate_id = a.booking_id and e.facility_id = a.facility_id and e.id > a.id and e.type = 'booking.rescheduled'
      order by e.id limit 1
    ) m`
  return new Map(rows.map((row) => [row.id, new Date(row.start_at)]))
}

/** The failures of refunds that had succeeded before. */
async function refundsThatCameBack(db: Queryable, events: readonly EventRow[]): Promise<ReadonlySet<string>> {
  const failed = events.filter((event) => event.type === "payment.refund_failed")
  if (failed.length === 0) return new Set()
  const data = failed.map((event) => event.data as { transactionId: string; refundId: string })
  const rows = await db<{ id: string }[]>`
    select a.id
    from unnest(${failed.map(({ id }) => id)}::uuid[], ${data.map((each) => each.transactionId)}::text[],
      ${data.map((each) => each.refundId)}::text[], ${failed.map((event) => event.facility_id)}::uuid[])
      as a (id, transaction_id, refund_id, facility_id)
    where exists (
      select from slotbase.events e
      where e.aggregate_id = a.transaction_id and e.facility_id = a.facility_id and e.id < a.id
        and e.type = 'payment.refunded' and e.data ->> 'refundId' = a.refund_id)`
  return new Set(rows.map((row) => row.id))
}
