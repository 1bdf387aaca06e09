/** Changes what a facility keeps about a member. */
import type { Staff } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { WrongState } from "#base/errors.ts"
import { normalEmail } from "#base/schema/request-fields.ts"
import { endLinksOf } from "#domain/people/accounts/links.ts"
import { clearUndeliverable } from "#domain/people/undeliverable.ts"
import { lockAccount, setContact } from "#domain/people/users.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import type { FacilityMember } from "./answer.ts"
import { getMember } from "./find.ts"
import type { MemberChange } from "./input.ts"
import { keepDetails } from "./rows.ts"

/**
 * A field that is left out stays. Records `member.details_changed` with the names of the fields that differ; without
 * a difference nothing is recorded.
 * @throws NotFound, WrongState (member_number_taken, has_account)
 */
export async function changeMember(
  tx: Tx,
  { caller, facilityId }: Staff,
  userId: string,
  change: typeof MemberChange.Type,
): Promise<FacilityMember> {
  // Two changes of one member: the second one reads what the first has written.
  await tx`select pg_advisory_xact_lock(hashtext('slotbase member'), hashtext(${`${facilityId} ${userId}`}))`
  const account = change.email === undefined ? undefined : await lockAccount(tx, userId)
  const before = await getMember(tx, facilityId, userId)
  const after = { ...before, ...change, ...(change.email && { email: normalEmail(change.email) }) }
  const changed = (["memberNumber", "phone", "postalCode", "email", "undeliverable"] as const).filter(
    (name) => before[name] !== after[name],
  )
  if (changed.length === 0) {
    noteChange(tx, "nothing")
    return before
  }
  if (account && changed.includes("email")) {
    if (account.walkInAt !== facilityId) {
      throw new WrongState("has_account", "This member is no guest of the facility, and changes the address alone.")
    }
    await setContact(tx, account, after.email)
    await endLinksOf(tx, userId)
  }
  if (changed.includes("undeliverable")) await clearUndeliverable(tx, before.email ?? "")
  await keepDetails(tx, facilityId, [after])
  noteChange(tx, { subjectType: "user", subjectId: userId, before: pick(before, changed), after: pick(after, changed) })
  record(tx, {
    type: "member.details_changed",
    facilityId,
    data: { userId, facilityId, changed, changedBy: caller.userId },
  })
  return after
}

const pick = <T extends object, K extends keyof T>(from: T, names: readonly K[]) =>
  Object.fromEntries(names.map((name) => [name, from[name]]))
