/**
 * Invitations to be a person's child, and links that staff made in their facility. The child, or the parent who made
 * the child's account, sees and answers them. Of two answers one counts.
 */
import * as Schema from "effect/Schema"
import type { Caller } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import { platformFacilityId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { type ChildLink, toChild } from "./answer.ts"
import { announceLink, type ChildQuery } from "./children.ts"
import {
  acceptLink,
  declineLink,
  findLink,
  findLinks,
  type LinkRow,
  type LockedPerson,
  lockPeople,
  responsibleFor,
  standing,
} from "./rows.ts"

/** The caller's parents, invitations included, and the parents of the children whose accounts the caller made. */
export async function listChildLinks(
  db: Queryable,
  caller: Caller,
  query: typeof ChildQuery.Type,
): Promise<Page<ChildLink>> {
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? [platformFacilityId]
  const rows = await findLinks(db, { answeredBy: caller.userId, status: query.status, after, limit: limit + 1 })
  return pageOf(rows, limit, (row) => [row.id], toChild)
}

/**
 * Accepts an invitation, or a link that staff made: it then counts everywhere. If the child already has a primary
 * parent, the new parent is not primary. Records `parent_child.linked`.
 * @throws NotFound, WrongState (invitation_answered, reverse_link)
 */
export async function acceptInvitation(tx: Tx, caller: Caller, id: string): Promise<ChildLink> {
  const invitation = await lockInvitation(tx, caller, id)
  if (invitation.status !== "invited" && !isOfOneFacility(invitation)) throw answered(invitation)
  const { hasPrimary, isReversed } = await standing(tx, invitation.parent_id, invitation.child_id, null)
  if (isReversed) throw new WrongState("reverse_link", "You are the parent of this person.")
  await acceptLink(tx, invitation, invitation.is_primary && !hasPrimary)
  const link = await findLink(tx, id)
  if (!link) throw new Error("acceptInvitation: the link is gone under its lock")
  await announceLink(tx, caller, link)
  return toChild(link)
}

/**
 * Declines an invitation; the parent may send another. A link of a facility is ended instead (`removeChild`).
 * Throws NotFound, WrongState `invitation_answered`.
 */
export async function declineInvitation(tx: Tx, caller: Caller, id: string): Promise<ChildLink> {
  const invitation = await lockInvitation(tx, caller, id)
  if (invitation.status !== "invited") throw answered(invitation)
  await declineLink(tx, invitation)
  return toChild({ ...invitation, status: "declined", is_primary: false })
}

/** The invitation under the locks of both people. Every change of an invitation takes these locks. */
async function lockInvitation(tx: Tx, caller: Caller, id: string): Promise<LinkRow> {
  const seen = await findLink(tx, id)
  if (!seen) throw new NotFound("invitation", id)
  const people = await lockPeople(tx, [seen.parent_id, seen.child_id])
  const child = people.get(seen.child_id)
  const link = await findLink(tx, id)
  if (!link || !child || !answers(caller, link, child)) throw new NotFound("invitation", id)
  return link
}

/** Nobody accepts themself as the parent of a person who can answer. */
const answers = (caller: Caller, link: LinkRow, child: LockedPerson) =>
  caller.userId === child.id ||
  (caller.userId === responsibleFor(child) && (caller.userId !== link.parent_id || !child.can_sign_in))

const isOfOneFacility = ({ status, facility_id }: LinkRow) => status === "linked" && facility_id !== null

const answered = ({ status }: LinkRow) => new WrongState("invitation_answered", `The invitation is ${status} already.`)
