/**
 * Builds days from their occupancies: one statement, so one snapshot. The snapshot also says up to which position of
 * the log the days are true, and whether the facility has changes without a position.
 */

import type { Queryable } from "#base/database/db.ts"
import { inSlices } from "#base/slices.ts"
import { bufferOf } from "#domain/booking/buffers.ts"
import { rulesVersion } from "#domain/booking/policy-rows.ts"
import { rulesOf } from "#domain/booking/price-rules.ts"
import type { SlotRules } from "#domain/booking/slot-rules.ts"
import { closedSpans } from "#domain/club/closed.ts"
import { taxTermsOf } from "#domain/club/tax-rates.ts"
import { type FacilityFacts, type ResourceFacts, type Slot, type SlotsOf, slotsOfDay } from "./slots.ts"

export interface DayRequest {
  readonly facilityId: string
  /** Undefined: all active resources of the facility. */
  readonly resourceId: string | undefined
  /** Local day, YYYY-MM-DD. */
  readonly date: string
}

export interface BuiltDay {
  readonly facilityId: string
  readonly resourceId: string
  readonly resourceName: string
  readonly date: string
  readonly timezone: string
  readonly slots: readonly Slot[]
  /** The version of the facility's settings, policy and prices together. */
  readonly facilityVersion: number
  readonly resourceVersion: number
  /** The facility's last position in the snapshot of this day. */
  readonly position: number
  /** The log of the position. */
  readonly epoch: string
  /** The day contains changes of the facility that have no position yet. */
  readonly pending: boolean
  /** When the first hold of the day expires, milliseconds; undefined without holds. */
  readonly firstExpiry: number | undefined
  /** When the day was built, milliseconds, by the database's clock. */
  readonly now: number
}

/** Where a page of resources begins, and how many it has. */
export interface ResourcePage {
  /** Fewer where they have many slots, see `pageSize`. */
  readonly limit: number
  /** Name and id of the last resource before. */
  readonly after: readonly [name: string, id: string] | undefined
}

/** Slots of one answer, some 2 MB of JSON. A hundred courts in steps of a quarter of an hour stay below it. */
const maxSlotsOfPage = 20_000
/** Where the clocks go back. */
const minutesOfLongestDay = 25 * 60

/** SQL, integer: the resources of a page, so that the page's slots stay within their limit. `f` is the facility. */
export const pageSize = (sql: Queryable, limit: number) => sql`
  greatest(1, least(${limit}::integer, ${maxSlotsOfPage}::integer * ${shortestSlot(sql)} / ${minutesOfLongestDay}::integer))`

/** SQL, integer: no slot of the facility `f` is shorter, in minutes. */
const shortestSlot = (sql: Queryable) => sql`
  least(f.slot_minutes, (select g.greatest_minutes from slotbase.booking_policies g where g.facility_id = f.id))`

/** SQL: the resources `r` after those of the page before. */
export const afterPage = (sql: Queryable, after: ResourcePage["after"]) =>
  after === undefined ? sql`` : sql`and (r.name, r.id) > (${after[0]}, ${after[1]}::uuid)`

/**
 * The requested days, in the order of the requests, then of the resources' names. Days that do not exist are left
 * out.
 */
export const buildDays = async (db: Queryable, requests: readonly DayRequest[]): Promise<readonly BuiltDay[]> =>
  builtDaysOf(await readRows(db, requests, undefined))

/** The days of a page of resources, and whether more follow. */
export async function buildPage(
  db: Queryable,
  request: DayRequest,
  page: ResourcePage,
): Promise<{ readonly days: readonly BuiltDay[]; readonly more: boolean }> {
  const rows = await readRows(db, [request], page)
  const size = rows[0]?.page_size ?? page.limit
  return { days: await builtDaysOf(rows.slice(0, size)), more: rows.length > size }
}

