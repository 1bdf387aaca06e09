/**
 * Organizations, which run several facilities. A role in an organization (owner, administrator, staff) counts in all
 * its facilities. Facilities that join later are included; see `access/caller.ts`.
 * Writes: organizations.
 */
import * as Schema from "effect/Schema"
import {
  bestRoleInOrganization,
  type Caller,
  isPlatformAdmin,
  organizationsWith,
  requirePlatformAdmin,
} from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, RuleBroken } from "#base/errors.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id, Name } from "#base/schema/request-fields.ts"
import { isPerson } from "#domain/people/find-person.ts"
import { keepGrant } from "#domain/people/roles.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"

export const OrganizationInput = Schema.Struct({
  name: Name,
  ownerId: Schema.optionalKey(Id.annotate({ description: "the person who owns it; default: the caller" })),
})

export const Organization = Schema.Struct({ id: Id, name: Schema.String, ownerId: Id, createdAt: Schema.String })
export type Organization = typeof Organization.Type

/**
 * The owner, if a person, becomes `facility_owner` of the organization; records `user.role_assigned` for this role.
 * @throws NotAllowed, RuleBroken `owner_unknown`
 */
export async function createOrganization(
  tx: Tx,
  caller: Caller,
  input: typeof OrganizationInput.Type,
): Promise<Organization> {
  requirePlatformAdmin(caller)
  const id = newId()
  const ownerId = input.ownerId?.toLowerCase() ?? caller.userId
  const ownedByPerson = await isPerson(tx, ownerId)
  if (input.ownerId !== undefined && !ownedByPerson) {
    const fault = { path: "body.ownerId", message: "Expected the id of a person" }
    throw new RuleBroken("owner_unknown", "There is no such person to own the organization.", [fault])
  }
  const [row] = await tx<OrganizationRow[]>`
    insert into slotbase.organizations (id, name, owner_id) values (${id}, ${input.name}, ${ownerId}) returning *`
  if (!row) throw new Error("createOrganization: the insert answered no row")
  if (ownedByPerson) {
    const grant = { userId: ownerId, role: "facility_owner", scopeType: "organization", scopeId: id } as const
    await keepGrant(tx, { ...grant, grantedBy: caller.userId })
    record(tx, { type: "user.role_assigned", organizationId: id, data: { ...grant, grantedBy: caller.userId } })
  }
  noteChange(tx, { organizationId: id })
  return organizationOf(row)
}

/** The organizations in which the caller holds a role, the oldest first; all of them for a platform administrator. */
export async function listOrganizations(
  db: Queryable,
  caller: Caller,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<Organization>> {
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? [platformFacilityId]
  const rows = await db<OrganizationRow[]>`
    select * from slotbase.organizations
    where id > ${after} ${isPlatformAdmin(caller) ? db`` : db`and id = any (${organizationsWith(caller, "staff")})`}
    order by id limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], organizationOf)
}

/** For callers with a role in the organization. Throws NotFound. */
export async function findOrganization(db: Queryable, caller: Caller, id: string): Promise<Organization> {
  if (bestRoleInOrganization(caller, id) === undefined) throw new NotFound("organization", id)
  const [row] = await db<OrganizationRow[]>`select * from slotbase.organizations where id = ${id}`
  if (!row) throw new NotFound("organization", id)
  return organizationOf(row)
}

interface OrganizationRow {
  id: string
  name: string
  owner_id: string
  created_at: Date
}

const organizationOf = (row: OrganizationRow): Organization => ({
  id: row.id,
  name: row.name,
  ownerId: row.owner_id,
  createdAt: row.created_at.toISOString(),
})
