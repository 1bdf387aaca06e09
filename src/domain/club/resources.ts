/**
 * The bookable resources of a facility: courts, rooms, lanes. Every change increments a resource's `version`, which
 * invalidates cached availability.
 * Writes: resources.
 */
import * as Schema from "effect/Schema"
import { type Caller, requireAdmin, requireMember } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Money, Name, Version } from "#base/schema/request-fields.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { facilityScope } from "#events/scope.ts"
import { isFacility, requireMovableIn } from "./facilities.ts"

const maxTypeLength = 60
const ResourceType = lineUpTo(maxTypeLength)

export const ResourceInput = Schema.Struct({
  name: Name,
  resourceType: ResourceType,
  /** For 60 minutes; default 0. */
  hourlyPrice: Schema.optionalKey(Money),
})

export const ResourceChange = Schema.Struct({
  name: Schema.optionalKey(Name),
  resourceType: Schema.optionalKey(ResourceType),
  hourlyPrice: Schema.optionalKey(Money),
  isActive: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "false: it cannot be booked any more; what is booked stays",
  }),
})

export const Resource = Schema.Struct({
  id: Id,
  facilityId: Id,
  name: Schema.String,
  resourceType: Schema.String,
  hourlyPrice: Money,
  isActive: Schema.Boolean,
  version: Version,
  createdAt: Schema.String,
  updatedAt: Schema.String,
})
export type Resource = typeof Resource.Type

/** Records `resource.created`. Throws NotAllowed, NotFound, RuleBroken (limit_reached, amount_not_movable). */
export async function createResource(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  input: typeof ResourceInput.Type,
  id = newId(),
): Promise<Resource> {
  requireAdmin(caller, facilityId)
  const scope = await facilityScope(tx, facilityId)
  if (!scope) throw new NotFound("facility", facilityId)
  await useEntitlement(tx, facilityId, "resources")
  const { name, resourceType, hourlyPrice = 0 } = input
  await requireMovableIn(tx, facilityId, hourlyPrice, "body.hourlyPrice")
  const [row] = await tx<ResourceRow[]>`
    insert into slotbase.resources (id, facility_id, name, resource_type, hourly_price)
    values (${id}, ${facilityId}, ${name}, ${resourceType}, ${hourlyPrice})
    returning *`
  if (!row) throw new Error("createResource: the insert answered no row")
  record(tx, { type: "resource.created", ...scope, data: { resourceId: id, facilityId, name, resourceType } })
  return resourceOf(row)
}

/**
 * Changes the fields that differ and records `resource.updated` with their names. Without a difference nothing is
 * written. Existing bookings keep their price. A resource that becomes active again uses the plan's entitlement again.
 * @throws NotAllowed, NotFound, RuleBroken (limit_reached, amount_not_movable)
 */
export async function changeResource(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  id: string,
  input: typeof ResourceChange.Type,
): Promise<Resource> {
  requireAdmin(caller, facilityId)
  const [row] = await tx<ResourceRow[]>`
    select * from slotbase.resources where id = ${id} and facility_id = ${facilityId} for no key update`
  if (!row) throw new NotFound("resource", id)
  const before = resourceOf(row)
  const after = { ...before, ...input }
  const changed = changeable.filter((name) => before[name] !== after[name])
  if (changed.length === 0) {
    noteChange(tx, "nothing")
    return before
  }
  if (changed.includes("hourlyPrice")) await requireMovableIn(tx, facilityId, after.hourlyPrice, "body.hourlyPrice")
  if (changed.includes("isActive")) await useEntitlement(tx, facilityId, "resources", after.isActive ? 1 : -1)
  const [updated] = await tx<ResourceRow[]>`
    update slotbase.resources
    set name = ${after.name}, resource_type = ${after.resourceType}, hourly_price = ${after.hourlyPrice},
        is_active = ${after.isActive}, version = version + 1, updated_at = slotbase.now()
    where id = ${id} and facility_id = ${facilityId}
    returning *`
  record(tx, {
    type: "resource.updated",
    ...(await facilityScope(tx, facilityId)),
    data: { resourceId: id, facilityId, changedFields: [...changed], changedBy: caller.userId },
  })
  const resource = resourceOf(updated ?? row)
  noteChange(tx, { before, after: resource })
  return resource
}

/** Invalidates every cached day of these resources. Returns those that the facility has. */
export async function countUpResources(tx: Tx, facilityId: string, ids: readonly string[]): Promise<string[]> {
  const rows = await tx<{ id: string }[]>`
    with r as materialized (
      select id from slotbase.resources where facility_id = ${facilityId} and id = any (${[...ids]}::uuid[])
      order by id for no key update
    )
    update slotbase.resources u set version = version + 1 from r
    where u.id = r.id and u.facility_id = ${facilityId}
    returning u.id`
  return rows.map((row) => row.id).sort()
}

/** Throws NotFound, also for strangers. */
export async function findResource(db: Queryable, caller: Caller, facilityId: string, id: string): Promise<Resource> {
  requireMember(caller, facilityId)
  const [row] = await db<ResourceRow[]>`
    select * from slotbase.resources where id = ${id} and facility_id = ${facilityId}`
  if (!row) throw new NotFound("resource", id)
  return resourceOf(row)
}

export const ResourceQuery = Schema.Struct({
  ...pageQuery,
  resourceType: Schema.optionalKey(ResourceType),
  isActive: Schema.optionalKey(Schema.Literals(["true", "false"])),
})

/** By name. Throws NotFound for strangers. */
export async function listResources(
  db: Queryable,
  caller: Caller,
  facilityId: string,
  query: typeof ResourceQuery.Type,
): Promise<Page<Resource>> {
  requireMember(caller, facilityId)
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Schema.String, Id]))
  const { resourceType, isActive } = query
  const rows = await db<ResourceRow[]>`
    select * from slotbase.resources
    where facility_id = ${facilityId} ${after ? db`and (name, id) > (${after[0]}, ${after[1]}::uuid)` : db``}
      ${resourceType === undefined ? db`` : db`and resource_type = ${resourceType}`}
      ${isActive === undefined ? db`` : db`and is_active = ${isActive === "true"}`}
    order by name, id limit ${limit + 1}`
  if (rows.length === 0 && !(await isFacility(db, facilityId))) throw new NotFound("facility", facilityId)
  return pageOf(rows, limit, (row) => [row.name, row.id], resourceOf)
}

const changeable = ["name", "resourceType", "hourlyPrice", "isActive"] as const satisfies (keyof Resource)[]

interface ResourceRow {
  id: string
  facility_id: string
  name: string
  resource_type: string
  hourly_price: number
  is_active: boolean
  version: number
  created_at: Date
  updated_at: Date
}

const resourceOf = (row: ResourceRow): Resource => ({
  id: row.id,
  facilityId: row.facility_id,
  name: row.name,
  resourceType: row.resource_type,
  hourlyPrice: row.hourly_price,
  isActive: row.is_active,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})
