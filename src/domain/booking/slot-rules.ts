/**
 * The rules for starts and lengths of members' bookings, and the slots that keep them. Pure functions.
 * A start is a whole number of grid minutes by the clock after the opening of its interval, like the slots. So the
 * starts are the same on a day on which the clocks change. A facility without hours opens at local midnight.
 * Guarantee: a member may book each slot of `slotsOfRules`, as far as starts and lengths go.
 */
import { RuleBroken } from "#base/errors.ts"
import { localDateOf, type Span } from "#base/local-days.ts"
import { isAtStep, isOpenDuring, type OpeningHours, slotSpans } from "#domain/club/opening-hours.ts"
import { maxBookingMinutes, minBookingMinutes } from "./input.ts"

/** Columns of booking_policies; null: no rule. Least and greatest are whole steps. */
export interface SlotRules {
  readonly start_grid_minutes: number | null
  readonly least_minutes: number | null
  readonly greatest_minutes: number | null
  readonly length_step_minutes: number | null
}

/** The hours of a facility, with its rules. */
export interface RuledHours extends SlotRules {
  readonly timezone: string
  readonly openingHours: OpeningHours
}

const minuteMs = 60_000
const anyLength = { least: minBookingMinutes, greatest: maxBookingMinutes }

/**
 * @param standing the time of a booking that moves: a start or a length that stays is not judged anew
 * @throws RuleBroken `off_grid`, `too_short`, `too_long`, `off_step`; each names what is allowed nearby
 */
export function checkSlotRules(span: Span, hours: RuledHours, now: number, standing?: Span): void {
  if (standing === undefined || lengthOf(standing) !== lengthOf(span)) checkLength(lengthOf(span), hours)
  if (standing === undefined || standing.start !== span.start) checkStart(span, hours, now)
}

/**
 * The slots of a local day: at least `slotMinutes` long, or as long as a member may book. The slots begin on the grid,
 * and none overlaps another.
 */
export function slotsOfRules(hours: RuledHours, date: string, slotMinutes: number): Span[] {
  const length = slotLength(hours, slotMinutes)
  const grid = hours.start_grid_minutes ?? length
  return slotSpans(hours.openingHours, hours.timezone, date, Math.ceil(length / grid) * grid, length)
}

/** The starts that a member may choose on a local day: those of the grid; without one, those of the slots. */
export const startsOfRules = (hours: RuledHours, date: string, slotMinutes: number): number[] =>
  hours.start_grid_minutes === null
    ? slotsOfRules(hours, date, slotMinutes).map(({ start }) => start)
    : slotSpans(hours.openingHours, hours.timezone, date, hours.start_grid_minutes, 1).map(({ start }) => start)

function slotLength({ least_minutes, greatest_minutes, length_step_minutes }: SlotRules, slotMinutes: number): number {
  const step = length_step_minutes ?? 1
  const wanted = Math.max(least_minutes ?? anyLength.least, Math.ceil(slotMinutes / step) * step)
  return Math.min(wanted, greatest_minutes ?? Math.floor(anyLength.greatest / step) * step)
}

function checkLength(minutes: number, { least_minutes, greatest_minutes, length_step_minutes }: SlotRules): void {
  const step = length_step_minutes ?? 1
  const least = least_minutes ?? Math.ceil(anyLength.least / step) * step
  const greatest = greatest_minutes ?? Math.floor(anyLength.greatest / step) * step
  if (minutes < least) {
    throw broken("too_short", `Members book at least ${least} minutes.`, `must be ${least} minutes after startAt`)
  }
  if (minutes > greatest) {
    throw broken("too_long", `Members book at most ${greatest} minutes.`, `must be ${greatest} minutes after startAt`)
  }
  if (minutes % step === 0) return
  const below = Math.floor(minutes / step) * step
  const near = [below, below + step].filter((each) => each >= least && each <= greatest).join(" or ")
  const message = `Members book whole steps of ${step} minutes; the nearest lengths are ${near} minutes.`
  throw broken("off_step", message, `must be ${near} minutes after startAt`)
}

function checkStart(span: Span, hours: RuledHours, now: number): void {
  const { start_grid_minutes: grid, openingHours, timezone } = hours
  if (grid === null || isAtStep(openingHours, timezone, span.start, grid) !== false) return
  const starts = slotSpans(openingHours, timezone, localDateOf(timezone, span.start), grid, 1).map(({ start }) => start)
  const near = [starts.findLast((start) => start < span.start), starts.find((start) => start > span.start)]
    .filter((start) => start !== undefined)
    .filter((start) => start >= now && hasRoom(start, span, hours))
    .sort((a, b) => Math.abs(a - span.start) - Math.abs(b - span.start) || a - b)
    .map((start) => new Date(start).toISOString())
  const nearest = near.length === 0 ? "there is none nearby" : `the nearest are ${near.join(" and ")}`
  throw new RuleBroken("off_grid", `Members begin every ${grid} minutes from the opening on; ${nearest}.`, [
    {
      path: "body.startAt",
      message: near.length === 0 ? `must be every ${grid} minutes from the opening on` : `must be ${near.join(" or ")}`,
    },
  ])
}

/** Whether the booking would fit into the hours there. */
function hasRoom(start: number, { start: asked, end }: Span, { openingHours, timezone }: RuledHours): boolean {
  return isOpenDuring(openingHours, timezone, { start, end: start + end - asked })
}

const lengthOf = ({ start, end }: Span) => (end - start) / minuteMs

const broken = (code: string, message: string, expected: string) =>
  new RuleBroken(code, message, [{ path: "body.endAt", message: expected }])
