/**
 * The roles of people, each in a scope. Four rules hold:
 * - Only administrators of the scope grant and revoke roles, and none above their own.
 * - A role of an account that is not the scope's own is an invitation (`role-invitations.ts`).
 * - Everybody may give up a role of their own.
 * - A person's first role in a facility makes the person a member. A parent follows the child.
 * - The plan counts members. It does not count who only registered: the role of an open registration counts from the
 *   person's first confirmed booking. The limit refuses players and parents, and nobody else.
 * Writes: role_grants.
 */

import * as Schema from "effect/Schema"
import {
  bestRole,
  bestRoleInOrganization,
  type Caller,
  isAtLeast,
  type Role,
  requireAdmin,
  requireOrganizationAdmin,
  requirePlatformAdmin,
  roles,
} from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, RuleBroken } from "#base/errors.ts"
import { platformFacilityId } from "#base/ids.ts"
import { Id } from "#base/schema/request-fields.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { facilityScope, isOrganization } from "#events/scope.ts"
import { endKeysOf } from "./api-key-rows.ts"
import { parentIdsOf } from "./children/parents.ts"
import { lockFamily } from "./find-person.ts"

/** The fields that name a grant of a person. */
export const RoleInput = Schema.Struct({
  role: Schema.Literals(roles),
  scopeType: Schema.Literals(["platform", "organization", "facility"]),
  scopeId: Id,
})
export type RoleInput = typeof RoleInput.Type

export const RoleGrant = Schema.Struct({
  userId: Id,
  role: Schema.String,
  scopeType: Schema.String,
  scopeId: Id,
  grantedBy: Id,
  grantedAt: Schema.String,
})
export type RoleGrant = typeof RoleGrant.Type

/** The roles that an organization has; the others exist only in a facility or on the platform. */
const organizationRoles: readonly Role[] = ["facility_owner", "facility_admin", "staff"]

/**
 * Checks that the caller may give the role in its scope; answers the scope of its events.
 * Throws NotFound, NotAllowed, RuleBroken `role_not_in_scope`.
 */
export async function requireMayGive(tx: Tx, caller: Caller, wanted: RoleInput): Promise<EventScope> {
  const scope = await requireAdministers(tx, caller, wanted)
  requireOfScope(wanted)
  requireNotAbove(caller, wanted)
  return scope
}

/**
 * Gives a person a role and records `user.role_assigned`. A role that the person already holds is kept, without an
 * event. The caller of this function has checked `giver` by `requireMayGive`.
 * Throws NotFound, RuleBroken `limit_reached`.
 */
export async function giveRole(
  tx: Tx,
  giver: string,
  userId: string,
  wanted: RoleInput,
  scope: EventScope,
): Promise<{ grant: RoleGrant; isNew: boolean }> {
  const { role, scopeType, scopeId } = wanted
  if (!(await lockFamily(tx, userId))) throw new NotFound("user", userId)
  const kept = await keepGrant(tx, { userId, ...wanted, grantedBy: giver })
  const { grantedBy, grantedAt, isNew, isFirst } = kept
  noteChange(tx, isNew ? { ...roleScope(wanted), subjectId: userId, after: wanted } : "nothing")
  if (isNew) {
    record(tx, { type: "user.role_assigned", ...scope, data: { userId, role, scopeType, scopeId, grantedBy } })
    if (scopeType === "facility") {
      // People before coaches: every transaction locks a plan's counters in this order.
      if (isFirst) await useEntitlement(tx, scopeId, "active_users", 1, { beyond: isAtLeast(role, "coach") })
      await giveParentRoles(tx, userId, await parentIdsOf(tx, userId, scopeId), giver)
      if (role === "coach") await useEntitlement(tx, scopeId, "coaches")
    }
  }
  return { grant: { userId, role, scopeType, scopeId, grantedBy, grantedAt: grantedAt.toISOString() }, isNew }
}

/**
 * Takes a role from a person and records `user.role_revoked`.
 * Throws NotAllowed, NotFound (also when the person does not hold the role).
 */
export async function revokeRole(tx: Tx, caller: Caller, userId: string, input: RoleInput): Promise<void> {
  const held = { ...input, scopeId: input.scopeId.toLowerCase() }
  const { role, scopeType, scopeId } = held
  const isOwn = caller.userId === userId
  const scope = isOwn ? await eventScope(tx, scopeType, scopeId) : await requireAdministers(tx, caller, held)
  if (!isOwn) requireNotAbove(caller, held)
  // No person and a person without the role get the same answer: it does not say whether there is such an account.
  if (!(await lockFamily(tx, userId))) throw new NotFound("role of this person")
  const [gone] = await tx<{ remaining: number; was_last: boolean }[]>`
    delete from slotbase.role_grants g
    where g.user_id = ${userId} and g.role = ${role} and g.scope_type = ${scopeType} and g.scope_id = ${scopeId}
    returning ${remaining(tx)} as remaining, ${wasLast(tx)} as was_last`
  if (!gone) throw new NotFound("role of this person")
  const revokedBy = caller.userId
  noteChange(tx, { ...roleScope(held), subjectId: userId, before: held })
  await endKeysOf(tx, userId)
  record(tx, { type: "user.role_revoked", ...scope, data: { userId, role, scopeType, scopeId, revokedBy } })
  if (scopeType !== "facility") return
  if (role === "coach") await useEntitlement(tx, scopeId, "coaches", -1)
  if (gone.was_last) await useEntitlement(tx, scopeId, "active_users", -1)
  if (gone.remaining > 0) return
  await takeParentRoles(tx, await parentIdsOf(tx, userId, scopeId), [scopeId], revokedBy)
}

