/**
 * The rules of a facility that a plan must keep. Some bind everybody. The limits of the booking policy bind members
 * only.
 */
import { InvalidInput, RuleBroken } from "#base/errors.ts"
import { localDateOf, localTimeOf, type Span } from "#base/local-days.ts"
import { instantAt, wallAt } from "#base/zones/wall-clock.ts"
import { isOpenDuring, type OpeningHours, openSpans } from "#domain/club/opening-hours.ts"
import { longerThanADay, maxBookingMinutes } from "./input.ts"
import type { CompletePlanFacts } from "./plan-facts.ts"
import type { BookingPlan } from "./planned.ts"

/**
 * How many slots a person may keep waiting (live holds and requests for approval). Enough for a team's evening; more
 * is hoarding.
 */
export const maxLiveHolds = 10

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** Throws InvalidInput, RuleBroken `starts_in_the_past`, `outside_opening_hours`, `facility_closed`. */
export function checkRules(
  { span, now, openingHours, timezone }: BookingPlan,
  { closed_for }: CompletePlanFacts,
): void {
  if (isLongerThanADay(span, timezone)) throw new InvalidInput([{ path: "body.endAt", message: longerThanADay }])
  if (span.start < now) {
    const message = "The time has begun already; book a time that starts in the future."
    throw new RuleBroken("starts_in_the_past", message, [{ path: "body.startAt", message: "is in the past" }])
  }
  if (!isOpenDuring(openingHours, timezone, span)) {
    throw new RuleBroken("outside_opening_hours", closedText(openingHours, timezone, span), [
      { path: "body.startAt", message: "the facility must be open from startAt to endAt" },
    ])
  }
  if (closed_for !== null) {
    const fault = { path: "body.startAt", message: "is closed" }
    throw new RuleBroken("facility_closed", `The facility is closed then: ${closed_for}.`, [fault])
  }
}

/** Throws RuleBroken `lead_time_too_short`, `too_far_ahead`, `booking_restricted`, `too_many_holds`. */
export function checkLimits({ span, now, timezone }: BookingPlan, found: CompletePlanFacts, keptWaiting: number): void {
  const { lead_time_minutes, advance_days, restricted_until } = found
  if (lead_time_minutes !== null && span.start < now + lead_time_minutes * minuteMs) {
    const first = new Date(now + lead_time_minutes * minuteMs).toISOString()
    const fault = { path: "body.startAt", message: `must be at least ${lead_time_minutes} minutes from now` }
    throw new RuleBroken("lead_time_too_short", `Members book ${lead_time_minutes} minutes ahead: from ${first} on.`, [
      fault,
    ])
  }
  if (advance_days !== null) {
    const last = Temporal.PlainDate.from(localDateOf(timezone, now)).add({ days: advance_days }).toString()
    if (localDateOf(timezone, span.start) > last) {
      const message = `Members book at most ${advance_days} days ahead: until ${last}.`
      throw new RuleBroken("too_far_ahead", message, [
        { path: "body.startAt", message: `must be on ${last} or earlier` },
      ])
    }
  }
  if (restricted_until !== null) {
    const message = `After too many no-shows this member cannot book until ${restricted_until.toISOString()}.`
    throw new RuleBroken("booking_restricted", message)
  }
  if (keptWaiting >= maxLiveHolds) {
    throw new RuleBroken(
      "too_many_holds",
      `You keep ${keptWaiting} slots waiting already; confirm or release one first.`,
    )
  }
}

/** More than 24 hours, and more than from one reading of the clock to the same one of the next local day. */
function isLongerThanADay({ start, end }: Span, timezone: string): boolean {
  if (end - start <= maxBookingMinutes * minuteMs) return false
  return end > instantAt(timezone, wallAt(timezone, start) + dayMs, "later")
}

function closedText(hours: OpeningHours, timezone: string, span: Span): string {
  const date = localDateOf(timezone, span.start)
  const time = (at: number) => localTimeOf(timezone, at)
  const open = openSpans(hours, timezone, date).map(({ start, end }) => `${time(start)}–${time(end)}`)
  return open.length === 0
    ? `The facility is closed on ${date}.`
    : `The facility is not open for all of this time; on ${date} it is open ${open.join(", ")} (${timezone}).`
}
