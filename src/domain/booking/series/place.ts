/**
 * Where a change of a series puts a booking: it changes what it names, and leaves the rest as the booking has it. A
 * time that the booking shows already keeps its instant, so the second 02:30 of a long day stays the second. Pure
 * functions.
 */
import { instantOf, localDateOf, localTimeOf } from "#base/local-days.ts"
import type { ChangeSeriesInput } from "./input.ts"
import { endOf, minutesBetween } from "./occurrences.ts"
import type { PlaceOfDay, SeriesRow, SeriesTarget } from "./rows.ts"

/** A stretch of a resource, in milliseconds since the Unix epoch. */
export interface Place {
  readonly start: number
  readonly end: number
  readonly resourceId: string
}

type Change = Pick<ChangeSeriesInput, "startTime" | "durationMinutes" | "endTime" | "resourceId">
type Ends = Pick<SeriesRow, "timezone" | "end_time">

/**
 * The booking's new place. What was changed in the booking by itself stays, unless the change names this booking alone
 * or includes such bookings. Undefined where the zone skips the time's day.
 */
export function newPlaceOf(series: Ends, target: SeriesTarget, input: ChangeSeriesInput): Place | undefined {
  const present = presentOf(target)
  const { timezone } = series
  if (input.scope === "this") return changed(series, present, localDateOf(timezone, present.start), input)
  const own = input.includeMoved === true ? noneOwn : ownOf(present, placedOf(target))
  const { startTime, durationMinutes, endTime, resourceId } = input
  const change: Change = {
    ...(startTime !== undefined && !own.start && { startTime }),
    ...(durationMinutes !== undefined && !own.length && { durationMinutes }),
    ...(endTime !== undefined && !own.length && !own.end && { endTime }),
    ...(resourceId !== undefined && !own.resource && { resourceId }),
  }
  return changed(series, present, target.occurs_on, change)
}

/** Where the series puts the booking now, as its day keeps it; undefined when that is not known. */
export function newPlacedOf(
  series: Ends,
  target: SeriesTarget,
  input: ChangeSeriesInput,
): (PlaceOfDay & { readonly occurs_on: string }) | undefined {
  const from = placedOf(target) ?? (input.includeMoved === true ? presentOf(target) : undefined)
  const to = from && changed(series, from, target.occurs_on, input)
  return (
    to && {
      occurs_on: target.occurs_on,
      placed_start_at: new Date(to.start),
      placed_end_at: new Date(to.end),
      placed_resource_id: to.resourceId,
    }
  )
}

export const presentOf = ({ start_at, end_at, resource_id }: SeriesTarget): Place => ({
  start: start_at.getTime(),
  end: end_at.getTime(),
  resourceId: resource_id,
})

export const samePlace = (one: Place, other: Place): boolean =>
  one.start === other.start && one.end === other.end && one.resourceId === other.resourceId

function placedOf({ placed_start_at, placed_end_at, placed_resource_id }: SeriesTarget): Place | undefined {
  if (placed_start_at === null || placed_end_at === null || placed_resource_id === null) return undefined
  return { start: placed_start_at.getTime(), end: placed_end_at.getTime(), resourceId: placed_resource_id }
}

const noneOwn = { start: false, end: false, length: false, resource: false }
const ownOf = (present: Place, placed: Place | undefined) => ({
  start: present.start !== placed?.start,
  end: present.end !== placed?.end,
  length: placed === undefined || present.end - present.start !== placed.end - placed.start,
  resource: present.resourceId !== placed?.resourceId,
})

/** @param day the local day on which the booking starts when the change names a start */
function changed({ timezone, end_time }: Ends, place: Place, day: string, change: Change): Place | undefined {
  const { startTime, durationMinutes, endTime } = change
  const start = startTime === undefined ? place.start : kept(timezone, place.start, instantOf(timezone, day, startTime))
  if (startTime !== undefined && localDateOf(timezone, start) !== day) return undefined
  const on = localDateOf(timezone, start)
  const from = startTime ?? localTimeOf(timezone, start)
  const until = (end: string) => {
    const pattern = { startTime: from, durationMinutes: minutesBetween(from, end), endTime: end }
    return kept(timezone, place.end, endOf(pattern, timezone, on, start))
  }
  const length = place.end - place.start
  const ends =
    durationMinutes !== undefined
      ? start + durationMinutes * 60_000
      : endTime !== undefined
        ? until(endTime)
        : end_time !== null && start !== place.start
          ? until(localTimeOf(timezone, place.end))
          : start + length
  return { start, end: ends, resourceId: change.resourceId?.toLowerCase() ?? place.resourceId }
}

/** The present instant where the clock shows the same day and time then: a repeated hour has two such instants. */
const kept = (timezone: string, present: number, wanted: number): number =>
  localDateOf(timezone, present) === localDateOf(timezone, wanted) &&
  localTimeOf(timezone, present) === localTimeOf(timezone, wanted)
    ? present
    : wanted
