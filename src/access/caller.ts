/**
 * The caller, and the caller's rights. `authenticate` reads a token of any kind (session, API key, root key) in one
 * statement. The guards answer from the grants that came with the token, without asking the database again. A role in
 * an organization counts in all its facilities; their ids come with the grant. A facility in which the caller holds no
 * role is answered as if it did not exist.
 */
import type { Queryable } from "#base/database/db.ts"
import { NotAllowed, NotAuthenticated, NotFound } from "#base/errors.ts"
import { hashToken } from "#base/secrets.ts"

/** From the highest to the lowest. Nobody grants a role higher than their own. */
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
  /** For a role in an organization: its facilities. The role counts in all of them. */
  readonly facilityIds?: readonly string[]
}

/** The permissions of a parent for a child: book (and cancel, move, check in), pay, see feedback and progress. */
export const childPermissions = ["book", "pay", "view_feedback"] as const
export type ChildPermission = (typeof childPermissions)[number]

export interface Child {
  readonly childId: string
  readonly permissions: readonly ChildPermission[]
  /** The facility in which the link counts, because staff made it there; null: everywhere. */
  readonly countsIn: string | null
}

export interface Caller {
  readonly userId: string
  readonly kind: "person" | "api_key" | "system"
  readonly name: string
  /** Null for API keys and system actors. */
  readonly email: string | null
  readonly grants: readonly Grant[]
  /** The children of the caller, with the permissions for each. Left out: none. */
  readonly children?: readonly Child[]
  /** The end of the session; null for keys, which last until they are revoked. */
  readonly tokenExpiresAt: Date | null
  /** The key of the request. Left out: a session. */
  readonly apiKeyId?: string
}

/** The caller of a token. Throws NotAuthenticated, with the same words whatever is wrong with the token. */
export async function authenticate(db: Queryable, token: string): Promise<Caller> {
  if (token.length > maxTokenLength) throw new NotAuthenticated(refusal)
  const hash = hashToken(token)
  const [row] = await db<CallerRow[]>`
    select u.id, u.kind, coalesce(t.key_name, u.first_name || ' ' || u.last_name) as name, u.email, u.grants, u.children, t.expires_at,
           t.key_id
    from (
      select user_id, expires_at, null as key_name, null::uuid as key_id from slotbase.sessions
      where token_hash = ${hash} and expires_at > (select slotbase.now())
      union all
      select w.user_id, null, w.name, w.id
      from slotbase.api_keys k join slotbase.working_keys w on w.id = k.id and w.facility_id = k.facility_id
      where k.key_hash = ${hash}
    ) t
    join slotbase.callers u on u.id = t.user_id`
  if (!row) throw new NotAuthenticated(refusal)
  return toCaller(row)
}

/**
 * A user with the rights that the user has now, for later work on the user's behalf. A key that has ended has none.
 * Undefined: there is no such user.
 */
export async function callerOf(db: Queryable, userId: string): Promise<Caller | undefined> {
  const [row] = await db<CallerRow[]>`
    select u.id, u.kind, u.first_name || ' ' || u.last_name as name, u.email, u.children, null::timestamptz as expires_at,
           case when u.kind = 'api_key' and not exists (select from slotbase.working_keys w where w.user_id = u.id)
                then '[]' else u.grants end as grants
    from slotbase.callers u where u.id = ${userId}`
  return row && toCaller(row)
}

/**
 * A caller with a role in a facility. A function that takes a member need not ask for the membership again.
 * Only the guards below make one: this file exports the class as a type alone, and no copy has its private field.
 */
