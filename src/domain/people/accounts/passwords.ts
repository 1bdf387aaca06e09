/**
 * A new password: changed by its owner, or set with a link from a mail. Whatever the way, every link of the account is
 * void afterwards, and so is every session that the old password opened. A mail tells the owner.
 */
import type { Caller } from "#access/caller.ts"
import { hashPassword } from "#access/passwords.ts"
import { type CheckedSignIn, checkPassword, endSessionsOf } from "#access/sessions.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAuthenticated, RuleBroken, WrongState } from "#base/errors.ts"
import type { Standing } from "#base/limits/table.ts"
import type { SecretBox } from "#base/secrets.ts"
import { type Account, lockAccount, setPassword } from "#domain/people/users.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import type { PasswordChange } from "./input.ts"
import { endLinksOf, issueInvitation, issueReset } from "./links.ts"

/** The client of a request, for the limits on wrong passwords. */
export interface Trying {
  /** The share of the client (client-address.ts). */
  readonly client: string
  readonly told: (standing: Standing) => void
}

/**
 * Checks the caller's own password, with the same limits as a sign-in.
 * Throws RuleBroken `wrong_password`, TooMany.
 */
export async function checkOwnPassword(
  db: Db,
  { email }: Caller,
  password: string,
  path: string,
  { client, told }: Trying,
): Promise<CheckedSignIn> {
  const wrong = new RuleBroken("wrong_password", "The password is wrong.", [
    { path, message: "Expected the present password of the account" },
  ])
  if (email === null) throw wrong
  try {
    return await checkPassword(db, { email, password }, client, told)
  } catch (error) {
    throw error instanceof NotAuthenticated ? wrong : error
  }
}

/** The two hashes of a change: the one that the present password matched, and the new one. */
export interface ReadyPassword {
  readonly presentHash: string
  readonly newHash: string
}

/** Slow on purpose. Throws RuleBroken (wrong_password, weak_password), TooMany. */
export async function prepareChange(
  db: Db,
  caller: Caller,
  { currentPassword, newPassword }: typeof PasswordChange.Type,
  trying: Trying,
): Promise<ReadyPassword> {
  const { user, passwordHash } = await checkOwnPassword(db, caller, currentPassword, "body.currentPassword", trying)
  return {
    presentHash: passwordHash,
    newHash: await hashPassword(newPassword, trying.client, user, "body.newPassword"),
  }
}

/**
 * The session of the request stays, and all others end. Records `user.password_changed`.
 * Throws WrongState `password_changed` when another request has changed it meanwhile.
 */
export async function changePassword(
  tx: Tx,
  caller: Caller,
  { presentHash, newHash }: ReadyPassword,
  token: string,
): Promise<void> {
  const account = await lockAccount(tx, caller.userId)
  if (account?.passwordHash !== presentHash) {
    throw new WrongState("password_changed", "The password was changed in the meantime; try again with the new one.")
  }
  await renewPassword(tx, account, newHash, "by_owner", token)
}

/** The same for the person of a link; every session ends. The account is locked. */
export async function renewPassword(
  tx: Tx,
  account: Account,
  passwordHash: string,
  how: "by_owner" | "reset" | "invitation",
  exceptToken?: string,
): Promise<void> {
  await setPassword(tx, account, passwordHash)
  await endLinksOf(tx, account.id)
  const sessionsEnded = await endSessionsOf(tx, account.id, exceptToken)
  noteChange(tx, { subjectType: "user", subjectId: account.id, after: { how, sessionsEnded } })
  record(tx, { type: "user.password_changed", data: { userId: account.id, how, sessionsEnded } })
}

/**
 * Asks for a link to set a forgotten password. It takes the same statements whether the address is known or not, and
 * the mail is made after the commit. Records `user.password_reset_requested`.
 */
export async function requestReset(tx: Tx, secrets: SecretBox, email: string): Promise<void> {
  record(tx, { type: "user.password_reset_requested", data: { linkId: await issueReset(tx, secrets, email) } })
}

/**
 * Invites somebody whom a club entered to set a first password, for seven days. A newer invitation ends the older one.
 * Records `user.invited`. Answers false when the person has a password already, or no address.
 */
export async function inviteToAccount(
  tx: Tx,
  secrets: SecretBox,
  userId: string,
  scope: { readonly facilityId: string; readonly organizationId?: string },
  invitedBy: string,
): Promise<boolean> {
  const linkId = await issueInvitation(tx, secrets, userId)
  if (linkId === undefined) return false
  record(tx, { type: "user.invited", ...scope, data: { userId, linkId, facilityId: scope.facilityId, invitedBy } })
  return true
}
