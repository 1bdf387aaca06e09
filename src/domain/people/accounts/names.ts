/** The name of a person, the language and zone of the person's messages, and who may change them. */
import { type Caller, isPlatformAdmin, isStaff } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound } from "#base/errors.ts"
import { type Account, lockAccount, setProfile } from "#domain/people/users.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { facilityScope } from "#events/scope.ts"
import type { AccountAnswer, AccountChange } from "./input.ts"

/**
 * Changes the fields that are given. Records `user.updated`, unless nothing differs.
 * For the person, the parent of a child who cannot sign in, the staff of a walk-in's facility, and platform
 * administrators. Anybody else is told that there is no such user.
 *
 * @throws NotFound
 */
export async function changeNames(
  tx: Tx,
  caller: Caller,
  userId: string,
  change: typeof AccountChange.Type,
): Promise<typeof AccountAnswer.Type> {
  const before = await lockAccount(tx, userId)
  if (!before || !mayRename(caller, before)) throw new NotFound("user", userId)
  const after = { ...before, ...change }
  const changed = changeable.filter((field) => before[field] !== after[field])
  const { id, email } = after
  const answer = { id, email, ...profileOf(after) }
  if (changed.length === 0) {
    noteChange(tx, "nothing")
    return answer
  }
  await setProfile(tx, after)
  const scope = before.walkInAt === null ? undefined : await facilityScope(tx, before.walkInAt)
  noteChange(tx, { ...scope, subjectId: id, before: profileOf(before), after: profileOf(after) })
  record(tx, { type: "user.updated", ...scope, data: { userId: id, changed, updatedBy: caller.userId } })
  return answer
}

/** Throws NotAllowed for a key, which is no person. */
export function requirePerson({ kind }: Caller): void {
  if (kind !== "person") throw new NotAllowed("A key has no account of its own; sign in as a person.")
}

const mayRename = (caller: Caller, { id, passwordHash, managedBy, walkInAt }: Account): boolean =>
  id === caller.userId ||
  (managedBy === caller.userId && passwordHash === null) ||
  (walkInAt !== null && isStaff(caller, walkInAt)) ||
  isPlatformAdmin(caller)

const changeable = ["firstName", "lastName", "language", "timezone"] as const
const profileOf = ({ firstName, lastName, language, timezone }: Account) => ({
  firstName,
  lastName,
  language,
  timezone,
})
