/**
 * A parent's children. A child is linked at once in two cases:
 * - The parent made the child's account.
 * - Staff link the child, and parent and child are members of a facility of theirs.
 * Anybody else is invited, and linked on acceptance (`invitations.ts`).
 * A child who cannot sign in keeps a parent, who acts for the child. A child without an address is reached at the
 * parent's.
 */

import * as Schema from "effect/Schema"
import { type Caller, childPermissions, facilitiesWith, isPlatformAdmin } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, RuleBroken, WrongState } from "#base/errors.ts"
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
  deleteLink,
  findLinkOf,
  findLinks,
  insertLink,
  type LinkRow,
  type LockedPerson,
  lockPeople,
  shareFacility,
  standing,
} from "./rows.ts"

/** Linked and invited children of one person: more than any family or host family has. */
const maxChildren = 20

/**
 * Adds a child to a parent: a new account, or a person with an account.
 * Records `user.created` for a new account, and `parent_child.linked` unless the child is invited.
 *
 * @throws NotFound, NotAllowed, RuleBroken (child_unknown, own_child, reverse_link, too_many_children,
 * parent_has_no_email, facility_unknown, limit_reached), WrongState (email_taken, already_linked,
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
  const childId = known ?? newId()
  const { children, hasPrimary, isReversed } = await standing(tx, parentId, childId)
  if (isReversed)
    throw new RuleBroken("reverse_link", "This person is the parent.", [fault("is a parent of this parent")])
  if (children >= maxChildren) {
    throw new RuleBroken("too_many_children", `A person has at most ${maxChildren} children and invitations.`)
  }
  const status = known === undefined ? "linked" : await statusOf(tx, caller, parentId, people.get(known))
  if (input.isPrimary && hasPrimary && status === "linked") {
    throw new WrongState("primary_parent_exists", "The child has a primary parent.")
  }
  if (known === undefined)
    await makeAccount(tx, caller, { ...parent, email: parent.email }, childId, input, passwordHash)
  const link = await insertLink(tx, {
    parentId,
    childId,
    relationship: input.relationship,
    isPrimary: input.isPrimary ?? (status === "invited" || !hasPrimary),
    permissions: input.permissions ?? childPermissions,
    status,
    createdBy: caller.userId,
  })
  if (!link) throw new WrongState("already_linked", "This child is linked or invited already.")
  noteChange(tx, { subjectId: childId, after: { parentId, childId, status, permissions: link.permissions } })
  if (status === "linked") await announceLink(tx, caller, link)
  return toParent(link)
}

/** Records `parent_child.linked` in the child's facility, and gives the parent their role where the child has one. */
export async function announceLink(tx: Tx, caller: Caller, link: LinkRow): Promise<void> {
  const { parent_id: parentId, child_id: childId, relationship, is_primary: isPrimary, permissions } = link
  const data = { parentId, childId, relationship, isPrimary, permissions }
  record(tx, { type: "parent_child.linked", ...(await scopeOfChild(tx, childId)), data })
  await giveParentRoles(tx, childId, [parentId], caller.userId)
}

/**
 * Ends a link, or takes an invitation back. Records `parent_child.unlinked` for a link. Allowed are:
 * - the parent and the child,
 * - the parent responsible for the child's account,
 * - callers who could have made the link.
 * @throws NotFound, WrongState `child_needs_a_parent`
 */
export async function removeChild(tx: Tx, caller: Caller, parentId: string, childId: string): Promise<void> {
  const people = await lockPeople(tx, [parentId, childId])
  const child = people.get(childId)
  const link = child && (await findLinkOf(tx, parentId, childId))
  const isTheirs = [parentId, childId, child?.managed_by].includes(caller.userId)
  if (!link || !(isTheirs || (await mayLink(tx, caller, parentId, childId)))) throw new NotFound("child", childId)
  if (link.status === "linked") {
    const { otherParent } = await standing(tx, parentId, childId)
    if (!child.can_sign_in && otherParent === null) {
      throw new WrongState("child_needs_a_parent", "The child cannot sign in, and has no other parent.")
    }
    if (child.managed_by === parentId) await handOver(tx, childId, otherParent)
  }
  await deleteLink(tx, link.id)
  noteChange(tx, {
    subjectId: childId,
    before: { parentId, childId, status: link.status, permissions: link.permissions },
  })
  if (link.status !== "linked") return
  const data = { parentId, childId, unlinkedBy: caller.userId }
  record(tx, { type: "parent_child.unlinked", ...(await scopeOfChild(tx, childId)), data })
  await takeParentRoles(tx, [parentId], await facilitiesOf(tx, childId), caller.userId)
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
  const sharedFacilities = seesAll ? undefined : facilitiesWith(caller, "staff")
  const rows = await findLinks(db, { parentId, sharedFacilities, status: query.status, after, limit: limit + 1 })
  return pageOf(rows, limit, (row) => [row.id], toParent)
}

/** The person, the platform's administrator, and staff of a facility where the person is a member. */
async function mayActOn(db: Queryable, caller: Caller, userId: string): Promise<boolean> {
  if (caller.userId === userId || isPlatformAdmin(caller)) return true
  return shareFacility(db, userId, userId, facilitiesWith(caller, "staff"))
}

/** Allowed to link two people without an invitation: the platform's administrator, and staff where both are members. */
async function mayLink(tx: Tx, caller: Caller, parentId: string, childId: string): Promise<boolean> {
  if (caller.userId === parentId) return false
  return isPlatformAdmin(caller) || shareFacility(tx, parentId, childId, facilitiesWith(caller, "staff"))
}

/** Whether a person with an account is linked or invited. Staff link members, and invite nobody on behalf of others. */
async function statusOf(
  tx: Tx,
  caller: Caller,
  parentId: string,
  child: LockedPerson | undefined,
): Promise<"linked" | "invited"> {
  const isOwn = caller.userId === parentId
  if (!child || !(isOwn || (await mayLink(tx, caller, parentId, child.id)))) {
    throw new RuleBroken("child_unknown", "There is no such person to link.", [fault("names nobody")])
  }
  return isOwn ? "invited" : "linked"
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
  // Registration is open, so a parent may name any facility. Staff make members of their own facility only.
  if (facilityId !== undefined && !isOwn && !isPlatformAdmin(caller)) {
    if (!facilitiesWith(caller, "staff").includes(facilityId.toLowerCase())) {
      throw new NotAllowed("Staff make children players of their own facility only.")
    }
  }
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

/** The facility with the lowest id in which the child holds a role. The events of its links belong to it. */
async function scopeOfChild(tx: Tx, childId: string) {
  const [first] = await facilitiesOf(tx, childId)
  return first === undefined ? undefined : facilityScope(tx, first)
}

async function facilitiesOf(tx: Tx, userId: string): Promise<string[]> {
  const rows = await tx<{ scope_id: string }[]>`
    select distinct scope_id from slotbase.role_grants
    where user_id = ${userId} and scope_type = 'facility' order by scope_id`
  return rows.map((row) => row.scope_id)
}

const fault = (message: string) => ({ path: "body.childId", message })
