/** The parents of children. `rows.ts` writes the links. */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"

/**
 * The parents of each of these people who may see their feedback of a facility, by child, the primary parent first.
 * People without such a parent are left out.
 */
export async function parentsOf(
  db: Queryable,
  facilityId: string,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await db<{ child_id: string; parents: string[] }[]>`
    select child_id, array_agg(parent_id order by is_primary desc, linked_at, parent_id) as parents
    from slotbase.child_links
    where child_id = any (${[...userIds]}::uuid[]) and status = 'linked' and 'view_feedback' = any (permissions)
      and (facility_id is null or facility_id = ${facilityId})
    group by child_id`
  return new Map(rows.map((row) => [row.child_id, row.parents]))
}

/** All parents of a person, whatever their permissions, by links that count everywhere or in this facility. */
export async function parentIdsOf(tx: Tx, userId: string, facilityId: string): Promise<string[]> {
  const rows = await tx<{ parent_id: string }[]>`
    select parent_id from slotbase.child_links
    where child_id = ${userId} and status = 'linked' and (facility_id is null or facility_id = ${facilityId})
    order by parent_id`
  return rows.map((row) => row.parent_id)
}
