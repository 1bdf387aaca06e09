/**
 * Roles for people who are not the club's own: the administrator invites, the person answers. The club's own are its
 * members and the accounts that it made; they get the role at once. So no club can take in somebody unasked.
 *
 * An id that nobody has is invited like any other. The answer says neither whether there is such an account nor whose
 * it is. An invitation ends after 30 days. At its acceptance the inviter must still have the right to give the role.
 * Writes: role_invitations.
 */
import * as Schema from "effect/Schema"
import { type Admin, type Caller, callerOf, isPlatformAdmin } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { Instant } from "#base/schema/fact-fields.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { noteChange } from "#events/audit.ts"
import { belongsTo, type Scope } from "./find-person.ts"
import { giveRole, RoleGrant, type RoleInput, requireMayGive, revokeRole, roleScope } from "./roles.ts"

/** An invitation that nobody has answered for so long was overlooked, or not wanted. */
const invitationDays = 30
/** Open invitations of a facility or an organization: more than a club takes on in a month. */
const maxOfScope = 100
/**
 * Open invitations of one person. One gives way, so that nobody can keep a club from inviting. It is the oldest of the
 * club or the organization that has the most, so that nobody drives out the invitation of another.
 */
const maxOfPerson = 50

export const RoleAnswer = Schema.Struct({
  ...RoleGrant.fields,
  grantedAt: Schema.NullOr(Schema.String).annotate({ description: "null while the person has not answered" }),
  status: Schema.Literals(["assigned", "invited"]),
  invitationId: Schema.NullOr(Id),
  expiresAt: Schema.NullOr(Instant).annotate({ description: "the end of the invitation" }),
})
export type RoleAnswer = typeof RoleAnswer.Type

export const RoleInvitation = Schema.Struct({
  id: Id,
  userId: Id.annotate({ description: "the id that was invited, without a name" }),
  role: Schema.String,
  scopeType: Schema.String,
  scopeId: Id,
  scopeName: Schema.String.annotate({ description: "the name of the facility or the organization" }),
  invitedBy: Id,
  createdAt: Instant,
  expiresAt: Instant,
}).annotate({ identifier: "RoleInvitation" })
export type RoleInvitation = typeof RoleInvitation.Type

/**
 * Gives a role to one of the scope's own and records `user.role_assigned`; invites anybody else. Platform
 * administrators give roles to everybody.
 * @throws NotFound, NotAllowed, RuleBroken (role_not_in_scope, limit_reached, too_many_invitations)
 */
export async function assignRole(
  tx: Tx,
  caller: Caller,
  userId: string,
  input: RoleInput,
): Promise<{ answer: RoleAnswer; isNew: boolean }> {
  const wanted = { ...input, scopeId: input.scopeId.toLowerCase() }
  const events = await requireMayGive(tx, caller, wanted)
  const scope = scopeOf(wanted)
  if (scope !== undefined && !isPlatformAdmin(caller) && !(await belongsTo(tx, userId, scope))) {
    noteChange(tx, { ...roleScope(wanted), subjectId: userId, after: { ...wanted, status: "invited" } })
    return { answer: await invite(tx, caller, userId, { ...wanted, ...scope }), isNew: true }
  }
  // First the invitation, then the person: `acceptRole` locks them in this order.
  if (scope !== undefined) await forgetInvitation(tx, userId, wanted)
  const { grant, isNew } = await giveRole(tx, caller.userId, userId, wanted, events)
  return { answer: { ...grant, status: "assigned", invitationId: null, expiresAt: null }, isNew }
}

/**
 * Takes a role from a person, or takes back the invitation to it. Records `user.role_revoked` for a role.
 * Throws NotAllowed, NotFound (also when the person does not hold the role and is not invited to it).
 */
