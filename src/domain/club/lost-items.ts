/**
 * Lost items: reported by their finder, handed out once. Staff see everything.
 * Other members see the unclaimed items, without the finder.
 * Writes: lost_items.
 */
import * as Schema from "effect/Schema"
import type { Member, Staff } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Instant, WrittenNote } from "#base/schema/request-fields.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"
import { belongsTo } from "#domain/people/find-person.ts"
import { record } from "#events/outbox.ts"
import { facilityScope } from "#events/scope.ts"

const Category = lineUpTo(60)

export const LostItemInput = Schema.Struct({
  description: WrittenNote,
  category: Category,
  foundLocation: WrittenNote,
})

export const ClaimInput = Schema.Struct({
  claimedBy: Schema.optionalKey(Id).annotateKey({
    description: "the owner; left out: the caller. An API key must name a person",
  }),
})

const Status = Schema.Literals(["found", "claimed"])

export const LostItem = Schema.Struct({
  id: Id,
  facilityId: Id,
  status: Status,
  description: Schema.String,
  category: Schema.String,
  foundLocation: Schema.String,
  reportedBy: Schema.NullOr(Id).annotate({ description: "for staff" }),
  reportedAt: Instant,
  claimedBy: Schema.NullOr(Id),
  verifiedBy: Schema.NullOr(Id),
  claimedAt: Schema.NullOr(Instant),
})
export type LostItem = typeof LostItem.Type

/** For players, coaches and staff. Records `lost_item.reported`. Throws NotAllowed, NotFound. */
export async function reportLostItem(tx: Tx, member: Member, input: typeof LostItemInput.Type): Promise<LostItem> {
  const { caller, facilityId } = member
  if (!member.isAtLeast("player")) {
    throw new NotAllowed("Lost items are reported by players, coaches and staff.")
  }
  const scope = await facilityScope(tx, facilityId)
  if (!scope) throw new NotFound("facility", facilityId)
  const { description, category, foundLocation } = input
  const [row] = await tx<ItemRow[]>`
    insert into slotbase.lost_items (id, facility_id, description, category, found_location, reported_by)
    values (${newId()}, ${facilityId}, ${description}, ${category}, ${foundLocation}, ${caller.userId})
    returning *`
  if (!row) throw new Error("reportLostItem: the insert answered no row")
  const data = { itemId: row.id, facilityId, description, category, foundLocation, reportedBy: caller.userId }
  record(tx, { type: "lost_item.reported", ...scope, data })
  return itemOf(row)
}

/**
 * Staff hand an item out and vouch for the owner: they are its `verifiedBy`. Records `lost_item.claimed`.
 * @throws NotFound, InvalidInput, WrongState `item_claimed`
 */
export async function claimLostItem(
  tx: Tx,
  staff: Staff,
  id: string,
  input: typeof ClaimInput.Type,
): Promise<LostItem> {
  const { caller, facilityId } = staff
  const claimedBy = input.claimedBy?.toLowerCase() ?? caller.userId
  // Locked, so that the second of two concurrent claims sees the first.
  const [row] = await tx<ItemRow[]>`
    select * from slotbase.lost_items where id = ${id} and facility_id = ${facilityId} for no key update`
  if (!row) throw new NotFound("lost item", id)
  if (row.claimed_at !== null) {
    throw new WrongState("item_claimed", `It was handed out at ${row.claimed_at.toISOString()} already.`)
  }
  const isSelf = claimedBy === caller.userId && caller.kind === "person"
  if (!isSelf && !(await belongsTo(tx, claimedBy, { scopeType: "facility", scopeId: facilityId }))) {
    const message = input.claimedBy === undefined ? "Missing key: an API key must name the owner" : "names nobody"
    throw new InvalidInput([{ path: "body.claimedBy", message }])
  }
  const verifiedBy = caller.userId
  const [claimed] = await tx<ItemRow[]>`
    update slotbase.lost_items set claimed_by = ${claimedBy}, verified_by = ${verifiedBy}, claimed_at = slotbase.now()
    where id = ${id} and facility_id = ${facilityId}
    returning *`
  const data = { itemId: id, facilityId, claimedBy, verifiedBy }
  record(tx, { type: "lost_item.claimed", ...(await facilityScope(tx, facilityId)), data })
  return itemOf(claimed ?? row)
}

export const LostItemQuery = Schema.Struct({
  ...pageQuery,
  status: Schema.optionalKey(Status),
  category: Schema.optionalKey(Category),
  from: Schema.optionalKey(Instant).annotateKey({ description: "reported at this instant or later" }),
  to: Schema.optionalKey(Instant).annotateKey({ description: "reported before this instant" }),
})

/** The newest first. Throws NotAllowed when a member asks for claimed items. */
export async function listLostItems(
  db: Queryable,
  member: Member,
  query: typeof LostItemQuery.Type,
): Promise<Page<LostItem>> {
  const { facilityId, isStaff: staff } = member
  if (!staff && query.status === "claimed") throw new NotAllowed("Members see unclaimed items only.")
  const status = staff ? query.status : "found"
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? []
  const { category, from, to } = query
  const none = db``
  const rows = await db<ItemRow[]>`
    select * from slotbase.lost_items
    where facility_id = ${facilityId}
      ${status === undefined ? none : db`and (claimed_at is null) = ${status === "found"}`}
      ${category === undefined ? none : db`and category = ${category}`}
      ${from === undefined ? none : db`and reported_at >= ${from}`}
      ${to === undefined ? none : db`and reported_at < ${to}`}
      ${after === undefined ? none : db`and id < ${after}`}
    order by id desc limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], staff ? itemOf : waitingItemOf)
}

/** Throws NotFound, also for a member when the item was claimed. */
export async function getLostItem(db: Queryable, member: Member, id: string): Promise<LostItem> {
  const { facilityId, isStaff: staff } = member
  const [row] = await db<ItemRow[]>`
    select * from slotbase.lost_items where id = ${id} and facility_id = ${facilityId}`
  if (!row || (row.claimed_at !== null && !staff)) throw new NotFound("lost item", id)
  return staff ? itemOf(row) : waitingItemOf(row)
}

interface ItemRow {
  id: string
  facility_id: string
  description: string
  category: string
  found_location: string
  reported_by: string
  reported_at: Date
  claimed_by: string | null
  verified_by: string | null
  claimed_at: Date | null
}

const itemOf = (row: ItemRow): LostItem => ({
  id: row.id,
  facilityId: row.facility_id,
  status: row.claimed_at === null ? "found" : "claimed",
  description: row.description,
  category: row.category,
  foundLocation: row.found_location,
  reportedBy: row.reported_by,
  reportedAt: row.reported_at.toISOString(),
  claimedBy: row.claimed_by,
  verifiedBy: row.verified_by,
  claimedAt: row.claimed_at?.toISOString() ?? null,
})

const waitingItemOf = (row: ItemRow): LostItem => ({ ...itemOf(row), reportedBy: null })
