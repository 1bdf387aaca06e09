/**
 * Counts the figures of a facility anew from the log, beside those in use, and compares or replaces them at once.
 * Handlers go on meanwhile. A short lock at the end takes in what they have counted since, and leaves out what they
 * will still count. Months that the log no longer has keep their figures.
 */
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { audit } from "#events/audit.ts"
import { type EventContext, transact } from "#events/outbox.ts"
import { countedTypes, type FigureMeasure, measures } from "./counting.ts"
import { lockFigures, replaceFigures } from "./daily.ts"
import { addToSums, type CountedEvent, type FigureRow, type FigureSums, keyOfFigures } from "./sums.ts"

/** The handler whose runs say which events are counted. */
export const figuresHandler = "AnalyticsHandler"

export interface RebuildTools {
  readonly db: Db
  readonly context: EventContext
}

export interface RebuildOptions {
  /** Only compares; changes nothing. */
  readonly check: boolean
  readonly onProgress?: (events: number) => void
}

export interface Rebuilt {
  readonly events: number
  /** The rows of figures that the log gives. */
  readonly rows: number
  /** Each measure that differed before. */
  readonly differences: readonly FigureDifference[]
  /** Why nothing was compared or replaced. */
  readonly refused?: string
}

export interface FigureDifference extends Omit<FigureRow, FigureMeasure | "facility_id"> {
  readonly measure: FigureMeasure
  readonly kept: number
  readonly counted: number
}

/** Events that are counted in one step. */
const pageSize = 2_000
/** Rows of figures of one facility in memory: decades of its days. */
const maxRows = 1_000_000
/** From before there were resources and types. */
const legacyMonth = "0001-01-01"
/** A batch of a handler may take this long until its commit. */
const lockWait = "15s"

export async function rebuildFigures(
  { db, context }: RebuildTools,
  facilityId: string,
  { check, onProgress = () => {} }: RebuildOptions,
): Promise<Rebuilt> {
  const sums: FigureSums = new Map()
  let [events, after] = [0, 0]
  const countOn = async (sql: Db | Tx): Promise<number> => {
    const { found, last } = await countPage(sql, sums, facilityId, after)
    events += found
    after = last
    onProgress(events)
    if (sums.size > maxRows) throw new Error(`rebuildFigures: more than ${maxRows} rows for ${facilityId}`)
    return found
  }
  // The last page is small, so the lock is short.
  while ((await countOn(db)) === pageSize);
  const { result } = await transact(db, context, async (tx) => {
    if (check) await tx`set transaction isolation level repeatable read, read only`
    else {
      await tx`select set_config('lock_timeout', ${lockWait}, true)`
      await lockFigures(tx)
    }
    while ((await countOn(tx)) === pageSize);
    const zones = await zoneOf(tx, facilityId)
    const uncounted: FigureSums = new Map()
    await addToSums(tx, uncounted, await notYetCounted(tx, facilityId, after), zones)
    subtract(sums, uncounted)
    const kept = await figuresOfFacility(tx, facilityId)
    const { gone, whole } = await retiredMonths(tx, facilityId)
    const isLegacy = kept.some(({ log_month }) => log_month === legacyMonth)
    if (isLegacy && !whole)
      return { refused: "it has figures of an earlier version, and the log no longer has all of their events" }
    const inLog = (row: FigureRow) => row.log_month === legacyMonth || !gone.has(row.log_month)
    const [counted, present] = [[...sums.values()].filter(inLog), kept.filter(inLog)]
    const differences = differencesOf(present, counted)
    if (!check) {
      const months = [...new Set([...counted, ...present].map((row) => row.log_month))]
      await replaceFigures(tx, facilityId, months, counted)
      const after = { events, differences: differences.length }
      audit(tx, { action: "figures.rebuilt", facilityId, subjectId: facilityId, after })
    }
    return { rows: counted.length, differences }
  })
  return { events, rows: 0, differences: [], ...result }
}