export async function withdrawRole(tx: Tx, caller: Caller, userId: string, input: RoleInput): Promise<void> {
  const wanted = { ...input, scopeId: input.scopeId.toLowerCase() }
  if (caller.userId !== userId) {
    await requireMayGive(tx, caller, wanted)
    if (await forgetInvitation(tx, userId, wanted)) {
      noteChange(tx, { ...roleScope(wanted), subjectId: userId, before: { ...wanted, status: "invited" } })
      return
    }
  }
  await revokeRole(tx, caller, userId, wanted)
}

/** The open invitations that the caller answers, the oldest first. */
export async function listRoleInvitations(
  db: Queryable,
  caller: Caller,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<RoleInvitation>> {
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? [platformFacilityId]
  const rows = await db<InvitationRow[]>`
    ${answerable(db, caller)} and i.id > ${after} order by i.id limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], invitationOf)
}

/** The open invitations of a facility, the oldest first, for its administrators. Also those of ids that nobody has. */
export async function listInvitationsOf(
  db: Queryable,
  { facilityId }: Admin,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<RoleInvitation>> {
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? [platformFacilityId]
  const rows = await db<InvitationRow[]>`
    select i.id, i.user_id, i.role, i.scope_type, i.scope_id, i.invited_by, i.created_at, i.expires_at, f.name as scope_name
    from slotbase.role_invitations i
    join slotbase.facilities f on f.id = i.scope_id
    where i.scope_type = 'facility' and i.scope_id = ${facilityId} and i.expires_at > (select slotbase.now()) and i.id > ${after}
    order by i.id limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], invitationOf)
}

/**
 * Takes the role. Records `user.role_assigned`.
 * @throws NotFound, WrongState (invitation_void), RuleBroken (limit_reached)
 */
export async function acceptRole(tx: Tx, caller: Caller, id: string): Promise<RoleAnswer> {
  const invitation = await lockInvitation(tx, caller, id)
  const { user_id: userId, role, scope_type: scopeType, scope_id: scopeId, invited_by: inviter } = invitation
  const wanted = { role, scopeType, scopeId }
  const events = await rightOfInviter(tx, inviter, wanted)
  await forgetInvitation(tx, userId, wanted)
  const { grant } = await giveRole(tx, inviter, userId, wanted, events)
  return { ...grant, status: "assigned", invitationId: null, expiresAt: null }
}

/** Turns the role down; the club may invite again. Throws NotFound. */
export async function declineRole(tx: Tx, caller: Caller, id: string): Promise<void> {
  const { user_id, role, scope_type: scopeType, scope_id: scopeId } = await lockInvitation(tx, caller, id)
  const declined = { role, scopeType, scopeId }
  await forgetInvitation(tx, user_id, declined)
  noteChange(tx, { ...roleScope(declined), subjectId: user_id, before: { ...declined, status: "invited" } })
}

async function invite(tx: Tx, caller: Caller, userId: string, wanted: RoleInput & Scope): Promise<RoleAnswer> {
  const { role, scopeType, scopeId } = wanted
  // Invitations of one scope are made one after the other: a second one must see the first in its count.
  await tx`select pg_advisory_xact_lock(hashtext('slotbase role invitations'), hashtext(${scopeId}))`
  await tx`
    delete from slotbase.role_invitations
    where (scope_id = ${scopeId} or user_id = ${userId}) and expires_at <= (select slotbase.now())`
  const [open] = await tx<[{ others: number }]>`
    select count(*)::integer as others from slotbase.role_invitations
    where scope_id = ${scopeId} and scope_type = ${scopeType} and (user_id, role) <> (${userId}, ${role})`
  if (open.others >= maxOfScope) {
    const message = `At most ${maxOfScope} invitations may be open; take one back, or wait for its answer.`
    throw new RuleBroken("too_many_invitations", message)
  }
  const [row] = await tx<{ id: string; expires_at: Date }[]>`
    insert into slotbase.role_invitations (id, user_id, role, scope_type, scope_id, invited_by, expires_at)
    values (${newId()}, ${userId}, ${role}, ${scopeType}, ${scopeId}, ${caller.userId},
            slotbase.now() + make_interval(days => ${invitationDays}))
    on conflict (user_id, role, scope_type, scope_id) do update
    set invited_by = excluded.invited_by, expires_at = excluded.expires_at
    returning id, expires_at`
  if (!row) throw new Error("invite: the insert answered no row")
  await tx`
    delete from slotbase.role_invitations
    where user_id = ${userId} and id = any (array(
      select r.id
      from (select i.id, i.expires_at, row_number() over (
              partition by coalesce(f.organization_id, i.scope_id) order by (i.id = ${row.id}) desc, i.expires_at desc, i.id desc) as nth
            from slotbase.role_invitations i left join slotbase.facilities f on f.id = i.scope_id
            where i.user_id = ${userId}) r
      order by r.nth, (r.id = ${row.id}) desc, r.expires_at desc, r.id desc offset ${maxOfPerson}))`
  return {
    ...{ userId, role, scopeType, scopeId },
    grantedBy: caller.userId,
    grantedAt: null,
    status: "invited",
    invitationId: row.id,
    expiresAt: row.expires_at.toISOString(),
  }
}

