/**
 * The availability cache: days ready to be answered. Writes: availability_cache.
 * It never serves a day as free that is committed as taken. In any snapshot a committed change is in one of three
 * places:
 * - In the outbox. Nothing of the facility is served.
 * - Behind the day's position, with its run of CacheInvalidationHandler unfinished. The day is not served.
 * - In `touched_at`. The day was built before the change, and is not served.
 *
 * Runs at or before a day's position do not matter: the day was built after their changes.
 */

import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { localDateOf } from "#base/local-days.ts"
import { zoneDataVersion } from "#base/zones/zone-data.ts"
import { rulesVersion } from "#domain/booking/policy-rows.ts"
import type { EventType } from "#events/catalogue.ts"
import {
  afterPage,
  type BuiltDay,
  type DayRequest,
  facilityPosition,
  outboxHolds,
  pageSize,
  type ResourcePage,
} from "./build.ts"
import type { Slot } from "./slots.ts"

export const invalidator = "CacheInvalidationHandler"

/** The events that change the slots of a day. */
export const invalidatingEvents = [
  "booking.hold.created",
  "booking.hold.released",
  "booking.confirmed",
  "booking.cancelled",
  "booking.approval.requested",
  "booking.rescheduled",
  "coach.block.requested",
  "coach.block.approved",
  "coach.block.rejected",
  "coach.block.cancelled",
  "facility.settings_updated",
] as const satisfies readonly EventType[]

/** Days from today on that are kept. Later and past days are requested too seldom to be worth a row. */
const keptDays = 60
/** A day is built again at least this often, whatever happened. */
const maxAgeMs = 24 * 60 * 60_000
/** A day that is behind by more events of its facility is built again: that is cheaper than reading each event. */
const maxBehind = 200
/** Days this long past are removed. No request takes so long, so none can still store such a day. */
const pruneAfterDays = 7
const dayMs = 24 * 60 * 60_000

export interface CachedDay {
  readonly resourceId: string
  readonly resourceName: string
  readonly timezone: string
  readonly slots: readonly Slot[]
  readonly position: number
  readonly epoch: string
}

/** The cached days of a page of a facility's resources; undefined unless each of them can be served. */
export async function readCached(
  db: Queryable,
  { facilityId, resourceId, date }: DayRequest,
  page: ResourcePage,
): Promise<{ readonly days: readonly CachedDay[]; readonly more: boolean } | undefined> {
  const rows = await db<(CachedDay & { fresh: boolean | null; size: number })[]>`
    with asked as materialized (
      select f.id, f.timezone, ${pageSize(db, page.limit)} as size, ${rulesVersion(db)} as version, ${facilityPosition(db)} as position, ${outboxHolds(db)} as pending,
             (select slotbase.log_epoch()) as epoch,
             (select min(c.built_at) from slotbase.availability_cache c
              join slotbase.resources r on r.id = c.resource_id and r.facility_id = c.facility_id and r.is_active
              where c.facility_id = f.id and c.day = ${date} ${resourceId === undefined ? db`` : db`and c.resource_id = ${resourceId}`}) as oldest
      from slotbase.facilities f where f.id = ${facilityId}
    ), invalidated as materialized (
      select h.finished
      from asked a
      cross join lateral slotbase.runs_finished_after(${invalidator}, ${[...invalidatingEvents]}, a.id, a.oldest, ${maxBehind}) h
    )
    select r.id as "resourceId", r.name as "resourceName", a.timezone, c.slots, a.position, a.epoch, a.size,
           c.built_at >= c.touched_at and c.zone_data = ${zoneDataVersion} and c.facility_version = a.version and c.resource_version = r.version
             and c.valid_until > (select slotbase.now()) and not a.pending and i.finished as fresh
    from asked a
    join slotbase.resources r on r.facility_id = a.id and r.is_active ${resourceId === undefined ? db`` : db`and r.id = ${resourceId}`}
      ${afterPage(db, page.after)}
    left join slotbase.availability_cache c on c.facility_id = a.id and c.resource_id = r.id and c.day = ${date}
    cross join invalidated i
    order by r.name, r.id limit (select size + 1 from asked)`
  const size = rows[0]?.size ?? page.limit
  const days = rows.slice(0, size)
  return days.length > 0 && days.every(({ fresh }) => fresh === true) ? { days, more: rows.length > size } : undefined
}

