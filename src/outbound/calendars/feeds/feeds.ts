/**
 * Calendar feeds: makes, lists, renews and revokes secret addresses. An address is shown once and kept as a hash. A
 * person has one's own bookings; staff have those of a resource too.
 */

import * as Schema from "effect/Schema"
import { type Member, requireStaffMember } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, RuleBroken } from "#base/errors.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { hashToken, newToken } from "#base/secrets.ts"
import { noteChange } from "#events/audit.ts"
import type { CalendarFeed, CalendarFeedInput, CalendarFeedWithAddress } from "./input.ts"
import { changeAddress, countFeeds, deleteFeed, type FeedRow, findFeeds, insertFeed, lockFeed } from "./rows.ts"

/** Feeds of one person in one facility: a member of staff has one for each court, and some spare. */
const maxFeeds = 50

/**
 * Makes a feed of one's own bookings, or for staff of a resource.
 * @throws NotAllowed, RuleBroken (resource_unknown, names_need_resource, keys_need_resource, too_many_feeds)
 */
export async function createFeed(
  tx: Tx,
  member: Member,
  { resourceId, showNames = false }: CalendarFeedInput,
  publicUrl: string,
): Promise<CalendarFeedWithAddress> {
  const { caller, facilityId } = member
  if (resourceId === undefined && caller.kind !== "person")
    throw new RuleBroken("keys_need_resource", "A key has no bookings of its own: name a resource.")
  if (resourceId !== undefined) await requireResource(tx, member, resourceId.toLowerCase())
  if (showNames && resourceId === undefined)
    throw new RuleBroken("names_need_resource", "Only the feed of a resource can show the names of bookers.")
  // The person's row is the lock: two requests together make no more than the limit allows.
  await tx`select from slotbase.users where id = ${caller.userId} for no key update`
  if ((await countFeeds(tx, caller.userId, facilityId)) >= maxFeeds)
    throw new RuleBroken("too_many_feeds", `A person has at most ${maxFeeds} calendar feeds in a facility; revoke one.`)
  const token = newToken(tokenPrefix)
  const row = await insertFeed(tx, {
    id: newId(),
    facility_id: facilityId,
    user_id: caller.userId,
    resource_id: resourceId?.toLowerCase() ?? null,
    shows_names: showNames,
    token_hash: hashToken(token),
  })
  noteChange(tx, { after: toFeed(row) })
  return { ...toFeed(row), url: addressOfFeed(publicUrl, token) }
}

/** The feeds of the caller, the oldest first; all of the facility for administrators. */
export async function listFeeds(
  db: Queryable,
  member: Member,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<CalendarFeed>> {
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? [platformFacilityId]
  const userId = member.isAtLeast("facility_admin") ? undefined : member.caller.userId
  const rows = await findFeeds(db, member.facilityId, { userId, after, limit: limit + 1 })
  return pageOf(rows, limit, ({ id }) => [id], toFeed)
}

/** Gives a feed of the caller another address. Throws NotFound. */
export async function rotateFeed(
  tx: Tx,
  member: Member,
  id: string,
  publicUrl: string,
): Promise<CalendarFeedWithAddress> {
  const feed = await lockFeed(tx, member.facilityId, id)
  if (feed?.user_id !== member.caller.userId) throw new NotFound("calendar feed", id)
  const token = newToken(tokenPrefix)
  const row = await changeAddress(tx, feed, hashToken(token))
  noteChange(tx, { before: toFeed(feed), after: toFeed(row) })
  return { ...toFeed(row), url: addressOfFeed(publicUrl, token) }
}

/** Ends a feed of the caller; administrators end every one of the facility. Throws NotFound. */
export async function revokeFeed(tx: Tx, member: Member, id: string): Promise<void> {
  const feed = await lockFeed(tx, member.facilityId, id)
  if (!feed || (feed.user_id !== member.caller.userId && !member.isAtLeast("facility_admin")))
    throw new NotFound("calendar feed", id)
  await deleteFeed(tx, feed)
  noteChange(tx, { before: toFeed(feed) })
}

/** The secret part of an address of a feed. */
const tokenPrefix = "sbc"
const addressOfFeed = (publicUrl: string, token: string) => `${publicUrl}/calendars/${token}.ics`

async function requireResource(tx: Tx, member: Member, id: string): Promise<void> {
  requireStaffMember(member)
  const [known] = await tx`select 1 from slotbase.resources where id = ${id} and facility_id = ${member.facilityId}`
  if (known) return
  const fault = { path: "body.resourceId", message: "Expected the id of a resource of the facility" }
  throw new RuleBroken("resource_unknown", "There is no such resource in the facility.", [fault])
}

const toFeed = (row: FeedRow): CalendarFeed => ({
  id: row.id,
  userId: row.user_id,
  resourceId: row.resource_id,
  showNames: row.shows_names,
  createdAt: row.created_at.toISOString(),
  rotatedAt: row.rotated_at?.toISOString() ?? null,
})
