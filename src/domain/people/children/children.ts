/**
 * A parent's children. A child is linked at once in three cases:
 * - The parent made the child's account: the link counts everywhere.
 * - A platform administrator links the child: the link counts everywhere.
 * - Staff link the child, and parent and child are members of a facility of theirs. The link counts in this facility
 *   only, until the child's side accepts it.
 * Anybody else is invited, and linked on acceptance (`invitations.ts`). After the child's side has ended a link, staff
 * invite too.
 * A child who cannot sign in keeps a parent, who acts for the child. A child without an address is reached at the
 * parent's.
 */

import * as Schema from "effect/Schema"
import { type Caller, childPermissions, facilitiesWith, isPlatformAdmin } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { isPerson } from "#domain/people/find-person.ts"
import { giveParentRoles, takeParentRoles } from "#domain/people/roles.ts"
import { handOver, registerChild } from "#domain/people/users.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { facilityScope } from "#events/scope.ts"
import { type ChildLink, LinkStatus, toParent } from "./answer.ts"
import type { ChildInput } from "./input.ts"
import {
  deleteLinks,
  findLinks,
  findLinksOf,
  forgetPair,
  insertLink,
  keepRefusal,
  type LinkRow,
  type LockedPerson,
  lockPeople,
  responsibleFor,
  sharedFacilities,
  standing,
} from "./rows.ts"

/** Linked and invited children of one person: more than any family or host family has. */
const maxChildren = 20

/**
 * Adds a child to a parent: a new account, or a person with an account.
 * Records `user.created` for a new account, and `parent_child.linked` unless the child is invited.
 *
 * @throws NotFound, NotAllowed, RuleBroken (child_unknown, own_child, reverse_link, too_many_children,
 * parent_has_no_email, facility_needed, facility_unknown, limit_reached), WrongState (email_taken, already_linked,
 * primary_parent_exists)
 */
export async function addChild(
  tx: Tx,
  caller: Caller,
  parentId: string,
  input: ChildInput,
  passwordHash?: string,
): Promise<ChildLink> {
  const known = input.childId?.toLowerCase()
  if (known === parentId) throw new RuleBroken("own_child", "Nobody is their own child.", [fault("is the parent")])
  const people = await lockPeople(tx, [parentId, ...(known === undefined ? [] : [known])])
  const parent = people.get(parentId)
  if (!parent || !(await mayActOn(tx, caller, parentId))) throw new NotFound("user", parentId)
  if (parent.email === null) {
    throw new RuleBroken("parent_has_no_email", "A parent needs an e-mail address of their own.")
  }
  const actsAs = roleOf(caller, parentId)
  const childId = known ?? newId()
  if (known !== undefined && !people.has(known)) throw childUnknown()
  if (known !== undefined && input.facilityId !== undefined && actsAs !== "staff") {
    throw new InvalidInput([{ path: "body.facilityId", message: "must be left out: the link counts everywhere" }])
  }
  const place = actsAs === "staff" ? await placeOf(tx, caller, parentId, input) : null
  const { children, hasPrimary, isReversed, isLinked, isRefused } = await standing(tx, parentId, childId, place)
  if (isReversed)
    throw new RuleBroken("reverse_link", "This person is the parent.", [fault("is a parent of this parent")])
  if (children >= maxChildren) {
    throw new RuleBroken("too_many_children", `A person has at most ${maxChildren} children and invitations.`)
  }
  if (isLinked) throw alreadyLinked()
  const asks = known !== undefined && (actsAs === "parent" || (actsAs === "staff" && isRefused))
  const status = asks ? "invited" : "linked"
  if (input.isPrimary && hasPrimary && status === "linked") {
    throw new WrongState("primary_parent_exists", "The child has a primary parent.")
  }
  if (known === undefined) {
    const account = { ...input, ...(place !== null && { facilityId: place }) }
    await makeAccount(tx, caller, { ...parent, email: parent.email }, childId, account, passwordHash)
  }
  if (actsAs === "platform") await forgetPair(tx, parentId, childId)
  const link = await insertLink(tx, {
    parentId,
    childId,
    relationship: input.relationship,
    isPrimary: input.isPrimary ?? (status === "invited" || !hasPrimary),
    permissions: input.permissions ?? childPermissions,
    status,
    createdBy: caller.userId,
    facilityId: asks ? null : place,
  })
  if (!link) throw alreadyLinked()
  noteChange(tx, {
    subjectId: childId,
    ...(place !== null && { facilityId: place }),
    after: { parentId, childId, status, permissions: link.permissions, countsIn: link.facility_id },
  })
  if (status === "linked") await announceLink(tx, caller, link)
  return toParent(link)
}