/**
 * Writes a grant, or leaves the existing one. The calling command records the event. `isFirst`: it is the person's
 * first grant there that counts.
 * @param grant.counts false for the grant of an open registration
 */
export async function keepGrant(
  tx: Tx,
  grant: { readonly userId: string; readonly grantedBy: string; readonly counts?: boolean } & RoleInput,
): Promise<{ grantedBy: string; grantedAt: Date; isNew: boolean; isFirst: boolean }> {
  const { userId, role, scopeType, scopeId, grantedBy, counts = true } = grant
  // A sub-select of "returning" sees the rows as they were before the insert.
  const [made] = await tx<{ granted_at: Date; is_first: boolean }[]>`
    insert into slotbase.role_grants as n (user_id, role, scope_type, scope_id, granted_by, counts)
    values (${userId}, ${role}, ${scopeType}, ${scopeId}, ${grantedBy}, ${counts})
    on conflict (user_id, role, scope_type, scope_id) do nothing
    returning granted_at, ${isFirst(tx)} as is_first`
  if (made) return { grantedBy, grantedAt: made.granted_at, isNew: true, isFirst: made.is_first }
  const [kept] = await tx<{ granted_by: string; granted_at: Date }[]>`
    select granted_by, granted_at from slotbase.role_grants
    where user_id = ${userId} and role = ${role} and scope_type = ${scopeType} and scope_id = ${scopeId}`
  if (!kept) throw new Error("keepGrant: a grant is neither new nor there")
  return { grantedBy: kept.granted_by, grantedAt: kept.granted_at, isNew: false, isFirst: false }
}

/** Makes new people players of a facility. The calling command counts them in the plan. */
export async function keepPlayers(tx: Tx, facilityId: string, userIds: readonly string[], by: string): Promise<void> {
  await tx`
    insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by)
    select u.id, 'player', 'facility', ${facilityId}, ${by} from unnest(${[...userIds]}::uuid[]) as u (id) order by 1`
}

/**
 * The person has done something in the facility: from now on the plan counts the person, and their parents. The
 * booking is made by then, so the limit refuses nothing. In a full plan booking/plan.ts refuses such a booking before.
 */
export async function countMember(tx: Tx, facilityId: string, userId: string): Promise<void> {
  const [row] = await tx<{ firsts: number }[]>`
    with counted as (
      update slotbase.role_grants n set counts = true
      where n.scope_id = ${facilityId} and n.scope_type = 'facility' and not n.counts
        and (n.user_id = ${userId} or n.role = 'parent' and n.user_id in (
          select l.parent_id from slotbase.child_links l
          where l.child_id = ${userId} and l.status = 'linked' and (l.facility_id is null or l.facility_id = n.scope_id)))
      returning n.user_id, ${isFirst(tx)} as is_first
    )
    select count(distinct user_id) filter (where is_first)::integer as firsts from counted`
  if (row !== undefined && row.firsts > 0) {
    await useEntitlement(tx, facilityId, "active_users", row.firsts, { beyond: true })
  }
}

/**
 * Parents get the role parent wherever their child holds a role and their link counts. Records `user.role_assigned` for
 * each new grant.
 */
export async function giveParentRoles(
  tx: Tx,
  childId: string,
  parentIds: readonly string[],
  grantedBy: string,
): Promise<void> {
  if (parentIds.length === 0) return
  const made = await tx<{ user_id: string; scope_id: string; is_first: boolean }[]>`
    insert into slotbase.role_grants as n (user_id, role, scope_type, scope_id, granted_by, counts)
    select l.parent_id, 'parent', 'facility', c.scope_id, ${grantedBy}::uuid, bool_or(c.counts)
    from slotbase.child_links l
    join slotbase.role_grants c on c.user_id = l.child_id and c.scope_type = 'facility'
    where l.child_id = ${childId} and l.parent_id = any (${[...parentIds]}::uuid[]) and l.status = 'linked'
      and (l.facility_id is null or l.facility_id = c.scope_id)
    group by l.parent_id, c.scope_id
    order by 1, 4
    on conflict (user_id, role, scope_type, scope_id) do nothing
    returning user_id, scope_id, ${isFirst(tx)} as is_first`
  for (const { user_id: userId, scope_id: scopeId, is_first } of made) {
    const data = { userId, role: "parent", scopeType: "facility", scopeId, grantedBy }
    record(tx, { type: "user.role_assigned", ...(await facilityScope(tx, scopeId)), data })
    if (is_first) await useEntitlement(tx, scopeId, "active_users")
  }
}

