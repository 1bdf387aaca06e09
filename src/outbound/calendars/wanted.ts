/** What a calendar should have of a booking, as the booking is now. */
import type { Db } from "#base/database/db.ts"
import type { CalendarEvent } from "./calendar-event.ts"
import type { CalendarSyncRow } from "./rows.ts"
import { type EntryFault, type EntryView, makeEntryWords } from "./words.ts"
import { concerns, standsInCalendar } from "./work.ts"

/**
 * - put: the entry should say this.
 * - remove: there should be none.
 * - leave: what stands there stays, because the calendar does not take such events.
 * - fault: its words cannot be made.
 */
export type WantedEntry =
  | { readonly what: "put"; readonly event: CalendarEvent }
  | { readonly what: "remove" }
  | { readonly what: "leave" }
  | { readonly what: "fault"; readonly fault: EntryFault }

interface WantedRow {
  readonly id: string
  readonly stands: boolean
  readonly cancelled: boolean
  readonly start_at: Date
  readonly end_at: Date
  readonly changed_at: Date
  readonly view: EntryView
}

/** By booking. A booking that does not exist is to be removed. */
export async function wantedEntries(
  db: Db,
  sync: CalendarSyncRow,
  bookingIds: readonly string[],
): Promise<ReadonlyMap<string, WantedEntry>> {
  const rows = await bookingsOf(db, sync, bookingIds)
  const there = rows.filter(({ stands }) => stands)
  const templates = {
    title: sync.title_template,
    description: sync.description_template,
    location: sync.location_template,
  }
  const made = there.length === 0 ? [] : await makeEntryWords(sync.id, { templates, views: there.map(viewOf) })
  const wanted = new Map<string, WantedEntry>()
  for (const row of rows) {
    const keeps = row.cancelled && !sync.events.includes("booking.cancelled")
    if (!row.stands) wanted.set(row.id, keeps ? { what: "leave" } : { what: "remove" })
  }
  for (const [nth, row] of there.entries()) {
    const each = made[nth]
    if (each === undefined) continue
    wanted.set(row.id, "fault" in each ? { what: "fault", fault: each.fault } : putOf(row, each.words))
  }
  return wanted
}

const putOf = (
  { id, start_at, end_at, changed_at }: WantedRow,
  words: { readonly title: string; readonly description: string; readonly location: string },
): WantedEntry => ({
  what: "put",
  event: {
    uid: id,
    startAt: start_at.toISOString(),
    endAt: end_at.toISOString(),
    ...words,
    changedAt: changed_at.toISOString(),
  },
})

const viewOf = ({ view, start_at, end_at }: WantedRow): EntryView => ({
  ...view,
  startAt: start_at.toISOString(),
  endAt: end_at.toISOString(),
})

/** The view has the fields of booking.confirmed, which templates know, and the name of the facility. */
const bookingsOf = (db: Db, { id, facility_id }: CalendarSyncRow, bookingIds: readonly string[]) => db<WantedRow[]>`
  select b.id, ${standsInCalendar(db)} and ${concerns(db)} as stands, b.status = 'cancelled' as cancelled, b.start_at, b.end_at,
         b.updated_at as changed_at,
         jsonb_build_object(
           'bookingId', b.id, 'facilityId', b.facility_id, 'resourceId', b.resource_id, 'resourceName', r.name,
           'facilityName', f.name, 'timezone', f.timezone, 'bookerId', b.booker_id,
           'bookerName', u.first_name || ' ' || u.last_name, 'bookerEmail', coalesce(u.email, ''),
           'participants', (select coalesce(jsonb_agg(jsonb_build_object(
                                     'userId', p.user_id, 'name', m.first_name || ' ' || m.last_name, 'role', p.role)
                                   order by p.user_id), '[]')
                            from slotbase.booking_participants p join slotbase.users m on m.id = p.user_id
                            where p.booking_id = b.id and p.facility_id = b.facility_id),
           'bookingType', b.booking_type, 'title', coalesce(b.title, ''), 'note', coalesce(b.note, ''),
           'priceAmount', b.price_amount, 'priceCurrency', b.price_currency,
           'paymentMethod', coalesce(b.payment_method, ''), 'isRecurring', b.is_recurring,
           'recurringBookingId', coalesce(b.recurring_booking_id::text, '')) as view
  from slotbase.calendar_syncs s
  join slotbase.bookings b on b.facility_id = s.facility_id and b.id = any (${[...bookingIds]}::uuid[])
  join slotbase.facilities f on f.id = b.facility_id
  join slotbase.resources r on r.id = b.resource_id and r.facility_id = b.facility_id
  join slotbase.users u on u.id = b.booker_id
  where s.id = ${id} and s.facility_id = ${facility_id}`
