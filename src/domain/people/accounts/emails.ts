/**
 * A new e-mail address. It counts when a link that was mailed to it is used. The address before is told at the request
 * and at the change. Whether another account has the address shows only in the mail to it.
 */
import type { Caller } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, WrongState } from "#base/errors.ts"
import { normalEmail } from "#base/schema/request-fields.ts"
import type { SecretBox } from "#base/secrets.ts"
import { type Account, setEmail } from "#domain/people/users.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { endLinksOf, issueEmailChange, type OpenLink } from "./links.ts"

/**
 * Asks for the change. Records `user.email_change_requested`.
 * @param passwordHash the hash that the caller's password matched
 * @throws WrongState `password_changed`
 */
export async function requestEmailChange(
  tx: Tx,
  secrets: SecretBox,
  { userId }: Caller,
  email: string,
  passwordHash: string,
): Promise<void> {
  const linkId = await issueEmailChange(tx, secrets, { userId, passwordHash }, normalEmail(email))
  if (linkId === undefined) {
    throw new WrongState("password_changed", "The password was changed in the meantime; try again with the new one.")
  }
  noteChange(tx, { subjectType: "user", subjectId: userId })
  record(tx, { type: "user.email_change_requested", data: { userId, linkId } })
}

/** Throws RuleBroken `same_email` for the address that the account has. */
export function requireOtherEmail({ email }: Caller, wanted: string): void {
  if (email !== normalEmail(wanted)) return
  throw new RuleBroken("same_email", "The account has this e-mail address already.", [
    { path: "body.email", message: "Expected another address than the present one" },
  ])
}

/**
 * The account gets the address of the link. Sessions stay. Records `user.email_changed`. The account is locked.
 * Throws WrongState `email_taken`.
 */
export async function takeEmail(tx: Tx, account: Account, { id: linkId, email }: OpenLink): Promise<void> {
  await setEmail(tx, account, email)
  await endLinksOf(tx, account.id)
  noteChange(tx, { subjectType: "user", subjectId: account.id, before: { email: account.email }, after: { email } })
  record(tx, { type: "user.email_changed", data: { userId: account.id, email, linkId } })
}