/** Caches built days. A day is left out when it has changed since, or when a change is still without a position. */
export async function storeDays(db: Db, days: readonly BuiltDay[]): Promise<void> {
  const kept = days
    .filter((day) => !day.pending && isNear(day))
    .map((day) => ({
      facility_id: day.facilityId,
      resource_id: day.resourceId,
      day: day.date,
      built_at: day.position,
      facility_version: day.facilityVersion,
      resource_version: day.resourceVersion,
      zone_data: zoneDataVersion,
      valid_until: new Date(Math.min(day.firstExpiry ?? Number.POSITIVE_INFINITY, day.now + maxAgeMs)).toISOString(),
      slots: day.slots,
    }))
  if (kept.length === 0) return
  await db`
    insert into slotbase.availability_cache as c
      (facility_id, resource_id, day, built_at, facility_version, resource_version, zone_data, valid_until, slots)
    select facility_id, resource_id, day, built_at, facility_version, resource_version, zone_data, valid_until, slots
    from jsonb_to_recordset(${db.json(kept as never)}) as n (facility_id uuid, resource_id uuid, day date, built_at bigint,
      facility_version integer, resource_version integer, zone_data text, valid_until timestamptz, slots jsonb)
    order by facility_id, resource_id, day
    on conflict (facility_id, resource_id, day) do update
    set built_at = excluded.built_at, facility_version = excluded.facility_version,
        resource_version = excluded.resource_version, zone_data = excluded.zone_data, valid_until = excluded.valid_until, slots = excluded.slots
    where excluded.built_at >= c.touched_at and excluded.built_at >= c.built_at`
}

/** A day of a resource that an event changed. */
export interface Touch {
  readonly facilityId: string
  readonly resourceId: string
  /** YYYY-MM-DD, local. */
  readonly day: string
  /** The position of the event. */
  readonly position: number
}

/** Marks days as changed by events; each day is named once. Removes long past days of the same resources. */
export async function touchDays(tx: Tx, touches: readonly Touch[]): Promise<void> {
  await tx`
    with touched as materialized (
      select * from jsonb_to_recordset(${tx.json(touches as never)})
        as t ("facilityId" uuid, "resourceId" uuid, day date, position bigint)
    ), pruned as (
      delete from slotbase.availability_cache c
      using (select distinct "facilityId" as facility_id, "resourceId" as resource_id from touched) r
      where c.facility_id = r.facility_id and c.resource_id = r.resource_id
        and c.day < ((select slotbase.now()) at time zone 'UTC')::date - ${pruneAfterDays}::integer
        and not exists (select from touched t
                        where t."facilityId" = c.facility_id and t."resourceId" = c.resource_id and t.day = c.day)
    )
    insert into slotbase.availability_cache as c (facility_id, resource_id, day, touched_at)
    select "facilityId", "resourceId", day, position from touched
    order by "facilityId", "resourceId", day
    on conflict (facility_id, resource_id, day) do update set touched_at = greatest(c.touched_at, excluded.touched_at)`
}

/**
 * Removes all days of some facilities, with their `touched_at`. A build under way may still store an older day. That
 * day is not served, because the facility's version has changed.
 */
export async function forgetFacilities(tx: Tx, facilityIds: readonly string[]): Promise<void> {
  await tx`delete from slotbase.availability_cache where facility_id = any (${[...facilityIds]}::uuid[])`
}

function isNear({ date, timezone, now }: BuiltDay): boolean {
  return date >= localDateOf(timezone, now) && date <= localDateOf(timezone, now + keptDays * dayMs)
}
