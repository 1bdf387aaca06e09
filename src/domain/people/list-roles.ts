/** A person's roles, for the person and for the administrators of their scopes. Only reads; `roles.ts` writes. */
import * as Schema from "effect/Schema"
import { type Caller, facilitiesWith, isPlatformAdmin, organizationsWith } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { isPerson } from "./find-person.ts"
import { type RoleGrant, RoleInput } from "./roles.ts"

export const RoleQuery = Schema.Struct({
  ...pageQuery,
  role: Schema.optionalKey(RoleInput.fields.role),
  scopeType: Schema.optionalKey(RoleInput.fields.scopeType),
  scopeId: Schema.optionalKey(Id),
})

/**
 * All roles of the caller. Of another person: the roles in the facilities and organizations that the caller
 * administers.
 * Throws NotFound when there are none.
 */
export async function listRoles(
  db: Queryable,
  caller: Caller,
  userId: string,
  query: typeof RoleQuery.Type,
): Promise<Page<RoleGrant>> {
  const isSelf = caller.userId === userId
  const seesAll = isSelf || isPlatformAdmin(caller)
  const isThere = isSelf || (seesAll ? await isPerson(db, userId) : await administers(db, caller, userId))
  if (!isThere) throw new NotFound("user", userId)
  const { role, scopeType, scopeId } = query
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Schema.String, Schema.String, Id]))
  const none = db``
  const rows = await db<GrantRow[]>`
    select user_id, role, scope_type, scope_id, granted_by, granted_at from slotbase.role_grants g
    where user_id = ${userId} ${seesAll ? none : db`and ${administered(db, caller)}`}
      ${role === undefined ? none : db`and role = ${role}`}
      ${scopeType === undefined ? none : db`and scope_type = ${scopeType}`}
      ${scopeId === undefined ? none : db`and scope_id = ${scopeId}`}
      ${after === undefined ? none : db`and (role, scope_type, scope_id) > (${after[0]}, ${after[1]}, ${after[2]}::uuid)`}
    order by role, scope_type, scope_id
    limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.role, row.scope_type, row.scope_id], grantOf)
}

async function administers(db: Queryable, caller: Caller, userId: string): Promise<boolean> {
  const rows = await db`
    select 1 from slotbase.role_grants g join slotbase.users u on u.id = g.user_id and u.kind = 'person'
    where g.user_id = ${userId} and ${administered(db, caller)} limit 1`
  return rows.length > 0
}

const administered = (db: Queryable, caller: Caller) => db`
  (g.scope_type = 'facility' and g.scope_id = any (${facilitiesWith(caller, "facility_admin")}::uuid[])
   or g.scope_type = 'organization' and g.scope_id = any (${organizationsWith(caller, "facility_admin")}::uuid[]))`

interface GrantRow {
  user_id: string
  role: string
  scope_type: string
  scope_id: string
  granted_by: string
  granted_at: Date
}

const grantOf = (row: GrantRow): RoleGrant => ({
  userId: row.user_id,
  role: row.role,
  scopeType: row.scope_type,
  scopeId: row.scope_id,
  grantedBy: row.granted_by,
  grantedAt: row.granted_at.toISOString(),
})
