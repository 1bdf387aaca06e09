/** Takes a person out of a family account. What the account has paid and owes stays with it. */
import { type Member, mayActFor } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, WrongState } from "#base/errors.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { type BillingAccount, deleteMember, getBillingAccount } from "./accounts.ts"

/**
 * By staff, by the account's owner, or by the person or a parent who pays for the person. The owner stays. Records
 * billing_account.member_left.
 * @throws NotFound, NotAllowed, WrongState `not_a_family_account`, `owner_stays`
 */
export async function leaveFamily(tx: Tx, member: Member, id: string, userId: string): Promise<BillingAccount> {
  const { caller, facilityId, isStaff } = member
  const account = await getBillingAccount(tx, member, id)
  const { ownerId, type } = account
  const mayAct = [ownerId, userId].some((person) => person !== null && mayActFor(member, person, "pay"))
  if (!isStaff && !mayAct) throw new NotAllowed("People leave a family account themselves, or by its owner or staff.")
  if (type !== "family") throw new WrongState("not_a_family_account", "Only a family account has members.")
  if (userId === ownerId) throw new WrongState("owner_stays", "A family account belongs to its owner, who stays.")
  if (!(await deleteMember(tx, facilityId, id, userId))) throw new NotFound("member of the billing account", userId)
  noteChange(tx, { subjectId: id, before: { userId } })
  const data = { billingAccountId: id, facilityId, userId, removedBy: caller.userId }
  record(tx, { type: "billing_account.member_left", facilityId, data })
  // A person who has left sees the account no more.
  return { ...account, memberIds: account.memberIds.filter((each) => each !== userId) }
}
