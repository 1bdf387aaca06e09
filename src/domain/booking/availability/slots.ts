/** The slots of a resource on a local day, as answers, frames and the cache hold them. Pure functions. */
import * as Schema from "effect/Schema"
import type { Span } from "#base/local-days.ts"
import { unitOf } from "#base/money.ts"
import { Instant, Money } from "#base/schema/fact-fields.ts"
import { occupiedBy } from "#domain/booking/buffers.ts"
import { fittingRules, ruleLinesOf, type TariffRule, walkingPrice, windowsOf } from "#domain/booking/prices.ts"
import { type SlotRules, slotsOfRules } from "#domain/booking/slot-rules.ts"
import type { OpeningHours } from "#domain/club/opening-hours.ts"
import type { TaxTerms } from "#domain/club/tax-rates.ts"
import { taxed } from "#domain/ledger/tax.ts"

/**
 * `blocked`: closed, or taken by something other than play, such as maintenance, or by the buffer of a booking next to
 * it. A free slot has room for its own buffer. A slot that has begun or passed
 * keeps its status. The price is that of open play.
 */
export const Slot = Schema.Struct({
  startAt: Instant,
  endAt: Instant,
  status: Schema.Literals(["free", "held", "booked", "blocked"]),
  priceAmount: Money,
}).annotate({ identifier: "Slot" })
export type Slot = typeof Slot.Type

/** What all resources of a facility have in common on a local day. */
export interface FacilityFacts extends SlotRules {
  readonly timezone: string
  readonly currency: string
  readonly tax: TaxTerms
  readonly opening_hours: OpeningHours
  readonly slot_minutes: number
  /** Of all resources. */
  readonly price_rules: readonly TariffRule[]
}

/** The facts of one resource. */
export interface ResourceFacts {
  readonly resource_id: string
  readonly hourly_price: number
  /** Of a booking of open play. */
  readonly buffer_minutes: number
  readonly occupied: readonly Occupied[]
  /** Times that cannot be booked although nothing occupies them. */
  readonly closed: readonly Span[]
}

export interface Occupied extends Span {
  /** The end of its buffer. */
  readonly freeFrom: number
  readonly status: string
  readonly booking_type: string
  /** When a hold expires, milliseconds since the epoch. */
  readonly expires: number | null
}

/** The slots of a resource at `now` (milliseconds). An expired hold occupies nothing. */
export type SlotsOf = (resource: ResourceFacts, now: number) => Slot[]

/** Computes once what the resources have in common: the steps of the day, and which price rule applies when. */
export function slotsOfDay(
  { timezone, currency, tax, opening_hours, slot_minutes, price_rules, ...slotRules }: FacilityFacts,
  date: string,
): SlotsOf {
  // In order: where the clocks skip an hour, an interval in that hour moves over the next one.
  const steps = slotsOfRules({ ...slotRules, timezone, openingHours: opening_hours }, date, slot_minutes)
    .toSorted((a, b) => a.start - b.start)
    .map((span) => ({
      ...span,
      startAt: new Date(span.start).toISOString(),
      endAt: new Date(span.end).toISOString(),
    }))
  const day = { start: steps[0]?.start ?? 0, end: steps.at(-1)?.end ?? 0 }
  const rules = steps.length === 0 ? [] : fittingRules(price_rules, "open_play")
  const windows = windowsOf(rules, timezone, day)
  const withOwnRules = new Set(rules.map((rule) => rule.resourceId))
  const linesFor = (resourceId: string | null) =>
    ruleLinesOf(
      windows.filter(({ rule }) => rule.resourceId === null || rule.resourceId === resourceId),
      day,
    )
  const common = linesFor(null)
  const unit = unitOf(currency)
  return ({ resource_id, hourly_price, buffer_minutes, occupied, closed }, now) => {
    const live = occupied.filter((each) => !(each.status === "held" && each.expires !== null && each.expires <= now))
    const priceOf = walkingPrice(withOwnRules.has(resource_id) ? linesFor(resource_id) : common, hourly_price, unit)
    const withBuffers = live.map((each) => ({ ...each, end: each.freeFrom, playedUntil: each.end }))
    const [takingIn, closedIn] = [walkingOverlaps(withBuffers), walkingOverlaps(closed)]
    return steps.map(({ startAt, endAt, ...span }) => ({
      startAt,
      endAt,
      status: statusOf(span, takingIn(occupiedBy(span, buffer_minutes)), closedIn(span).length > 0),
      // What a booking of the slot costs: a tax that is added to the price belongs to it.
      priceAmount: tax.mode === "inclusive" ? priceOf(span) : taxed(priceOf(span), "court", tax, currency).gross,
    }))
  }
}

/** The items that overlap a span, in one walk: no span begins earlier than the span before. */
function walkingOverlaps<Item extends Span>(items: readonly Item[]): (span: Span) => readonly Item[] {
  const waiting = items.toSorted((a, b) => b.start - a.start)
  let open: Item[] = []
  return ({ start, end }) => {
    for (let next = waiting.at(-1); next !== undefined && next.start < end; next = waiting.at(-1)) {
      open.push(next)
      waiting.pop()
    }
    if (open.some((item) => item.end <= start)) open = open.filter((item) => item.end > start)
    return open
  }
}

/** @param near what overlaps the slot or its buffer; each ends with its own buffer */
function statusOf(
  { start, end }: Span,
  near: readonly (Occupied & { readonly playedUntil: number })[],
  closed: boolean,
): Slot["status"] {
  const taking = near.filter((each) => each.start < end && start < each.playedUntil)
  if (taking.length === 0) return closed || near.length > 0 ? "blocked" : "free"
  if (taking.some(({ booking_type }) => booking_type === "coach_block" || booking_type === "maintenance"))
    return "blocked"
  return taking.every(({ status }) => status === "held" || status === "pending") ? "held" : "booked"
}