/** Records `parent_child.linked`, and gives the parent their role where the child has one and the link counts. */
export async function announceLink(tx: Tx, caller: Caller, link: LinkRow): Promise<void> {
  const { parent_id: parentId, child_id: childId, relationship, is_primary: isPrimary, permissions } = link
  const data = { parentId, childId, relationship, isPrimary, permissions }
  record(tx, { type: "parent_child.linked", ...(await scopeOf(tx, link)), data })
  await giveParentRoles(tx, childId, [parentId], caller.userId)
}

/**
 * Ends the links of a pair, or takes an invitation back. Records `parent_child.unlinked` for links.
 * - The parent, the child, the parent responsible for the child's account, and platform administrators end everything.
 * - Staff end what staff made in their facility.
 * @throws NotFound, NotAllowed, WrongState `child_needs_a_parent`
 */
export async function removeChild(tx: Tx, caller: Caller, parentId: string, childId: string): Promise<void> {
  const people = await lockPeople(tx, [parentId, childId])
  const child = people.get(childId)
  if (!child) throw new NotFound("child", childId)
  const links = await findLinksOf(tx, parentId, childId)
  const isTheirs = [parentId, childId, responsibleFor(child)].includes(caller.userId)
  const ended = isTheirs || isPlatformAdmin(caller) ? links : await madeByStaff(tx, caller, links)
  if (ended.length === 0) throw new NotFound("child", childId)
  const linked = ended.filter(({ status }) => status === "linked")
  const keepsLink = links.some((link) => link.status === "linked" && !ended.includes(link))
  if (linked.length > 0 && !keepsLink) await leaveAccount(tx, parentId, child)
  await deleteLinks(tx, ended)
  noteEnd(tx, parentId, childId, ended)
  const bySide = caller.userId !== parentId && [childId, responsibleFor(child)].includes(caller.userId)
  if (bySide) await keepRefusal(tx, parentId, childId)
  if (linked.length === 0) return
  const data = { parentId, childId, unlinkedBy: caller.userId }
  for (const link of linked) record(tx, { type: "parent_child.unlinked", ...(await scopeOf(tx, link)), data })
  await takeParentRoles(tx, [parentId], await facilitiesOf(tx, childId), caller.userId)
}

/** A child who cannot sign in keeps somebody who answers for the account. Throws WrongState `child_needs_a_parent`. */
async function leaveAccount(tx: Tx, parentId: string, child: LockedPerson): Promise<void> {
  const { otherParent } = await standing(tx, parentId, child.id, null)
  const isKept = child.is_walk_in || otherParent !== null || ![null, parentId].includes(child.managed_by)
  if (!child.can_sign_in && !isKept) {
    throw new WrongState(
      "child_needs_a_parent",
      "The child cannot sign in, and has no other parent whose link counts everywhere.",
    )
  }
  if (child.managed_by === parentId) await handOver(tx, child.id, otherParent)
}

/** The links of a pair that staff of the caller's facilities made. Throws NotAllowed when there are only others. */
async function madeByStaff(tx: Tx, caller: Caller, links: readonly LinkRow[]): Promise<readonly LinkRow[]> {
  const own = facilitiesWith(caller, "staff")
  const made = links.filter(({ facility_id }) => facility_id !== null && own.includes(facility_id))
  const [any] = links
  if (made.length > 0 || any === undefined) return made
  const everywhere = links.some(({ facility_id }) => facility_id === null)
  const shared = everywhere ? await sharedFacilities(tx, any.parent_id, any.child_id, own) : []
  if (shared.length === 0) return []
  throw new NotAllowed("This link counts everywhere: the parent, the child or a platform administrator ends it.")
}

export const ChildQuery = Schema.Struct({ ...pageQuery, status: Schema.optionalKey(LinkStatus) })

/**
 * A parent's children, in the order of their links. The parent sees all of them.
 * Staff see the children who are members of a common facility. Throws NotFound for other callers.
 */
