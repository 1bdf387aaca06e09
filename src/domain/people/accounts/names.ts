/** The name of a person, and who may change it. */
import { type Caller, isPlatformAdmin, isStaff } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound } from "#base/errors.ts"
import { type Account, lockAccount, setNames } from "#domain/people/users.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { facilityScope } from "#events/scope.ts"
import type { AccountAnswer, NamesChange } from "./input.ts"

/**
 * Changes the names that are given. Records `user.updated`, unless nothing differs.
 * For the person, the parent of a child who cannot sign in, the staff of a walk-in's facility, and platform
 * administrators. Anybody else is told that there is no such user.
 *
 * @throws NotFound
 */
export async function changeNames(
  tx: Tx,
  caller: Caller,
  userId: string,
  change: typeof NamesChange.Type,
): Promise<typeof AccountAnswer.Type> {
  const before = await lockAccount(tx, userId)
  if (!before || !mayRename(caller, before)) throw new NotFound("user", userId)
  const after = { ...before, ...change }
  const changed = (["firstName", "lastName"] as const).filter((field) => before[field] !== after[field])
  const { id, email, firstName, lastName } = after
  if (changed.length === 0) {
    noteChange(tx, "nothing")
    return { id, email, firstName, lastName }
  }
  await setNames(tx, after)
  const scope = before.walkInAt === null ? undefined : await facilityScope(tx, before.walkInAt)
  noteChange(tx, { ...scope, subjectId: id, before: namesOf(before), after: namesOf(after) })
  record(tx, { type: "user.updated", ...scope, data: { userId: id, changed, updatedBy: caller.userId } })
  return { id, email, firstName, lastName }
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

const namesOf = ({ firstName, lastName }: Account) => ({ firstName, lastName })
