/**
 * The rows of closures. Closures of whole local days follow the facility when it changes its time zone.
 * Their days are the rule, and their instants follow from the days.
 * Writes: closures, closure_resources.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import { type Span, spanOfDay } from "#base/local-days.ts"

export interface ClosureRow {
  readonly id: string
  readonly facility_id: string
  readonly start_at: Date
  readonly end_at: Date
  /** YYYY-MM-DD; null: the closure is not of whole days. */
  readonly first_day: string | null
  readonly last_day: string | null
  readonly whole_facility: boolean
  /** Empty: the whole facility. */
  readonly resource_ids: readonly string[]
  readonly reason: string
  readonly created_by: string
  readonly created_at: Date
}

/** The days of a closure of whole days, the last one included. */
export interface Days {
  readonly first: string
  readonly last: string
}

/** From the beginning of the first local day to the end of the last. */
export const spanOfDays = (timezone: string, { first, last }: Days): Span => ({
  start: spanOfDay(timezone, first).start,
  end: spanOfDay(timezone, last).end,
})

export async function insertClosure(
  tx: Tx,
  closure: {
    readonly facilityId: string
    readonly span: Span
    readonly days: Days | undefined
    /** Empty: the whole facility. */
    readonly resourceIds: readonly string[]
    readonly reason: string
    readonly createdBy: string
  },
): Promise<ClosureRow> {
  const { facilityId, span, days, resourceIds, reason, createdBy } = closure
  const id = newId()
  await tx`
    insert into slotbase.closures (id, facility_id, start_at, end_at, first_day, last_day, whole_facility, reason, created_by)
    values (${id}, ${facilityId}, ${iso(span.start)}, ${iso(span.end)}, ${days?.first ?? null}, ${days?.last ?? null},
            ${resourceIds.length === 0}, ${reason}, ${createdBy})`
  if (resourceIds.length > 0) {
    await tx`
      insert into slotbase.closure_resources (closure_id, facility_id, resource_id)
      select ${id}::uuid, ${facilityId}::uuid, r from unnest(${[...resourceIds]}::uuid[]) r order by r`
  }
  const row = await findClosure(tx, facilityId, id)
  if (!row) throw new Error("insertClosure: the closure is not there")
  return row
}

/** Returns the closure as it was; undefined when there is none. */
export async function deleteClosure(tx: Tx, facilityId: string, id: string): Promise<ClosureRow | undefined> {
  const row = await findClosure(tx, facilityId, id)
  const { count } = await tx`delete from slotbase.closures where id = ${id} and facility_id = ${facilityId}`
  return count === 0 ? undefined : row
}

/** The facility has a new time zone: closures that are not over move to the same days there. */
export async function moveClosures(tx: Tx, facilityId: string, timezone: string): Promise<void> {
  const rows = await tx<{ id: string; first: string; last: string }[]>`
    select id, first_day::text as first, last_day::text as last from slotbase.closures
    where facility_id = ${facilityId} and end_at > (select slotbase.now()) and first_day is not null`
  const moved = rows.map(({ id, ...days }) => {
    const { start, end } = spanOfDays(timezone, days)
    return { id, start_at: iso(start), end_at: iso(end) }
  })
  if (moved.length === 0) return
  await tx`
    update slotbase.closures c set start_at = m.start_at, end_at = m.end_at
    from jsonb_to_recordset(${tx.json(moved)}) as m (id uuid, start_at timestamptz, end_at timestamptz)
    where c.id = m.id and c.facility_id = ${facilityId}`
}

export async function findClosure(db: Queryable, facilityId: string, id: string): Promise<ClosureRow | undefined> {
  const [row] = await db<ClosureRow[]>`${selected(db)} where c.id = ${id} and c.facility_id = ${facilityId}`
  return row
}

/** At most `limit` closures that were made in the last minutes and are not over, of one facility or of all. */
export const findLatestClosures = (
  db: Queryable,
  minutes: number,
  limit: number,
  facilityId?: string,
): Promise<readonly ClosureRow[]> => db<ClosureRow[]>`
  ${selected(db)}
  where c.created_at > (select slotbase.now()) - make_interval(mins => ${minutes}) and c.end_at > (select slotbase.now())
    ${facilityId === undefined ? db`` : db`and c.facility_id = ${facilityId}`}
  order by c.created_at desc, c.id
  limit ${limit}`

export interface ClosureFilter {
  readonly resourceId?: string
  /** Closures that end after this instant … */
  readonly from?: string
  /** … and start before this one. */
  readonly to?: string
  /** Start and id of the last closure of the page before. */
  readonly after: readonly [string, string] | undefined
  readonly limit: number
}

/** By start, then id. The closures of a resource are its own and those of the whole facility. */
export async function findClosures(
  db: Queryable,
  facilityId: string,
  { resourceId, from, to, after, limit }: ClosureFilter,
): Promise<readonly ClosureRow[]> {
  const none = db``
  return db<ClosureRow[]>`
    ${selected(db)}
    where c.facility_id = ${facilityId}
      ${
        resourceId === undefined
          ? none
          : db`and (c.whole_facility or exists (
        select from slotbase.closure_resources x
        where x.closure_id = c.id and x.facility_id = c.facility_id and x.resource_id = ${resourceId}))`
      }
      ${from === undefined ? none : db`and c.end_at > ${from}`}
      ${to === undefined ? none : db`and c.start_at < ${to}`}
      ${after === undefined ? none : db`and (c.start_at, c.id) > (${after[0]}, ${after[1]}::uuid)`}
    order by c.start_at, c.id
    limit ${limit}`
}

const selected = (db: Queryable) => db`
  select c.id, c.facility_id, c.start_at, c.end_at, c.first_day::text, c.last_day::text, c.whole_facility, c.reason,
         c.created_by, c.created_at,
         array(select x.resource_id from slotbase.closure_resources x
               where x.closure_id = c.id and x.facility_id = c.facility_id order by x.resource_id) as resource_ids
  from slotbase.closures c`

const iso = (at: number) => new Date(at).toISOString()
