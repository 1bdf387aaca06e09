/**
 * Joining a club: a person with an account becomes a player of a facility, as somebody new does by registering there.
 * The plan counts the person from the first confirmed booking on (see countMember in roles.ts). Whom the club has
 * removed does not come back alone.
 */
import * as Schema from "effect/Schema"
import { bestRole, type Caller } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import { Id } from "#base/schema/request-fields.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { parentIdsOf } from "./children/parents.ts"
import { lockFamily } from "./find-person.ts"
import { forgetInvitation } from "./role-invitations.ts"
import { giveParentRoles, keepGrant, roleScope } from "./roles.ts"
import { scopeToJoin } from "./users.ts"

export const MembershipInput = Schema.Struct({
  facilityId: Id.annotate({ description: "the person becomes a player of this facility" }),
})
export type MembershipInput = typeof MembershipInput.Type

export const Membership = Schema.Struct({
  userId: Id,
  facilityId: Id,
  role: Schema.String.annotate({ description: "the person's highest role in the facility" }),
})
export type Membership = typeof Membership.Type

/**
 * Makes the caller a player, and records `user.role_assigned`. A member stays as they are, without an event. The caller
 * is a person.
 * @throws RuleBroken (facility_unknown), WrongState (membership_ended)
 */
export async function joinClub(
  tx: Tx,
  caller: Caller,
  input: MembershipInput,
): Promise<{ answer: Membership; isNew: boolean }> {
  const scope = await scopeToJoin(tx, input.facilityId)
  const { userId } = caller
  const { facilityId } = scope
  const held = bestRole(caller, facilityId)
  if (held !== undefined) {
    noteChange(tx, "nothing")
    return { answer: { userId, facilityId, role: held }, isNew: false }
  }
  const wanted = { role: "player", scopeType: "facility", scopeId: facilityId } as const
  // First the invitation, then the person: `acceptRole` locks them in this order.
  await forgetInvitation(tx, userId, wanted)
  if (!(await lockFamily(tx, userId))) throw new NotFound("user", userId)
  await requireNotRemoved(tx, userId, facilityId)
  const { isNew } = await keepGrant(tx, { userId, ...wanted, grantedBy: userId, counts: false })
  noteChange(tx, isNew ? { ...roleScope(wanted), subjectId: userId, after: wanted } : "nothing")
  if (isNew) {
    record(tx, { type: "user.role_assigned", ...scope, data: { userId, ...wanted, grantedBy: userId } })
    await giveParentRoles(tx, userId, await parentIdsOf(tx, userId, facilityId), userId)
  }
  return { answer: { userId, facilityId, role: wanted.role }, isNew }
}

/**
 * The person's latest loss of a role in the facility says who took it. A withdrawn invitation is no loss. Throws
 * WrongState `membership_ended`.
 */
async function requireNotRemoved(tx: Tx, userId: string, facilityId: string): Promise<void> {
  const [lost] = await tx<{ by_themselves: boolean }[]>`
    select coalesce(actor_id = ${userId}, false) as by_themselves from slotbase.audit_log
    where subject_id = ${userId} and facility_id = ${facilityId} and action = 'role.revoked'
      and before->>'status' is distinct from 'invited'
    order by id desc limit 1`
  if (lost?.by_themselves === false)
    throw new WrongState("membership_ended", "The club has ended your membership. Ask the club to add you again.")
}
