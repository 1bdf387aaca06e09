/**
 * Who holds which role where. Nobody grants a role above their own, and an administrator only inside their facility.
 * Writes: role_grants.
 */
import * as Schema from "effect/Schema"
import { bestRole, type Caller, isAtLeast, type Role, requireAdmin, requirePlatformAdmin, roles } from "./access.ts"
import type { Tx } from "./database/db.ts"
import { NotAllowed, NotFound, RuleBroken } from "./errors.ts"
import { isFacility } from "./facilities.ts"
import { Id } from "./fields.ts"
import { platformFacilityId } from "./ids.ts"
import { record } from "./outbox.ts"
import { isPerson } from "./users.ts"

export const RoleInput = Schema.Struct({
  role: Schema.Literals(roles),
  scopeType: Schema.Literals(["platform", "organization", "facility"]),
  scopeId: Id,
})

export const RoleGrant = Schema.Struct({
  userId: Id,
  role: Schema.String,
  scopeType: Schema.String,
  scopeId: Id,
  grantedBy: Id,
  grantedAt: Schema.String,
})
export type RoleGrant = typeof RoleGrant.Type

/**
 * Gives a person a role and records `user.role_assigned`; who holds it already keeps it, without an event.
 * Throws NotFound, NotAllowed, RuleBroken `role_not_in_scope`.
 */
export async function assignRole(
  tx: Tx,
  caller: Caller,
  userId: string,
  input: typeof RoleInput.Type,
): Promise<{ grant: RoleGrant; isNew: boolean }> {
  const { role, scopeType } = input
  const scopeId = input.scopeId.toLowerCase()
  await requireGrantable(tx, caller, role, scopeType, scopeId)
  if (!(await isPerson(tx, userId))) throw new NotFound("user", userId)
  const { grantedAt, grantedBy, isNew } = await keepGrant(tx, {
    userId,
    role,
    scopeType,
    scopeId,
    grantedBy: caller.userId,
  })
  if (isNew) {
    record(tx, {
      type: "user.role_assigned",
      ...(scopeType === "facility" && { facilityId: scopeId }),
      data: { userId, role, scopeType, scopeId, grantedBy },
    })
  }
  return { grant: { userId, role, scopeType, scopeId, grantedBy, grantedAt: grantedAt.toISOString() }, isNew }
}

/** Writes a grant, or leaves the one that is there. The command that calls it announces it. */
export async function keepGrant(
  tx: Tx,
  grant: {
    userId: string
    role: Role
    scopeType: "platform" | "facility" | "organization"
    scopeId: string
    grantedBy: string
  },
): Promise<{ grantedBy: string; grantedAt: Date; isNew: boolean }> {
  const { userId, role, scopeType, scopeId, grantedBy } = grant
  const [made] = await tx<{ granted_at: Date }[]>`
    insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by)
    values (${userId}, ${role}, ${scopeType}, ${scopeId}, ${grantedBy})
    on conflict (user_id, role, scope_type, scope_id) do nothing
    returning granted_at`
  if (made) return { grantedBy, grantedAt: made.granted_at, isNew: true }
  const [kept] = await tx<{ granted_by: string; granted_at: Date }[]>`
    select granted_by, granted_at from slotbase.role_grants
    where user_id = ${userId} and role = ${role} and scope_type = ${scopeType} and scope_id = ${scopeId}`
  if (!kept) throw new Error("keepGrant: a grant is neither new nor there")
  return { grantedBy: kept.granted_by, grantedAt: kept.granted_at, isNew: false }
}

async function requireGrantable(tx: Tx, caller: Caller, role: Role, scopeType: string, scopeId: string): Promise<void> {
  if (scopeType === "facility") {
    requireAdmin(caller, scopeId)
    if (!(await isFacility(tx, scopeId))) throw new NotFound("facility", scopeId)
  } else {
    requirePlatformAdmin(caller)
    if (scopeType !== "platform" || scopeId !== platformFacilityId) throw new NotFound(scopeType, scopeId)
  }
  if ((role === "platform_admin") !== (scopeType === "platform")) {
    const fault = { path: "body.role", message: `Expected a role of the scope ${scopeType}` }
    throw new RuleBroken("role_not_in_scope", `The role ${role} is none of a ${scopeType}.`, [fault])
  }
  if (!isAtLeast(bestRole(caller, scopeId), role)) throw new NotAllowed(`The role ${role} is above your own.`)
}
