/**
 * What can be booked in a facility: courts, rooms, lanes.
 * Writes: resources.
 */
import * as Schema from "effect/Schema"
import { type Caller, requireAdmin, requireMember } from "./access.ts"
import type { Queryable, Tx } from "./database/db.ts"
import { NotFound } from "./errors.ts"
import { isFacility } from "./facilities.ts"
import { Id, Money, Name, Version } from "./fields.ts"
import { newId } from "./ids.ts"
import { record } from "./outbox.ts"
import { keyAfter, limitOf, type Page, pageOf } from "./page.ts"

const maxTypeLength = 60

export const ResourceInput = Schema.Struct({
  name: Name,
  resourceType: Name.check(Schema.isMaxLength(maxTypeLength)),
  /** For 60 minutes; default 0. */
  hourlyPrice: Schema.optionalKey(Money),
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

/** Records `resource.created`. Throws NotAllowed, NotFound. */
export async function createResource(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  input: typeof ResourceInput.Type,
): Promise<Resource> {
  requireAdmin(caller, facilityId)
  if (!(await isFacility(tx, facilityId))) throw new NotFound("facility", facilityId)
  const id = newId()
  const { name, resourceType, hourlyPrice = 0 } = input
  const [row] = await tx<ResourceRow[]>`
    insert into slotbase.resources (id, facility_id, name, resource_type, hourly_price)
    values (${id}, ${facilityId}, ${name}, ${resourceType}, ${hourlyPrice})
    returning *`
  if (!row) throw new Error("createResource: the insert answered no row")
  record(tx, { type: "resource.created", facilityId, data: { resourceId: id, facilityId, name, resourceType } })
  return resourceOf(row)
}

/** By name. Throws NotFound for who is no member. */
export async function listResources(
  db: Queryable,
  caller: Caller,
  facilityId: string,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<Resource>> {
  requireMember(caller, facilityId)
  const limit = limitOf(query)
  const after = keyAfter(query, Schema.Tuple([Schema.String, Id]))
  const rows = await db<ResourceRow[]>`
    select * from slotbase.resources
    where facility_id = ${facilityId} ${after ? db`and (name, id) > (${after[0]}, ${after[1]}::uuid)` : db``}
    order by name, id limit ${limit + 1}`
  if (rows.length === 0 && !(await isFacility(db, facilityId))) throw new NotFound("facility", facilityId)
  return pageOf(rows, limit, (row) => [row.name, row.id], resourceOf)
}

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