class Member {
  readonly #role: Role
  constructor(
    readonly caller: Caller,
    readonly facilityId: string,
    role: Role,
  ) {
    this.#role = role
  }
  /** Staff, an administrator or an owner of the facility. */
  get isStaff(): boolean {
    return this.isAtLeast("staff")
  }
  /** Whether the member has this role in the facility, or a higher one. */
  isAtLeast(needed: Role): boolean {
    return isAtLeast(this.#role, needed)
  }
}

/** A member with the role staff or a higher one. The mark keeps other members from passing for staff. */
class Staff extends Member {
  protected readonly passedAsStaff = true
}

/** An administrator or an owner of the facility. The mark keeps other staff from passing for administrators. */
class Admin extends Staff {
  protected readonly passedAsAdmin = true
}

export type { Admin, Member, Staff }

/** Any role in the facility. */
export function requireMember(caller: Caller, facilityId: string): Member {
  return new Member(caller, facilityId, roleIn(caller, facilityId))
}

/** Staff, administrators and owners of the facility. Throws NotAllowed for a member with a lower role. */
export function requireStaff(caller: Caller, facilityId: string): Staff {
  return new Staff(caller, facilityId, require(caller, facilityId, "staff"))
}

/** The same for a member. Throws NotAllowed. */
export function requireStaffMember({ isStaff }: Member): void {
  if (!isStaff) throw lacking("staff")
}

/** Administrators and owners of the facility. */
export function requireAdmin(caller: Caller, facilityId: string): Admin {
  return new Admin(caller, facilityId, require(caller, facilityId, "facility_admin"))
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

/** The caller's highest role in a facility, held there or in its organization; undefined for a stranger. */
export function bestRole(caller: Caller, facilityId: string): Role | undefined {
  return highest(caller, (grant) => facilitiesOf(grant).includes(facilityId))
}

/** The caller's highest role in an organization itself; undefined for a stranger. */
export function bestRoleInOrganization(caller: Caller, organizationId: string): Role | undefined {
  return highest(caller, ({ scopeType, scopeId }) => scopeType === "organization" && scopeId === organizationId)
}

/** Administrators and owners of the organization. Throws NotAllowed for a lower role, NotFound without any role. */
export function requireOrganizationAdmin(caller: Caller, organizationId: string): void {
  const role = bestRoleInOrganization(caller, organizationId)
  if (role === undefined) throw new NotFound("organization", organizationId)
  if (!isAtLeast(role, "facility_admin")) {
    throw new NotAllowed("This needs the role facility_admin in the organization, or a higher one.")
  }
}

/**
 * The facilities in which the caller holds this role or a higher one. The facilities of a platform administrator are
 * not listed.
 */
export function facilitiesWith(caller: Caller, needed: Role): string[] {
  return [...new Set(caller.grants.filter(({ role }) => isAtLeast(role, needed)).flatMap(facilitiesOf))]
}

/**
 * The organizations in which the caller holds this role or a higher one. Those of a platform administrator are not
 * listed.
 */
export function organizationsWith(caller: Caller, needed: Role): string[] {
  const held = caller.grants.filter(({ scopeType, role }) => scopeType === "organization" && isAtLeast(role, needed))
  return [...new Set(held.map(({ scopeId }) => scopeId))]
}

/** A caller who acts in a facility, such as a Member. */
interface Acting {
  readonly caller: Caller
  readonly facilityId: string
}

/** Whether the caller is that person, or in this facility a parent of that person with this permission. */
export function mayActFor(acting: Acting, userId: string, permission: ChildPermission): boolean {
  return acting.caller.userId === userId || childrenOf(acting, permission).includes(userId)
}

/** The same for what crosses facilities. A link that staff made does not count. */
export function mayActEverywhereFor(caller: Caller, userId: string, permission: ChildPermission): boolean {
  if (caller.userId === userId) return true
  return (caller.children ?? []).some(
    (child) => child.countsIn === null && child.childId === userId && child.permissions.includes(permission),
  )
}

/** The ids of the caller's children by the links that count in this facility. With a permission: those who give it. */
export function childrenOf({ caller, facilityId }: Acting, permission?: ChildPermission): string[] {
  const counted = (caller.children ?? []).filter(
    ({ countsIn, permissions }) =>
      (countsIn === null || countsIn === facilityId) && (permission === undefined || permissions.includes(permission)),
  )
  return [...new Set(counted.map(({ childId }) => childId))]
}

/** Whether a role is at or above another one in the order of `roles`. */
export function isAtLeast(role: Role | undefined, needed: Role): boolean {
  return role !== undefined && roles.indexOf(role) <= roles.indexOf(needed)
}

function highest(caller: Caller, counts: (grant: Grant) => boolean): Role | undefined {
  if (isPlatformAdmin(caller)) return "platform_admin"
  const held = caller.grants.filter(counts)
  return roles.find((role) => held.some((grant) => grant.role === role))
}

/** The facilities in which a role counts: its own, or those of its organization. */
function facilitiesOf({ scopeType, scopeId, facilityIds = [] }: Grant): readonly string[] {
  if (scopeType === "facility") return [scopeId]
  return scopeType === "organization" ? facilityIds : []
}

/** The role of the caller in the facility. Throws NotFound for a stranger. */
function roleIn(caller: Caller, facilityId: string): Role {
  const role = bestRole(caller, facilityId)
  if (role === undefined) throw new NotFound("facility", facilityId)
  return role
}

function require(caller: Caller, facilityId: string, needed: Role): Role {
  const role = roleIn(caller, facilityId)
  if (!isAtLeast(role, needed)) throw lacking(needed)
  return role
}

const lacking = (needed: Role) => new NotAllowed(`This needs the role ${needed} in the facility, or a higher one.`)

interface CallerRow {
  id: string
  kind: Caller["kind"]
  name: string
  email: string | null
  grants: Grant[]
  children: Child[]
  expires_at: Date | null
  key_id?: string | null
}

const toCaller = ({ id, kind, name, email, grants, children, expires_at, key_id }: CallerRow): Caller => ({
  userId: id,
  kind,
  name,
  email,
  grants,
  children,
  tokenExpiresAt: expires_at,
  ...(typeof key_id === "string" && { apiKeyId: key_id }),
})

/** Generated tokens have 47 characters; a chosen root key may have more. */
const maxTokenLength = 512
const refusal = "The token is not valid."