export async function listChildren(
  db: Queryable,
  caller: Caller,
  parentId: string,
  query: typeof ChildQuery.Type,
): Promise<Page<ChildLink>> {
  const seesAll = caller.userId === parentId || isPlatformAdmin(caller)
  const isThere = seesAll ? await isPerson(db, parentId) : await mayActOn(db, caller, parentId)
  if (!isThere) throw new NotFound("user", parentId)
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? [platformFacilityId]
  const common = seesAll ? undefined : facilitiesWith(caller, "staff")
  const rows = await findLinks(db, {
    parentId,
    sharedFacilities: common,
    status: query.status,
    after,
    limit: limit + 1,
  })
  return pageOf(rows, limit, (row) => [row.id], toParent)
}

/** The person, the platform's administrator, and staff of a facility where the person is a member. */
async function mayActOn(db: Queryable, caller: Caller, userId: string): Promise<boolean> {
  if (caller.userId === userId || isPlatformAdmin(caller)) return true
  return (await sharedFacilities(db, userId, userId, facilitiesWith(caller, "staff"))).length > 0
}

/** As whom the caller adds a child, after `mayActOn`. A parent who is staff acts as the parent. */
function roleOf(caller: Caller, parentId: string): "parent" | "platform" | "staff" {
  if (caller.userId === parentId) return "parent"
  return isPlatformAdmin(caller) ? "platform" : "staff"
}

/**
 * The facility in which a link that staff make counts: one of theirs, where the parent and a known child are members.
 * Throws NotAllowed, RuleBroken (child_unknown, facility_needed).
 */
async function placeOf(tx: Tx, caller: Caller, parentId: string, input: ChildInput): Promise<string> {
  const child = input.childId?.toLowerCase()
  const shared = await sharedFacilities(tx, parentId, child ?? parentId, facilitiesWith(caller, "staff"))
  const named = input.facilityId?.toLowerCase()
  const [first, ...others] = named === undefined ? shared : shared.filter((id) => id === named)
  if (first === undefined) {
    if (child !== undefined) throw childUnknown()
    throw new NotAllowed("Staff make children players of their own facility only.")
  }
  if (others.length > 0) {
    const needed = { path: "body.facilityId", message: "Missing key: you are staff of several facilities of theirs" }
    throw new RuleBroken("facility_needed", "Name the facility in which the link shall count.", [needed])
  }
  return first
}

async function makeAccount(
  tx: Tx,
  caller: Caller,
  parent: LockedPerson & { readonly email: string },
  id: string,
  input: ChildInput,
  passwordHash: string | undefined,
): Promise<void> {
  const { firstName, lastName, birthDate, email, facilityId } = input
  if (firstName === undefined || lastName === undefined) throw new Error("addChild: the input was not checked")
  const isOwn = caller.userId === parent.id
  const account = {
    id,
    firstName,
    lastName,
    registrationSource: input.registrationSource ?? (isOwn ? "web" : "admin"),
    ...(birthDate !== undefined && { birthDate }),
    ...(email !== undefined && { email }),
    ...(passwordHash !== undefined && { passwordHash }),
    ...(facilityId !== undefined && { facilityId }),
  } as const
  await registerChild(tx, account, parent, caller.userId)
}

/**
 * The facility of a link's events: the one in which it counts. For a link that counts everywhere: the one with the
 * lowest id in which the child holds a role.
 */
async function scopeOf(tx: Tx, { facility_id, child_id }: LinkRow) {
  const [first] = facility_id === null ? await facilitiesOf(tx, child_id) : [facility_id]
  return first === undefined ? undefined : facilityScope(tx, first)
}

async function facilitiesOf(tx: Tx, userId: string): Promise<string[]> {
  const rows = await tx<{ scope_id: string }[]>`
    select distinct scope_id from slotbase.role_grants
    where user_id = ${userId} and scope_type = 'facility' order by scope_id`
  return rows.map((row) => row.scope_id)
}

const childUnknown = () => new RuleBroken("child_unknown", "There is no such person to link.", [fault("names nobody")])
const alreadyLinked = () => new WrongState("already_linked", "This child is linked or invited already.")
const fault = (message: string) => ({ path: "body.childId", message })

/** What the audit trail says about links that ended. The trail of a facility shows the end of its own links only. */
function noteEnd(tx: Tx, parentId: string, childId: string, ended: readonly LinkRow[]): void {
  const [only] = new Set(ended.map((link) => link.facility_id))
  const isOfOne = ended.every((link) => link.facility_id === only)
  const links = ended.map(({ status, permissions, facility_id: countsIn }) => ({ status, permissions, countsIn }))
  noteChange(tx, {
    subjectId: childId,
    ...(isOfOne && only && { facilityId: only }),
    before: { parentId, childId, links },
  })
}
