/**
 * Finds a person, tells members from strangers, and locks a person for changes that must happen one after the other.
 * Only reads.
 */
import { isMemberOf } from "#access/membership.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"

/** Whether there is such a person. System actors are not people. */
export async function isPerson(db: Queryable, id: string): Promise<boolean> {
  const rows = await db`select 1 from slotbase.users where id = ${id} and kind = 'person'`
  return rows.length > 0
}

/** A facility or an organization, as the scope of a role. */
export interface Scope {
  readonly scopeType: "organization" | "facility"
  readonly scopeId: string
}

/**
 * Whether there is such a person and the person is the scope's own: holds a role in the facility or its organization.
 * Of an organization: in it, or in a facility of it.
 */
export async function belongsTo(db: Queryable, userId: string, { scopeType, scopeId }: Scope): Promise<boolean> {
  const held =
    scopeType === "facility"
      ? db`exists (select from slotbase.facilities f where f.id = ${scopeId} and ${isMemberOf(db, db`u.id`)})`
      : db`exists (select from slotbase.role_grants g
                   where g.user_id = u.id
                     and (g.scope_type = 'organization' and g.scope_id = ${scopeId}
                       or g.scope_type = 'facility' and g.scope_id in (
                         select f.id from slotbase.facilities f where f.organization_id = ${scopeId})))`
  const rows = await db`select 1 from slotbase.users u where u.id = ${userId} and u.kind = 'person' and ${held}`
  return rows.length > 0
}

/**
 * Locks a person and their parents, in the order of their ids, so that changes of their roles happen one after the
 * other. Returns false when there is no such person.
 */
export async function lockFamily(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx<{ id: string }[]>`
    select id from slotbase.users
    where kind = 'person' and id = any (array(
      select ${id}::uuid union select parent_id from slotbase.child_links where child_id = ${id} and status = 'linked'))
    order by id for no key update`
  return rows.some((row) => row.id === id)
}