/** Parents lose the role parent in facilities where no child of theirs holds a role any more. Records each. */
export async function takeParentRoles(
  tx: Tx,
  parentIds: readonly string[],
  facilityIds: readonly string[],
  revokedBy: string,
): Promise<void> {
  if (parentIds.length === 0 || facilityIds.length === 0) return
  const gone = await tx<{ user_id: string; scope_id: string; was_last: boolean }[]>`
    delete from slotbase.role_grants g
    where g.user_id = any (${[...parentIds]}::uuid[]) and g.role = 'parent' and g.scope_type = 'facility'
      and g.scope_id = any (${[...facilityIds]}::uuid[])
      and not exists (select from slotbase.child_links l
                      join slotbase.role_grants c on c.user_id = l.child_id and c.scope_type = 'facility' and c.scope_id = g.scope_id
                      where l.parent_id = g.user_id and l.status = 'linked'
                        and (l.facility_id is null or l.facility_id = g.scope_id))
    returning g.user_id, g.scope_id, ${wasLast(tx)} as was_last`
  for (const { user_id: userId, scope_id: scopeId, was_last } of gone) {
    const data = { userId, role: "parent", scopeType: "facility", scopeId, revokedBy }
    record(tx, { type: "user.role_revoked", ...(await facilityScope(tx, scopeId)), data })
    if (was_last) await useEntitlement(tx, scopeId, "active_users", -1)
  }
}

/** Whether the new grant `n` is the person's first in its scope that counts. */
const isFirst = (tx: Tx) => tx`
  (n.counts and not exists (select from slotbase.role_grants o
                            where o.user_id = n.user_id and o.scope_type = n.scope_type and o.scope_id = n.scope_id and o.counts))`

/** Whether the deleted grant `g` was the person's last in its scope that counts. */
const wasLast = (tx: Tx) => tx`
  (g.counts and 1 = (select count(*) from slotbase.role_grants o
                     where o.user_id = g.user_id and o.scope_type = g.scope_type and o.scope_id = g.scope_id and o.counts))`

/** How many other grants the person has in the scope of the deleted grant `g`. */
const remaining = (tx: Tx) => tx`
  (select count(*) - 1 from slotbase.role_grants o
   where o.user_id = g.user_id and o.scope_type = g.scope_type and o.scope_id = g.scope_id)`

/** Throws NotFound or NotAllowed unless the caller administers the scope; returns the scope of its events. */
async function requireAdministers(tx: Tx, caller: Caller, { scopeType, scopeId }: RoleInput): Promise<EventScope> {
  if (scopeType === "facility") requireAdmin(caller, scopeId)
  else if (scopeType === "organization") requireOrganizationAdmin(caller, scopeId)
  else requirePlatformAdmin(caller)
  return eventScope(tx, scopeType, scopeId)
}

function requireOfScope({ role, scopeType }: RoleInput): void {
  const isOfScope =
    (role === "platform_admin") === (scopeType === "platform") &&
    (scopeType !== "organization" || organizationRoles.includes(role))
  if (isOfScope) return
  const fault = { path: "body.role", message: `Expected a role of the scope ${scopeType}` }
  throw new RuleBroken("role_not_in_scope", `A scope of the type ${scopeType} has no role ${role}.`, [fault])
}

function requireNotAbove(caller: Caller, { role, scopeType, scopeId }: RoleInput): void {
  const own = scopeType === "organization" ? bestRoleInOrganization(caller, scopeId) : bestRole(caller, scopeId)
  if (!isAtLeast(own, role)) throw new NotAllowed(`The role ${role} is above your own.`)
}

/** Where the audit trail shows a change of the role. */
export const roleScope = ({ scopeType, scopeId }: RoleInput) => ({
  subjectType: "user",
  ...(scopeType === "facility" && { facilityId: scopeId }),
  ...(scopeType === "organization" && { organizationId: scopeId }),
})

export interface EventScope {
  readonly facilityId?: string
  readonly organizationId?: string
}

/** The scope of an event about a role. Throws NotFound when there is no such facility or organization. */
async function eventScope(tx: Tx, scopeType: RoleInput["scopeType"], scopeId: string): Promise<EventScope> {
  if (scopeType === "facility") {
    const scope = await facilityScope(tx, scopeId)
    if (scope) return scope
  } else if (scopeType === "organization") {
    if (await isOrganization(tx, scopeId)) return { organizationId: scopeId }
  } else if (scopeId === platformFacilityId) return {}
  throw new NotFound(scopeType, scopeId)
}
