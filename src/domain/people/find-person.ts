/** Finds a person, and locks a person for changes that must happen one after the other. Only reads. */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"

/** Whether there is such a person. System actors are not people. */
export async function isPerson(db: Queryable, id: string): Promise<boolean> {
  const rows = await db`select 1 from slotbase.users where id = ${id} and kind = 'person'`
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
