/**
 * Who calls, and what they may do where. `authenticate` reads a token of any kind (session, API key, root key) in one
 * statement; the guards answer from the grants that came with it, without asking the database again.
 * A facility in which the caller holds no role is answered as if it did not exist.
 */
import type { Queryable } from "./database/db.ts"
import { NotAllowed, NotAuthenticated, NotFound } from "./errors.ts"
import { hashToken } from "./secrets.ts"

/** From the most to the least. Nobody grants a role that stands before their own. */
export const roles = [
  "platform_admin",
  "facility_owner",
  "facility_admin",
  "staff",
  "coach",
  "player",
  "parent",
] as const
export type Role = (typeof roles)[number]

export interface Grant {
  readonly role: Role
  readonly scopeType: "platform" | "organization" | "facility"
  readonly scopeId: string
}

export interface Caller {
  readonly userId: string
  readonly kind: "person" | "api_key" | "system"
  readonly name: string
  /** Null for API keys and system actors. */
  readonly email: string | null
  readonly grants: readonly Grant[]
  /** When the session ends; null for keys, which last until they are revoked. */
  readonly tokenExpiresAt: Date | null
}

/** The caller whom a token names. Throws NotAuthenticated, with the same words whatever is wrong with the token. */
export async function authenticate(db: Queryable, token: string): Promise<Caller> {
  if (token.length > maxTokenLength) throw new NotAuthenticated(refusal)
  const hash = hashToken(token)
  const [row] = await db<CallerRow[]>`
    select u.id, u.kind, u.first_name, u.last_name, u.email, t.key_name, t.expires_at,
           (select coalesce(jsonb_agg(jsonb_build_object('role', g.role, 'scopeType', g.scope_type, 'scopeId', g.scope_id)), '[]')
            from slotbase.role_grants g where g.user_id = u.id) as grants
    from (
      select user_id, expires_at, null as key_name from slotbase.sessions
      where token_hash = ${hash} and expires_at > (select slotbase.now())
      union all
      select user_id, null, name from slotbase.api_keys
      where key_hash = ${hash} and revoked_at is null
    ) t
    join slotbase.users u on u.id = t.user_id`
  if (!row) throw new NotAuthenticated(refusal)
  return {
    userId: row.id,
    kind: row.kind,
    name: row.key_name ?? `${row.first_name} ${row.last_name}`,
    email: row.email,
    grants: row.grants,
    tokenExpiresAt: row.expires_at,
  }
}

/** Any role in the facility. */
export function requireMember(caller: Caller, facilityId: string): void {
  if (bestRole(caller, facilityId) === undefined) throw new NotFound("facility", facilityId)
}

/** Staff, administrators and owners of the facility. A member who is none of these: NotAllowed. */
export function requireStaff(caller: Caller, facilityId: string): void {
  require(caller, facilityId, "staff")
}

/** Administrators and owners of the facility. */
export function requireAdmin(caller: Caller, facilityId: string): void {
  require(caller, facilityId, "facility_admin")
}

export function requirePlatformAdmin(caller: Caller): void {
  if (!isPlatformAdmin(caller)) throw new NotAllowed("Only a platform administrator may do this.")
}

export function isStaff(caller: Caller, facilityId: string): boolean {
  return isAtLeast(bestRole(caller, facilityId), "staff")
}

export function isPlatformAdmin(caller: Caller): boolean {
  return caller.grants.some((grant) => grant.scopeType === "platform" && grant.role === "platform_admin")
}

/** The caller's highest role in a facility; undefined for a stranger. */
export function bestRole(caller: Caller, facilityId: string): Role | undefined {
  if (isPlatformAdmin(caller)) return "platform_admin"
  const held = caller.grants.filter((grant) => grant.scopeType === "facility" && grant.scopeId === facilityId)
  return roles.find((role) => held.some((grant) => grant.role === role))
}

/** Whether a role stands at or above another one in the order of `roles`. */
export function isAtLeast(role: Role | undefined, needed: Role): boolean {
  return role !== undefined && roles.indexOf(role) <= roles.indexOf(needed)
}

function require(caller: Caller, facilityId: string, needed: Role): void {
  const role = bestRole(caller, facilityId)
  if (role === undefined) throw new NotFound("facility", facilityId)
  if (!isAtLeast(role, needed)) throw new NotAllowed(`This needs the role ${needed} in the facility, or a higher one.`)
}

interface CallerRow {
  id: string
  kind: Caller["kind"]
  first_name: string
  last_name: string
  email: string | null
  key_name: string | null
  expires_at: Date | null
  grants: Grant[]
}

/** Ours have 47 characters, a chosen root key may have more. */
const maxTokenLength = 512
const refusal = "The token is not valid."