async function readRows(
  db: Queryable,
  requests: readonly DayRequest[],
  page: ResourcePage | undefined,
): Promise<readonly Row[]> {
  const wanted = requests.map(({ facilityId, resourceId, date }, n) => ({
    n,
    facility_id: facilityId,
    resource_id: resourceId ?? null,
    day: date,
  }))
  // No zone is more than 14 hours from UTC: one more day on each side contains every local day. The slots cut the
  // surplus.
  const from: ReturnType<Queryable> = db`(q.day - 1)::timestamp at time zone 'UTC'`
  const to: ReturnType<Queryable> = db`(q.day + 2)::timestamp at time zone 'UTC'`
  const size = page ? pageSize(db, page.limit) : db`0`
  const limit =
    page &&
    db`
    limit (select ${size} + 1 from slotbase.facilities f where f.id = ${requests[0]?.facilityId ?? null})`
  return await db<Row[]>`
    select f.id as facility_id, r.id as resource_id, r.name as resource_name, q.day::text as date, ${size} as page_size,
           f.timezone, f.currency, f.slot_minutes, l.start_grid_minutes, l.least_minutes, l.greatest_minutes, l.length_step_minutes,
           r.hourly_price, ${bufferOf(db, db`f.id`, db`r.id`, db`'open_play'::text`)} as buffer_minutes, ${rulesVersion(db)} as facility_version, r.version as resource_version,
           -- Once for each facility, in its first row: two hundred rules for each of its courts are a million bytes.
           case when row_number() over (partition by f.id order by q.n, r.name, r.id) = 1
                then jsonb_build_object('opening_hours', f.opening_hours, 'tax', ${taxTermsOf(db, db`f`)}, 'price_rules', ${rulesOf(db, db`f.id`)}) end as common,
           ${closedSpans(db, db`f.id`, db`r.id`, from, to)} as closed,
           ${facilityPosition(db)} as position, (select slotbase.log_epoch()) as epoch, ${outboxHolds(db)} as pending,
           slotbase.now() as now,
           (select coalesce(jsonb_agg(jsonb_build_object(
                     'start', round(extract(epoch from lower(o.during)) * 1000), 'end', round(extract(epoch from coalesce(b.end_at, upper(o.during))) * 1000),
                     'freeFrom', round(extract(epoch from upper(o.during)) * 1000),
                     'status', coalesce(b.status, 'busy'), 'booking_type', coalesce(b.booking_type, 'maintenance'),
                     'expires', ceil(extract(epoch from b.hold_expires_at) * 1000))), '[]')
            from slotbase.occupancies o
            left join slotbase.bookings b on b.id = o.booking_id and b.facility_id = o.facility_id
            where o.facility_id = f.id and o.resource_id = r.id
              and o.during && tstzrange(${from}, ${to})) as occupied
    from jsonb_to_recordset(${db.json(wanted)}) as q (n integer, facility_id uuid, resource_id uuid, day date)
    join slotbase.facilities f on f.id = q.facility_id
    left join slotbase.booking_policies l on l.facility_id = f.id
    join slotbase.resources r on r.facility_id = f.id and r.is_active and (q.resource_id is null or r.id = q.resource_id)
      ${afterPage(db, page?.after)}
    order by q.n, r.name, r.id ${limit ?? db``}`
}

async function builtDaysOf(rows: readonly Row[]): Promise<readonly BuiltDay[]> {
  const common = new Map(rows.flatMap((row) => (row.common ? [[row.facility_id, row.common] as const] : [])))
  const days = new Map<string, SlotsOf>()
  const slotsOf = (row: Row): SlotsOf => {
    const key = `${row.facility_id} ${row.date}`
    const facts = common.get(row.facility_id)
    const known = days.get(key) ?? (facts ? slotsOfDay({ ...row, ...facts }, row.date) : () => [])
    days.set(key, known)
    return known
  }
  return inSlices(rows, (row) => ({
    facilityId: row.facility_id,
    resourceId: row.resource_id,
    resourceName: row.resource_name,
    date: row.date,
    timezone: row.timezone,
    slots: slotsOf(row)(row, row.now.getTime()),
    facilityVersion: row.facility_version,
    resourceVersion: row.resource_version,
    position: row.position,
    epoch: row.epoch,
    pending: row.pending,
    firstExpiry: firstExpiry(row),
    now: row.now.getTime(),
  }))
}

/** The last position of the facility; `f` is its row. */
export const facilityPosition = (sql: Queryable) => sql`
  (select coalesce(max(p.position), 0) from slotbase.event_positions p where p.facility_id = f.id)`

/** A longer backlog counts as holding events of every facility: scanning further would cost more than a build. */
const outboxScanLimit = 1000

/** Whether changes of the facility `f` are committed and have no position yet. */
export const outboxHolds = (sql: Queryable) => sql`
  (select count(*) = ${outboxScanLimit} or coalesce(bool_or(o.facility_id = f.id), false)
   from (select facility_id from slotbase.outbox
         where seq > (select floor from slotbase.outbox_floor) order by seq limit ${outboxScanLimit}) o)`

interface Row extends ResourceFacts, SlotRules {
  readonly facility_id: string
  readonly timezone: string
  readonly currency: string
  readonly slot_minutes: number
  readonly page_size: number
  /** In the first row of each facility. */
  readonly common: Pick<FacilityFacts, "opening_hours" | "price_rules" | "tax"> | null
  readonly resource_name: string
  readonly date: string
  readonly facility_version: number
  readonly resource_version: number
  readonly position: number
  readonly epoch: string
  readonly pending: boolean
  readonly now: Date
}

function firstExpiry({ occupied, now }: Row): number | undefined {
  const live = occupied.flatMap(({ status, expires }) =>
    status === "held" && expires !== null && expires > now.getTime() ? [expires] : [],
  )
  return live.length === 0 ? undefined : Math.min(...live)
}
