/**
 * Who reads the summary of a player. Of a child: the parents who may see the child's feedback, and nobody else. Of
 * anybody else: the player. A person is a child here who has a parent, or whose account somebody else answers for.
 */
import type { Queryable } from "#base/database/db.ts"
import { parentsOf } from "#domain/people/children/parents.ts"

export interface SummaryReaders {
  readonly firstName: string
  readonly lastName: string
  /** Empty with `isChild`: nobody may read it. */
  readonly parentIds: readonly string[]
  readonly isChild: boolean
}

/** By player. Keys and programs are no players. */
export async function summaryReadersOf(
  db: Queryable,
  facilityId: string,
  playerIds: readonly string[],
): Promise<ReadonlyMap<string, SummaryReaders>> {
  const [people, parents] = await Promise.all([
    db<{ id: string; first_name: string; last_name: string; is_child: boolean }[]>`
      select u.id, u.first_name, u.last_name,
             u.managed_by is not null
             or exists (select from slotbase.child_links l
                        where l.child_id = u.id and l.status = 'linked'
                          and (l.facility_id is null or l.facility_id = ${facilityId})) as is_child
      from slotbase.users u
      where u.id = any (${[...playerIds]}::uuid[]) and u.kind = 'person'`,
    parentsOf(db, facilityId, playerIds),
  ])
  return new Map(
    people.map(({ id, first_name, last_name, is_child }) => [
      id,
      { firstName: first_name, lastName: last_name, parentIds: parents.get(id) ?? [], isChild: is_child },
    ]),
  )
}
