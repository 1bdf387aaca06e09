/**
 * What a message tells besides its event. It is the payment that made a booking, or the other bookings of a series that
 * changed in the same request.
 */

/** The payment in the confirmation of the booking that it paid. */
export interface Receipt {
  /** Minor units. */
  readonly amount: number
  readonly currency: string
  readonly paymentMethod: string
  /** UTC instant. */
  readonly paidAt: string
}

/** The bookings of a series that were made, moved or cancelled together. */
export interface Series {
  readonly count: number
  /** Of them: those that wait for approval. */
  readonly pending: number
  /** In the order of time, at most `datesShown`. */
  readonly dates: readonly { readonly day: string; readonly startAt: string; readonly endAt: string }[]
  /** Those that are not among the dates. */
  readonly more: number
  /** Local days of the facility, YYYY-MM-DD. */
  readonly first: string
  readonly last: string
  /** The weekday of all of them (0 is Sunday); empty: there are several. */
  readonly weekday: number | ""
  /** Whether all begin and end at the same local time. */
  readonly sameTime: boolean
  /** Local times of the first. */
  readonly startTime: string
  readonly endTime: string
  /** The days that could not be booked. */
  readonly skipped: readonly { readonly startAt: string }[]
  /** Minor units: of all together. */
  readonly amount: number
  readonly refund: number
  readonly currency: string
  /** Of the first; empty: unknown. */
  readonly paymentMethod: string
}

/** Longer lists are no help to a reader: the page of the bookings has them all. */
export const datesShown = 20

/** The part of an event that is asked. */
export interface RecordedEventFacts {
  readonly id: string
  readonly facility_id: string
  readonly type: string
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly data: object
}
