/**
 * One message for the bookings of a series that changed in one request. The event of the series lists them, and was
 * recorded in the same transaction under the same correlation. So each booking's own event knows that it is told there.
 */
import type { Queryable } from "#base/database/db.ts"
import { wallAt } from "#base/zones/wall-clock.ts"
import type { EventData } from "#events/catalogue.ts"
import { datesShown, type RecordedEventFacts, type Series } from "./told.ts"

/** Of each event of a booking: the event of its series that tells it too. */
const seriesEventOf: Readonly<Record<string, readonly string[]>> = {
  "booking.confirmed": ["recurring_booking.created", "recurring_booking.changed"],
  "booking.approval.requested": ["recurring_booking.created", "recurring_booking.changed"],
  "booking.rescheduled": ["recurring_booking.changed"],
  "booking.cancelled": ["recurring_booking.cancelled"],
}

/**
 * Why a booking of a series has no message of its own, for each event. Undefined: it has. Of several requests for
 * approval the first one is told, so that staff hear of them. What is approved later has its own message, and so has a
 * change of one.
 */
export async function toldInSeries(
  db: Queryable,
  events: readonly RecordedEventFacts[],
): Promise<readonly (string | undefined)[]> {
  // Most bookings are of no series, and this asks nothing about them.
  const asked = events.filter(({ type, data }) => type !== "booking.confirmed" || "recurringBookingId" in data)
  if (asked.length === 0) return events.map(() => undefined)
  const given = asked.map(({ id, type, facility_id, correlation_id, data }) => {
    const { bookingId } = data as { bookingId: string }
    return { id, type, facility_id, correlation_id, booking_id: bookingId, series_types: seriesEventOf[type] ?? [] }
  })
  const rows = await db<{ id: string }[]>`
    select a.id
    from json_to_recordset(${JSON.stringify(given)}::text::json)
      as a (id uuid, type text, facility_id uuid, correlation_id uuid, booking_id uuid, series_types text[])
    join slotbase.bookings b on b.id = a.booking_id and b.facility_id = a.facility_id
    cross join lateral (
      select case when a.type = 'booking.approval.requested' then
               b.id::text <> (select l.id from jsonb_array_elements_text(s.data -> 'bookingIds') with ordinality l (id, nth)
                              where exists (select from slotbase.events r
                                            where r.aggregate_id = l.id and r.type = a.type
                                              and r.correlation_id = s.correlation_id)
                              order by l.nth limit 1)
             else not exists (select from slotbase.events r
                              where r.aggregate_id = b.id::text and r.type = 'booking.approval.requested'
                                and a.type = 'booking.confirmed') end as is_told
      from slotbase.events s
      where s.aggregate_id = b.recurring_booking_id::text and s.facility_id = b.facility_id
        and s.correlation_id = a.correlation_id and s.type = any (a.series_types)
        and s.data -> 'bookingIds' ? b.id::text and jsonb_array_length(s.data -> 'bookingIds') > 1
      order by s.id desc limit 1) t
    where t.is_told`
  const told = new Set(rows.map(({ id }) => id))
  return events.map(({ id }) => (told.has(id) ? "told in the message of its series" : undefined))
}

/** Why the event of a series has no message: it changed no bookings, or one, which has its own. */
export async function whyNoSeries(
  _db: Queryable,
  events: readonly RecordedEventFacts[],
): Promise<readonly (string | undefined)[]> {
  return events.map(({ data }) => {
    const { length } = (data as { readonly bookingIds: readonly string[] }).bookingIds
    if (length > 1) return undefined
    return length === 0 ? "it changed no booking" : "its one booking has a message of its own"
  })
}

/** The bookings of the event of a series, from the events of the same request. Null: it is no such event. */
export async function seriesOf(db: Queryable, event: RecordedEventFacts): Promise<Series | null> {
  const { bookingIds, timezone, skipped } = event.data as Partial<EventData<"recurring_booking.created">>
  if (bookingIds === undefined || !event.type.startsWith("recurring_booking.")) return null
  const types = Object.keys(seriesEventOf).filter((type) => seriesEventOf[type]?.includes(event.type))
  const rows = await db<{ type: string; data: BookingEvent; zone: string; currency: string }[]>`
    select e.type, e.data, f.timezone as zone, f.currency
    from slotbase.events e join slotbase.facilities f on f.id = e.facility_id
    where e.aggregate_id = any (${[...bookingIds]}::text[]) and e.facility_id = ${event.facility_id}
      and e.correlation_id = ${event.correlation_id} and e.type = any (${types}::text[])
    order by e.data ->> 'startAt', e.id`
  const [first, last] = [rows[0], rows.at(-1)]
  if (first === undefined || last === undefined) return null
  const zone = timezone ?? first.zone
  const times = rows.map(({ data }) => [local(data.startAt, zone).time, local(data.endAt, zone).time].join("–"))
  const weekdays = new Set(rows.map(({ data }) => new Date(local(data.startAt, zone).day).getUTCDay()))
  const sum = (of: (data: BookingEvent) => number | undefined) =>
    rows.reduce((all, row) => all + (of(row.data) ?? 0), 0)
  return {
    count: rows.length,
    pending: rows.filter(({ type }) => type === "booking.approval.requested").length,
    dates: rows.slice(0, datesShown).map(({ data: { startAt, endAt } }) => ({
      day: local(startAt, zone).day,
      startAt,
      endAt,
    })),
    more: Math.max(0, rows.length - datesShown),
    first: local(first.data.startAt, zone).day,
    last: local(last.data.startAt, zone).day,
    weekday: weekdays.size === 1 ? ([...weekdays][0] ?? "") : "",
    sameTime: new Set(times).size === 1,
    startTime: local(first.data.startAt, zone).time,
    endTime: local(first.data.endAt, zone).time,
    skipped: (skipped ?? []).slice(0, datesShown).map(({ startAt }) => ({ startAt })),
    amount: sum(({ priceAmount }) => priceAmount),
    refund: sum(({ refundAmount }) => refundAmount),
    currency: first.data.priceCurrency ?? first.currency,
    paymentMethod: first.data.paymentMethod ?? "",
  }
}

/** What the events of bookings have that are told together. */
interface BookingEvent {
  readonly startAt: string
  readonly endAt: string
  readonly priceAmount?: number
  readonly priceCurrency?: string
  readonly refundAmount?: number
  readonly paymentMethod?: string
}

function local(instant: string, zone: string) {
  const wall = new Date(wallAt(zone, Date.parse(instant))).toISOString()
  return { day: wall.slice(0, 10), time: wall.slice(11, 16) }
}
