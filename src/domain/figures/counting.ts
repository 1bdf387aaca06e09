/** The figures that each type of event adds to a facility's day. Pure: the needed bookings are given. */
import type { EventData, EventType } from "#events/catalogue.ts"
import type { EventRow } from "#events/envelope.ts"

/** The figures that an event adds to a day. */
export interface Figures {
  /** An instant of the day to which the figures are added, or the day itself (YYYY-MM-DD). */
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
  | "booking.rescheduled"
  | "booking.checked_in"
  | "booking.no_show"
  | "booking.completed"
  | "booking.check_in.undone"
  | "booking.no_show.undone"
  | "booking.completion.undone"
  | "payment.succeeded"
  | "payment.refunded"
  | "offline_payment.recorded"
>
/** The figures of an event, for one day or several; undefined when its booking does not exist. */
type Counting<T extends EventType> = (
  data: EventData<T>,
  event: EventRow,
  bookings: ReadonlyMap<string, CountedBooking>,
) => Figures | readonly Figures[] | undefined

/** The fields of a booking that the figures need. */
export interface CountedBooking {
  readonly id: string
  readonly facility_id: string
  readonly start_at: Date
  readonly price_amount: number
  readonly confirmed_at: Date | null
}

const counted: { readonly [T in CountedType]: Counting<T> } = {
  "booking.confirmed": ({ startAt, endAt, priceAmount }) => ({
    day: startAt,
    bookings: 1,
    booked_minutes: minutes(startAt, endAt),
    booked_amount: priceAmount,
  }),
  "booking.cancelled": ({ bookingId, startAt, endAt }, _, bookings) => {
    const booking = bookings.get(bookingId)
    if (!booking) return undefined
    // A request that was never approved was not counted as a booking.
    if (booking.confirmed_at === null) return []
    return {
      day: startAt,
      cancellations: 1,
      booked_minutes: -minutes(startAt, endAt),
      booked_amount: -booking.price_amount,
    }
  },
  "booking.rescheduled": (moved) =>
    moved.status === "confirmed"
      ? [
          {
            day: moved.previousStartAt,
            bookings: -1,
            booked_minutes: -minutes(moved.previousStartAt, moved.previousEndAt),
            booked_amount: -moved.previousPriceAmount,
          },
          {
            day: moved.startAt,
            bookings: 1,
            booked_minutes: minutes(moved.startAt, moved.endAt),
            booked_amount: moved.priceAmount,
          },
        ]
      : [],
  "booking.checked_in": ({ bookingId }, _, bookings) => {
    const booking = bookings.get(bookingId)
    return booking && { day: booking.start_at.toISOString(), check_ins: 1 }
  },
  "booking.no_show": ({ scheduledAt }) => ({ day: scheduledAt, no_shows: 1 }),
  "booking.completed": ({ startAt }) => ({ day: startAt, completions: 1 }),
  "booking.check_in.undone": ({ startAt }) => ({ day: startAt, check_ins: -1 }),
  "booking.no_show.undone": ({ startAt }) => ({ day: startAt, no_shows: -1 }),
  "booking.completion.undone": ({ startAt }) => ({ day: startAt, completions: -1 }),
  // A facility pays for its subscription; that is no payment to the facility.
  "payment.succeeded": ({ amount, referenceType }, event) =>
    referenceType === "subscription" ? [] : { day: event.occurred_at.toISOString(), payments_amount: amount },
  "payment.refunded": ({ amount, referenceType }, event) =>
    referenceType === "subscription" ? [] : { day: event.occurred_at.toISOString(), refunds_amount: amount },
  "offline_payment.recorded": ({ amount, paymentDate }) => ({ day: paymentDate, payments_amount: amount }),
}

/** The types of event that count. */
export const countedTypes = Object.keys(counted) as readonly CountedType[]

/** The figures of these events are in the booking, not in the event. */
export const needBooking: readonly string[] = ["booking.cancelled", "booking.checked_in"]

/**
 * The figures that an event of a counted type adds, to no, one or several days; undefined when its booking is not among
 * `bookings`.
 */
export function figuresOf(
  event: EventRow,
  bookings: ReadonlyMap<string, CountedBooking>,
): readonly Figures[] | undefined {
  const counting = counted[event.type as CountedType] as Counting<CountedType>
  const figures = counting(event.data as never, event, bookings)
  return figures && [figures].flat()
}

const minutes = (startAt: string, endAt: string) => (Date.parse(endAt) - Date.parse(startAt)) / 60_000
