/**
 * The daily figures of a facility. An event adds to one local day or several, in any order. Set-based: a batch is three
 * statements, however many events it has. Not idempotent: call it once for each event, as AnalyticsHandler does.
 * Writes: daily_facility_figures.
 */
import type { Tx } from "#base/database/transaction.ts"
import { localDateOf } from "#base/local-days.ts"
import { facilityZones } from "#domain/club/facility-zones.ts"
import type { EventRow } from "#events/envelope.ts"
import { type CountedBooking, type Figures, figuresOf, needBooking } from "./counting.ts"

/**
 * Adds events of the counted types to their days. Answers for each, in the same order, why it adds nothing, or
 * undefined.
 */
export async function addToDailyFigures(
  tx: Tx,
  events: readonly EventRow[],
): Promise<readonly (undefined | { readonly skipped: string })[]> {
  const [zones, bookings] = await Promise.all([facilityZones(tx, events), bookingsOf(tx, events)])
  const days = new Map<string, Day>()
  const outcomes = events.map((event) => {
    const timezone = zones.get(event.facility_id)
    if (timezone === undefined) return { skipped: "the facility does not exist" }
    const figures = figuresOf(event, bookings.get(event.facility_id) ?? new Map())
    if (!figures) return { skipped: "the booking does not exist" }
    for (const each of figures) addTo(days, event.facility_id, timezone, each)
    return undefined
  })
  if (days.size > 0) await write(tx, [...days.values()])
  return outcomes
}

/** Bookings by id, by facility. */
async function bookingsOf(tx: Tx, events: readonly EventRow[]) {
  const wanted = events.filter((event) => needBooking.includes(event.type))
  const found = new Map<string, Map<string, CountedBooking>>()
  if (wanted.length === 0) return found
  const rows = await tx<CountedBooking[]>`
    select id, facility_id, start_at, price_amount, confirmed_at from slotbase.bookings
    where id = any (${wanted.map((event) => (event.data as { bookingId: string }).bookingId)}::uuid[])
      and facility_id = any (${wanted.map((event) => event.facility_id)}::uuid[])`
  for (const row of rows) {
    const ofFacility = found.get(row.facility_id) ?? new Map<string, CountedBooking>()
    found.set(row.facility_id, ofFacility.set(row.id, row))
  }
  return found
}

type Sum = (typeof columns)[number]
type Day = { readonly facility_id: string; readonly day: string } & Record<Sum, number>
const columns = [
  "bookings",
  "cancellations",
  "check_ins",
  "no_shows",
  "completions",
  "booked_minutes",
  "booked_amount",
  "payments_amount",
  "refunds_amount",
] as const

function addTo(days: Map<string, Day>, facilityId: string, timezone: string, figures: Figures): void {
  const day = figures.day.length === "2026-03-01".length ? figures.day : localDateOf(timezone, Date.parse(figures.day))
  const key = `${facilityId} ${day}`
  const zeros = Object.fromEntries(columns.map((column) => [column, 0])) as Record<Sum, number>
  const sums = days.get(key) ?? { facility_id: facilityId, day, ...zeros }
  for (const column of columns) sums[column] += figures[column] ?? 0
  days.set(key, sums)
}

// In the order of the key, so that two processes never deadlock.
const write = (tx: Tx, days: readonly Day[]) => tx`
  insert into slotbase.daily_facility_figures as d (facility_id, day, bookings, cancellations, check_ins, no_shows, completions,
    booked_minutes, booked_amount, payments_amount, refunds_amount)
  select facility_id, day, bookings, cancellations, check_ins, no_shows, completions, booked_minutes, booked_amount,
         payments_amount, refunds_amount
  from jsonb_to_recordset(${tx.json(days as never)}) as n (facility_id uuid, day date, bookings integer, cancellations integer,
    check_ins integer, no_shows integer, completions integer, booked_minutes bigint, booked_amount bigint,
    payments_amount bigint, refunds_amount bigint)
  order by facility_id, day
  on conflict (facility_id, day) do update
  set bookings        = d.bookings        + excluded.bookings,
      cancellations   = d.cancellations   + excluded.cancellations,
      check_ins       = d.check_ins       + excluded.check_ins,
      no_shows        = d.no_shows        + excluded.no_shows,
      completions     = d.completions     + excluded.completions,
      booked_minutes  = d.booked_minutes  + excluded.booked_minutes,
      booked_amount   = d.booked_amount   + excluded.booked_amount,
      payments_amount = d.payments_amount + excluded.payments_amount,
      refunds_amount  = d.refunds_amount  + excluded.refunds_amount`
