/** The rows of calendar feeds. Writes: calendar_feeds. */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"

export interface FeedRow {
  readonly id: string
  readonly facility_id: string
  readonly user_id: string
  readonly resource_id: string | null
  readonly shows_names: boolean
  readonly created_at: Date
  readonly rotated_at: Date | null
}

type NewFeed = Omit<FeedRow, "created_at" | "rotated_at"> & { readonly token_hash: Buffer }

export async function insertFeed(tx: Tx, row: NewFeed): Promise<FeedRow> {
  const [made] = await tx<FeedRow[]>`insert into slotbase.calendar_feeds ${tx(row)} returning ${columns(tx)}`
  if (!made) throw new Error("insertFeed: the insert answered no row")
  return made
}

export async function countFeeds(tx: Tx, userId: string, facilityId: string): Promise<number> {
  const [row] = await tx<[{ count: number }]>`
    select count(*)::integer as count from slotbase.calendar_feeds where user_id = ${userId} and facility_id = ${facilityId}`
  return row.count
}

/** The feeds of a facility by id: of one person, or of all when `userId` is undefined. */
export const findFeeds = (
  db: Queryable,
  facilityId: string,
  { userId, after, limit }: { readonly userId: string | undefined; readonly after: string; readonly limit: number },
) => db<FeedRow[]>`
  select ${columns(db)} from slotbase.calendar_feeds
  where facility_id = ${facilityId} and id > ${after} ${userId === undefined ? db`` : db`and user_id = ${userId}`}
  order by id limit ${limit}`

export async function lockFeed(tx: Tx, facilityId: string, id: string): Promise<FeedRow | undefined> {
  const [row] = await tx<FeedRow[]>`
    select ${columns(tx)} from slotbase.calendar_feeds where id = ${id} and facility_id = ${facilityId} for update`
  return row
}

/** The address before opens nothing any more. */
export async function changeAddress(tx: Tx, { id, facility_id }: FeedRow, tokenHash: Buffer): Promise<FeedRow> {
  const [row] = await tx<FeedRow[]>`
    update slotbase.calendar_feeds set token_hash = ${tokenHash}, rotated_at = slotbase.now()
    where id = ${id} and facility_id = ${facility_id} returning ${columns(tx)}`
  if (!row) throw new Error("changeAddress: the update answered no row")
  return row
}

export const deleteFeed = (tx: Tx, { id, facility_id }: FeedRow) => tx`
  delete from slotbase.calendar_feeds where id = ${id} and facility_id = ${facility_id}`

/** A feed with the names that its calendar shows. */
export interface OpenedFeed extends FeedRow {
  readonly facility_name: string
  readonly timezone: string
  readonly resource_name: string | null
}

/** The feed of an address; undefined: there is none. */
export async function feedOfAddress(db: Queryable, tokenHash: Buffer): Promise<OpenedFeed | undefined> {
  const [row] = await db<OpenedFeed[]>`
    select c.id, c.facility_id, c.user_id, c.resource_id, c.shows_names, c.created_at, c.rotated_at,
           f.name as facility_name, f.timezone, r.name as resource_name
    from slotbase.calendar_feeds c
    join slotbase.facilities f on f.id = c.facility_id
    left join slotbase.resources r on r.id = c.resource_id and r.facility_id = c.facility_id
    where c.token_hash = ${tokenHash}`
  return row
}

const columns = (sql: Queryable) => sql`id, facility_id, user_id, resource_id, shows_names, created_at, rotated_at`
