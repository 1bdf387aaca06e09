/**
 * The figures that each type of event adds to a facility's day. Pure: what the event does not say itself is given as
 * facts. The facts of an event are the same at any later time, so a recount gives the same figures.
 */
import type { EventData, EventType } from "#events/catalogue.ts"
import type { EventRow } from "#events/envelope.ts"

/** The measures of a day, each a column of daily_figures. */
export const measures = [
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
export type FigureMeasure = (typeof measures)[number]

/** The figures that an event adds to a day. */
export interface Figures extends Partial<Readonly<Record<FigureMeasure, number>>> {
  /** An instant of the day to which the figures are added, or the day itself (YYYY-MM-DD). */
  readonly day: string
  /** Where it is another one than the event's own. */
  readonly resourceId?: string
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
  | "payment.refund_failed"
  | "offline_payment.recorded"
>
/** The figures of an event, for one day or several; undefined when its booking does not exist. */
type Counting<T extends EventType> = (
  data: EventData<T>,
  event: EventRow,
  facts: EventFacts,
) => Figures | readonly Figures[] | undefined

/** What an event does not say itself. */
export interface EventFacts {
  readonly booking?: BookingFacts
  /** Of payment.refund_failed: the refund had succeeded, and came back. */
  readonly cameBack: boolean
}

/** The fields of a booking that the figures need. */
export interface BookingFacts {
  readonly booking_type: string
  /** When the event happened: a later move does not count. */
  readonly start_at: Date
  /** After a cancellation it does not change. */
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
  "booking.cancelled": ({ startAt, endAt }, _, { booking }) => {
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
            resourceId: moved.previousResourceId,
            bookings: -1,
            booked_minutes: -minutes(moved.previousStartAt, moved.previousEndAt),
            booked_amount: -moved.previousPriceAmount,
          },
          {
            day: moved.startAt,
            resourceId: moved.resourceId,
            bookings: 1,
            booked_minutes: minutes(moved.startAt, moved.endAt),
            booked_amount: moved.priceAmount,
          },
        ]
      : [],
  "booking.checked_in": (_, __, { booking }) => booking && { day: booking.start_at.toISOString(), check_ins: 1 },
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
  "payment.refund_failed": ({ amount, referenceType }, event, { cameBack }) =>
    referenceType === "subscription" || !cameBack
      ? []
      : { day: event.occurred_at.toISOString(), refunds_amount: -amount },
  "offline_payment.recorded": ({ amount, paymentDate }) => ({ day: paymentDate, payments_amount: amount }),
}

/** The types of event that count. */
export const countedTypes = Object.keys(counted) as readonly CountedType[]

/** The booking that an event of a counted type is about; undefined: none. */
export function bookingOfEvent({ data }: EventRow): string | undefined {
  const { bookingId, referenceType, referenceId } = data as Readonly<Record<string, string | undefined>>
  return bookingId ?? (referenceType === "booking" ? referenceId : undefined)
}

/** The figures that an event of a counted type adds, to no, one or several days; undefined without its booking. */
export function figuresOf(event: EventRow, facts: EventFacts): readonly Figures[] | undefined {
  const counting = counted[event.type as CountedType] as Counting<CountedType>
  const figures = counting(event.data as never, event, facts)
  return figures && [figures].flat()
}

const minutes = (startAt: string, endAt: string) => (Date.parse(endAt) - Date.parse(startAt)) / 60_000
