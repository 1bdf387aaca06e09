/**
 * AnalyticsHandler: the daily figures of a facility. Each event adds to one local day, in the transaction that settles its
 * run, so it counts exactly once; sums bear any order.
 * Writes: daily_facility_figures.
 */
import type { Tx } from "../../src/database/db.ts"
import type { EventData, EventType } from "../../src/events/catalogue.ts"
import { localDateOf } from "../../src/local-days.ts"
import { facilityZone } from "./facility-zone.ts"
import type { HandledEvent, Outcome, TransactionalHandler } from "./handler.ts"

export const analyticsHandler = (): TransactionalHandler => ({
  kind: "transactional",
  name: "AnalyticsHandler",
  events: Object.keys(counted) as CountedType[],
  handle: count,
})

interface Figures {
  /** An instant of the day that they count for, or the day itself (YYYY-MM-DD). */
  readonly day: string
  readonly bookings?: number
  readonly cancellations?: number
  readonly check_ins?: number
  readonly no_shows?: number
  readonly completions?: number
  readonly booked_minutes?: number
  readonly booked_amount?: number
  readonly payments_amount?: number
  readonly refunds_amount?: number
}

type CountedType = Extract<
  EventType,
  | "booking.confirmed"
  | "booking.cancelled"
  | "booking.checked_in"
  | "booking.no_show"
  | "booking.completed"
  | "payment.succeeded"
  | "payment.refunded"
  | "offline_payment.recorded"
>
type Counting<T extends EventType> = (
  data: EventData<T>,
  event: HandledEvent,
  tx: Tx,
) => Figures | Promise<Figures | undefined>

const counted: { readonly [T in CountedType]: Counting<T> } = {
  "booking.confirmed": ({ startAt, endAt, priceAmount }) => ({
    day: startAt,
    bookings: 1,
    booked_minutes: minutes(startAt, endAt),
    booked_amount: priceAmount,
  }),
  "booking.cancelled": async ({ bookingId, startAt, endAt }, event, tx) => {
    const booking = await bookingOf(tx, event, bookingId)
    return (
      booking && {
        day: startAt,
        cancellations: 1,
        booked_minutes: -minutes(startAt, endAt),
        booked_amount: -booking.price_amount,
      }
    )
  },
  "booking.checked_in": async ({ bookingId }, event, tx) => {
    const booking = await bookingOf(tx, event, bookingId)
    return booking && { day: booking.start_at.toISOString(), check_ins: 1 }
  },
  "booking.no_show": ({ scheduledAt }) => ({ day: scheduledAt, no_shows: 1 }),
  "booking.completed": ({ startAt }) => ({ day: startAt, completions: 1 }),
  "payment.succeeded": ({ amount }, event) => ({ day: event.occurred_at.toISOString(), payments_amount: amount }),
  "payment.refunded": ({ amount }, event) => ({ day: event.occurred_at.toISOString(), refunds_amount: amount }),
  "offline_payment.recorded": ({ amount, paymentDate }) => ({ day: paymentDate, payments_amount: amount }),
}

async function count(tx: Tx, event: HandledEvent): Promise<Outcome> {
  const timezone = await facilityZone(tx, event.facility_id)
  if (timezone === undefined) return { skipped: "the facility does not exist" }
  const counting = counted[event.type as CountedType] as Counting<CountedType>
  const figures = await counting(event.data as never, event, tx)
  if (!figures) return { skipped: "the booking does not exist" }
  await add(tx, event.facility_id, timezone, figures)
}

async function add(tx: Tx, facilityId: string, timezone: string, figures: Figures): Promise<void> {
  const day = figures.day.length === "2026-03-01".length ? figures.day : localDateOf(timezone, Date.parse(figures.day))
  await tx`
    insert into slotbase.daily_facility_figures as d (facility_id, day, bookings, cancellations, check_ins, no_shows, completions,
      booked_minutes, booked_amount, payments_amount, refunds_amount)
    values (${facilityId}, ${day}, ${figures.bookings ?? 0}, ${figures.cancellations ?? 0}, ${figures.check_ins ?? 0},
      ${figures.no_shows ?? 0}, ${figures.completions ?? 0}, ${figures.booked_minutes ?? 0}, ${figures.booked_amount ?? 0},
      ${figures.payments_amount ?? 0}, ${figures.refunds_amount ?? 0})
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
}

async function bookingOf(tx: Tx, event: HandledEvent, bookingId: string) {
  const [row] = await tx<{ start_at: Date; price_amount: number }[]>`
    select start_at, price_amount from slotbase.bookings where id = ${bookingId} and facility_id = ${event.facility_id}`
  return row
}

const minutes = (startAt: string, endAt: string) => (Date.parse(endAt) - Date.parse(startAt)) / 60_000
