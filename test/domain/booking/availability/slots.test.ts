// The slots of a day are computed in one walk for all resources. They are those that each slot alone would have.

import { expect, test } from "bun:test"
import fc from "fast-check"
import { weekdays } from "#base/weekdays.ts"
import { type Occupied, type Slot, slotsOfDay } from "#domain/booking/availability/slots.ts"
import { type TariffRule, tariffOf } from "#domain/booking/prices.ts"
import { slotSpans } from "#domain/club/opening-hours.ts"

const timezone = "Europe/Berlin"
/** An ordinary day, and those on which the clocks change. */
const dates = ["2026-03-28", "2026-03-29", "2026-10-25"]
const resourceIds = ["court-1", "court-2"]

const time = fc.integer({ min: 0, max: 96 }).map((quarter) => local(15 * quarter))
const rule = fc.record({
  resourceId: fc.option(fc.constantFrom(...resourceIds)),
  bookingType: fc.option(fc.constantFrom("open_play", "league")),
  weekdays: fc.option(fc.subarray([...weekdays], { minLength: 1 })),
  times: fc.option(fc.tuple(time, time).filter(([from, to]) => from < to)),
  hourlyPrice: fc.nat(9),
})
const span = fc.tuple(fc.integer({ min: -90, max: 1600 }), fc.integer({ min: 1, max: 300 }))
const occupied = fc.record({
  span,
  status: fc.constantFrom("held", "confirmed", "pending"),
  type: fc.constantFrom("open_play", "maintenance"),
  expires: fc.option(fc.constantFrom(0, 1_000)),
  buffer: fc.constantFrom(0, 10, 120),
})

test("each slot has the state and the price that it has alone", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...dates),
      fc.constantFrom(15, 60, 95),
      fc.array(fc.tuple(time, time), { maxLength: 4 }),
      fc.array(rule, { maxLength: 8 }),
      fc.array(occupied, { maxLength: 8 }),
      fc.array(span, { maxLength: 4 }),
      fc.constantFrom(0, 10),
      (date, slotMinutes, open, rules, taken, closures, bufferMinutes) => {
        const midnight = Date.parse(`${date}T00:00:00+01:00`)
        const at = ([from, minutes]: [number, number]) => ({
          start: midnight + from * 60_000,
          end: midnight + (from + minutes) * 60_000,
        })
        const facts = {
          timezone,
          currency: "EUR",
          tax: { mode: "inclusive" as const, rates: {} },
          slot_minutes: slotMinutes,
          start_grid_minutes: null,
          least_minutes: null,
          greatest_minutes: null,
          length_step_minutes: null,
          opening_hours: open.length === 0 ? {} : everyDay(open),
          price_rules: rules.map(({ times, ...each }, i): TariffRule => {
            const [fromTime, toTime] = times ?? [null, null]
            return { ...each, id: String(i), name: "", fromTime, toTime }
          }),
        }
        const resource = {
          hourly_price: 7,
          buffer_minutes: bufferMinutes,
          closed: closures.map(at),
          occupied: taken.map(
            (each): Occupied => ({
              ...at(each.span),
              freeFrom: at(each.span).end + each.buffer * 60_000,
              status: each.status,
              booking_type: each.type,
              expires: each.expires,
            }),
          ),
        }
        const slotsOf = slotsOfDay(facts, date)
        for (const resource_id of resourceIds) {
          const alone = slotSpans(facts.opening_hours, timezone, date, slotMinutes).map((slot) => ({
            startAt: new Date(slot.start).toISOString(),
            endAt: new Date(slot.end).toISOString(),
            ...aloneIn(slot, { ...facts, ...resource, resource_id }),
          }))
          expect(slotsOf({ ...resource, resource_id }, now)).toEqual(
            alone.toSorted((a, b) => a.startAt.localeCompare(b.startAt)),
          )
        }
      },
    ),
    { numRuns: 300 },
  )
})

const now = 500

type Facts = Parameters<typeof slotsOfDay>[0] & Parameters<ReturnType<typeof slotsOfDay>>[0]

function aloneIn(slot: { start: number; end: number }, facts: Facts): Pick<Slot, "status" | "priceAmount"> {
  const meets = (each: { start: number; end: number }) => each.start < slot.end && slot.start < each.end
  const live = facts.occupied.filter(
    (each) => !(each.status === "held" && each.expires !== null && each.expires <= now),
  )
  const taking = live.filter(meets)
  const freeFrom = slot.end + facts.buffer_minutes * 60_000
  const inBuffer = live.some((each) => each.start < freeFrom && slot.start < each.freeFrom)
  const { priceOf } = tariffOf({
    resourceId: facts.resource_id,
    bookingType: "open_play",
    hourlyPrice: facts.hourly_price,
    timezone,
    rules: facts.price_rules,
  })
  const waits = taking.every(({ status }) => status === "held" || status === "pending")
  const used = taking.some(({ booking_type }) => booking_type === "maintenance") ? "blocked" : waits ? "held" : "booked"
  const unused = inBuffer || facts.closed.some(meets) ? "blocked" : "free"
  return { status: taking.length > 0 ? used : unused, priceAmount: priceOf(slot) }
}

/** The same hours each day: the given ones that come in order and do not overlap. */
function everyDay(open: readonly [string, string][]) {
  const hours: { open: string; close: string }[] = []
  for (const [from, to] of open.toSorted())
    if (from < to && from >= (hours.at(-1)?.close ?? "")) hours.push({ open: from, close: to })
  return Object.fromEntries(weekdays.map((day) => [day, hours]))
}

function local(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`
}
