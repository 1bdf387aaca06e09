/** Sums of figures by facility, local day, resource, type of booking and month of the log. Pure but for its facts. */
import type { Queryable } from "#base/database/db.ts"
import { localDateOf } from "#base/local-days.ts"
import type { EventRow } from "#events/envelope.ts"
import { type FigureMeasure, type Figures, figuresOf, measures } from "./counting.ts"
import { factsOf } from "./facts.ts"

/** An event as the figures need it. */
export type CountedEvent = EventRow & { readonly resource_id: string | null }

/** A row of daily_figures. */
export type FigureRow = {
  readonly facility_id: string
  /** YYYY-MM-DD, as the month. */
  readonly day: string
  readonly resource_id: string
  readonly booking_type: string
  readonly log_month: string
} & Record<FigureMeasure, number>

export type FigureSums = Map<string, FigureRow>

/** In place of the id of a resource. */
export const noResource = "00000000-0000-0000-0000-000000000000"

export const keyOfFigures = (row: Omit<FigureRow, FigureMeasure>): string =>
  [row.facility_id, row.day, row.resource_id, row.booking_type, row.log_month].join(" ")

/** Adds events to the sums. Answers for each, in the same order, why it adds nothing, or undefined. */
export async function addToSums(
  db: Queryable,
  sums: FigureSums,
  events: readonly CountedEvent[],
  zones: ReadonlyMap<string, string>,
): Promise<readonly (undefined | { readonly skipped: string })[]> {
  const facts = await factsOf(db, events)
  return events.map((event) => {
    const timezone = zones.get(event.facility_id)
    if (timezone === undefined) return { skipped: "the facility does not exist" }
    const known = facts.get(event.id) ?? { cameBack: false }
    const figures = figuresOf(event, known)
    if (!figures) return { skipped: "the booking does not exist" }
    const type = (event.data as { bookingType?: string }).bookingType ?? known.booking?.booking_type ?? ""
    for (const each of figures) addOne(sums, event, timezone, type, each)
    return undefined
  })
}

function addOne(sums: FigureSums, event: CountedEvent, timezone: string, bookingType: string, figures: Figures): void {
  const keyed = {
    facility_id: event.facility_id,
    day: figures.day.length === "2026-03-01".length ? figures.day : localDateOf(timezone, Date.parse(figures.day)),
    resource_id: figures.resourceId ?? event.resource_id ?? noResource,
    booking_type: bookingType,
    log_month: monthOfLog(event.id),
  }
  const key = keyOfFigures(keyed)
  const zeros = Object.fromEntries(measures.map((measure) => [measure, 0])) as Record<FigureMeasure, number>
  const row = sums.get(key) ?? { ...keyed, ...zeros }
  for (const measure of measures) row[measure] += figures[measure] ?? 0
  sums.set(key, row)
}

/** The month of the partition in which an event stands, by the time in its id (UTC). */
const monthOfLog = (id: string): string =>
  `${new Date(Number.parseInt(id.replace("-", "").slice(0, 12), 16)).toISOString().slice(0, 7)}-01`