/** Facilities with counted events or figures, by id. */
export async function facilitiesWithFigures(db: Db): Promise<readonly { id: string; name: string }[]> {
  return db<{ id: string; name: string }[]>`
    select f.id, f.name from slotbase.facilities f
    where exists (select from slotbase.event_positions p where p.facility_id = f.id and p.type = any (${[...countedTypes]}))
       or exists (select from slotbase.daily_figures d where d.facility_id = f.id)
    order by f.id`
}

async function countPage(sql: Db | Tx, sums: FigureSums, facilityId: string, after: number) {
  const page = await sql<(CountedEvent & { position: number })[]>`
    select p.position, e.* from slotbase.event_positions p
    join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
    where p.facility_id = ${facilityId} and p.position > ${after} and p.type = any (${[...countedTypes]})
    order by p.position limit ${pageSize}`
  await addToSums(sql, sums, page, await zoneOf(sql, facilityId))
  return { found: page.length, last: page.at(-1)?.position ?? after }
}

async function zoneOf(sql: Db | Tx, facilityId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await sql<{ timezone: string }[]>`select timezone from slotbase.facilities where id = ${facilityId}`
  return new Map(rows.map(({ timezone }) => [facilityId, timezone]))
}

/** The handler will still count them: their runs are not finished, or are dead letters that nobody has resolved. */
const notYetCounted = (tx: Tx, facilityId: string, until: number) => tx<CountedEvent[]>`
  with waiting as (
    select u.event_id from slotbase.unfinished_runs u
    where u.handler = ${figuresHandler} and u.facility_id = ${facilityId} and u.position <= ${until}
    union
    select d.event_id from slotbase.dead_letters d
    where d.handler = ${figuresHandler} and d.facility_id = ${facilityId} and d.resolved_at is null and d.position <= ${until}
  )
  select e.* from waiting w
  join slotbase.events e on e.id = w.event_id and e.facility_id = ${facilityId}
  where e.type = any (${[...countedTypes]})`

async function figuresOfFacility(tx: Tx, facilityId: string): Promise<readonly FigureRow[]> {
  return tx<FigureRow[]>`
    select facility_id, day::text, resource_id, booking_type, log_month::text, bookings, cancellations, check_ins, no_shows,
           completions, booked_minutes, booked_amount, payments_amount, refunds_amount
    from slotbase.daily_figures where facility_id = ${facilityId}`
}

/** The months that have left the log, and whether the log still has the whole life of the facility. */
async function retiredMonths(tx: Tx, facilityId: string) {
  const rows = await tx<{ month: string; of_facility: boolean }[]>`
    select r.month::text, (f.created_at at time zone 'UTC')::date < r.month + interval '1 month' as of_facility
    from slotbase.retired_months r cross join slotbase.facilities f where f.id = ${facilityId}`
  return { gone: new Set(rows.map(({ month }) => month)), whole: !rows.some((row) => row.of_facility) }
}

function subtract(sums: FigureSums, less: FigureSums): void {
  for (const [key, row] of less) {
    const sum = sums.get(key)
    if (sum) for (const measure of measures) sum[measure] -= row[measure]
  }
}

/** A row that is not there is a row of zeros. */
function differencesOf(present: readonly FigureRow[], counted: readonly FigureRow[]): FigureDifference[] {
  const [before, now] = [present, counted].map((rows) => new Map(rows.map((row) => [keyOfFigures(row), row])))
  const all = new Map([...(before ?? []), ...(now ?? [])])
  return [...all].flatMap(([key, { day, resource_id, booking_type, log_month }]) =>
    measures.flatMap((measure) => {
      const [kept, counted] = [before?.get(key)?.[measure] ?? 0, now?.get(key)?.[measure] ?? 0]
      return kept === counted ? [] : [{ day, resource_id, booking_type, log_month, measure, kept, counted }]
    }),
  )
}