/** Whether there was an invitation. */
export async function forgetInvitation(
  tx: Tx,
  userId: string,
  { role, scopeType, scopeId }: RoleInput,
): Promise<boolean> {
  const { count } = await tx`
    delete from slotbase.role_invitations
    where user_id = ${userId} and role = ${role} and scope_type = ${scopeType} and scope_id = ${scopeId}`
  return count > 0
}

/** Of two answers one finds the invitation. */
async function lockInvitation(tx: Tx, caller: Caller, id: string): Promise<InvitationRow> {
  const [row] = await tx<InvitationRow[]>`${answerable(tx, caller)} and i.id = ${id} for update of i`
  if (!row) throw new NotFound("invitation", id)
  return row
}

/** The inviter may have lost the right since, and a key may have ended. Throws WrongState `invitation_void`. */
async function rightOfInviter(tx: Tx, inviterId: string, wanted: RoleInput) {
  const inviter = await callerOf(tx, inviterId)
  try {
    if (inviter) return await requireMayGive(tx, inviter, wanted)
  } catch (error) {
    if (!(error instanceof NotAllowed || error instanceof NotFound)) throw error
  }
  throw new WrongState("invitation_void", "Whoever invited you may no longer give this role; ask to be invited again.")
}

/** The platform has no invitations: its roles are given by platform administrators. */
const scopeOf = ({ scopeType, scopeId }: RoleInput): Scope | undefined =>
  scopeType === "platform" ? undefined : { scopeType, scopeId }

interface InvitationRow {
  readonly id: string
  readonly user_id: string
  readonly role: RoleInput["role"]
  readonly scope_type: Scope["scopeType"]
  readonly scope_id: string
  readonly scope_name: string
  readonly invited_by: string
  readonly created_at: Date
  readonly expires_at: Date
}

/** Those of the caller, and of children who cannot sign in, by links that count everywhere. */
const answerable = (db: Queryable, caller: Caller) => db`
  select i.id, i.user_id, i.role, i.scope_type, i.scope_id, i.invited_by, i.created_at, i.expires_at,
         coalesce((select f.name from slotbase.facilities f where f.id = i.scope_id),
                  (select o.name from slotbase.organizations o where o.id = i.scope_id), '') as scope_name
  from slotbase.role_invitations i
  join slotbase.users u on u.id = i.user_id and u.kind = 'person'
  where i.expires_at > (select slotbase.now())
    and (i.user_id = ${caller.userId}
      or u.password_hash is null
        and exists (select from slotbase.child_links l
                    where l.child_id = i.user_id and l.parent_id = ${caller.userId} and l.status = 'linked'
                      and l.facility_id is null))`

const invitationOf = (row: InvitationRow): RoleInvitation => ({
  id: row.id,
  userId: row.user_id,
  role: row.role,
  scopeType: row.scope_type,
  scopeId: row.scope_id,
  scopeName: row.scope_name,
  invitedBy: row.invited_by,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
})
