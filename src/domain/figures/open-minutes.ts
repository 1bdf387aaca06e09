/**
 * The minutes in which resources could be booked: the opening hours of a facility less its closures, by the present
 * rules. A resource counts from the day on which it was made, and only while it is active.
 */
import type { Queryable } from "#base/database/db.ts"
import { localDateOf, type Span, spanOfDay } from "#base/local-days.ts"
import { type Closed, closuresIn } from "#domain/club/closed.ts"
import { type OpeningHours, openSpans } from "#domain/club/opening-hours.ts"

export interface OpenFacility {
  readonly id: string
  readonly timezone: string
  readonly opening_hours: OpeningHours
}

export interface OpenResource {
  readonly id: string
  readonly name: string
  readonly is_active: boolean
  readonly created_at: Date
}

/** Open minutes by resource and day (YYYY-MM-DD). */
export type OpenMinutes = (resourceId: string, day: string) => number

export async function openMinutesOf(
  db: Queryable,
  { id, timezone, opening_hours }: OpenFacility,
  resources: readonly OpenResource[],
  days: readonly string[],
): Promise<OpenMinutes> {
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined || last === undefined) return () => 0
  const span = { start: spanOfDay(timezone, first).start, end: spanOfDay(timezone, last).end }
  const closures = await closuresIn(db, id, span)
  const spans = new Map(days.map((day) => [day, openSpans(opening_hours, timezone, day)]))
  const known = new Map(
    resources.map((each) => [each.id, { ...each, since: localDateOf(timezone, each.created_at.getTime()) }]),
  )
  return (resourceId, day) => {
    const resource = known.get(resourceId)
    if (!resource?.is_active || day < resource.since) return 0
    const own = closures.filter(({ resourceIds }) => resourceIds === null || resourceIds.includes(resourceId))
    return (spans.get(day) ?? []).reduce((sum, open) => sum + openMs(open, own), 0) / 60_000
  }
}

/** What is left of an open span; closures may overlap. In order of their starts. */
function openMs({ start, end }: Span, closures: readonly Closed[]): number {
  let [left, from] = [0, start]
  for (const closed of closures) {
    if (closed.end <= from || closed.start >= end) continue
    left += Math.max(0, closed.start - from)
    from = Math.max(from, closed.end)
  }
  return left + Math.max(0, end - from)
}
