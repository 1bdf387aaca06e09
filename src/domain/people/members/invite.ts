/** Invites a guest of the facility to an account of their own. */
import type { Admin } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import type { SecretBox } from "#base/secrets.ts"
import { inviteToAccount } from "#domain/people/accounts/passwords.ts"
import { noteChange } from "#events/audit.ts"
import { facilityScope } from "#events/scope.ts"
import { getMember } from "./find.ts"

/**
 * A link to set a password goes to the guest's address, for seven days. Records `user.invited`.
 * @throws NotFound, WrongState (has_account, no_address)
 */
export async function inviteMember(
  tx: Tx,
  secrets: SecretBox,
  { caller, facilityId }: Admin,
  userId: string,
): Promise<{ readonly status: "invited" }> {
  const member = await getMember(tx, facilityId, userId)
  const scope = await facilityScope(tx, facilityId)
  if (!scope) throw new NotFound("facility", facilityId)
  if (member.account !== "walk_in")
    throw new WrongState("has_account", "This member is no guest; nobody need be invited.")
  if (!(await inviteToAccount(tx, secrets, userId, scope, caller.userId))) {
    throw new WrongState("no_address", "The guest has no address to invite.")
  }
  noteChange(tx, { subjectType: "user", subjectId: userId, after: { invited: true } })
  return { status: "invited" }
}
