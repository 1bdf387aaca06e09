/** The slots of a resource on a local day, as answers, frames and the cache hold them. Pure functions. */
import * as Schema from "effect/Schema"
import type { Span } from "#base/local-days.ts"
import { Instant, Money } from "#base/schema/fact-fields.ts"
import { type TariffRule, tariffOf } from "#domain/booking/prices.ts"
import { type OpeningHours, slotSpans } from "#domain/club/opening-hours.ts"

/**
 * `blocked`: closed, or taken by something other than play, such as maintenance. A slot that has begun or passed
 * keeps its status. The price is that of open play.
 */
export const Slot = Schema.Struct({
  startAt: Instant,
  endAt: Instant,
  status: Schema.Literals(["free", "held", "booked", "blocked"]),
  priceAmount: Money,
}).annotate({ identifier: "Slot" })
export type Slot = typeof Slot.Type

/** The facts from which the slots of a day are computed. */
export interface DayFacts {
  readonly resource_id: string
  readonly timezone: string
  readonly opening_hours: OpeningHours
  readonly slot_minutes: number
  readonly hourly_price: number
  readonly price_rules: readonly TariffRule[]
  readonly occupied: readonly Occupied[]
  /** Times that cannot be booked although nothing occupies them. */
  readonly closed: readonly Span[]
}

export interface Occupied extends Span {
  readonly status: string
  readonly booking_type: string
  /** When a hold expires, milliseconds since the epoch. */
  readonly expires: number | null
}

/** The slots at `now` (milliseconds). An expired hold occupies nothing. */
export function slotsAt(day: DayFacts, date: string, now: number): Slot[] {
  const live = day.occupied.filter((each) => !(each.status === "held" && each.expires !== null && each.expires <= now))
  const { priceOf } = tariffOf({
    resourceId: day.resource_id,
    bookingType: "open_play",
    hourlyPrice: day.hourly_price,
    timezone: day.timezone,
    rules: day.price_rules,
  })
  return slotSpans(day.opening_hours, day.timezone, date, day.slot_minutes).map(({ start, end }) => ({
    startAt: new Date(start).toISOString(),
    endAt: new Date(end).toISOString(),
    status: statusOf(
      live.filter((each) => each.start < end && start < each.end),
      day.closed.some((each) => each.start < end && start < each.end),
    ),
    priceAmount: priceOf({ start, end }),
  }))
}

function statusOf(taking: readonly Occupied[], closed: boolean): Slot["status"] {
  if (taking.length === 0) return closed ? "blocked" : "free"
  if (taking.some(({ booking_type }) => booking_type === "coach_block" || booking_type === "maintenance"))
    return "blocked"
  return taking.every(({ status }) => status === "held" || status === "pending") ? "held" : "booked"
}
