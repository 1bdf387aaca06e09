/**
 * Using a link from a mail: it sets a password, or confirms an address. Of many uses of one link exactly one succeeds.
 */
import { hashPassword } from "#access/passwords.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, RuleBroken } from "#base/errors.ts"
import { claimWalkIn, lockAccount } from "#domain/people/users.ts"
import { noteChange } from "#events/audit.ts"
import { eventContextOf, setEventContext } from "#events/outbox.ts"
import { takeEmail } from "./emails.ts"
import type { LinkUse, UsedLink } from "./input.ts"
import { findOpenLink, type OpenLink, useUp } from "./links.ts"
import { renewPassword } from "./passwords.ts"

/** A link that was open, and the hash of the password that it sets. */
export interface ReadyLink {
  readonly link: OpenLink
  /** Undefined: the link confirms an address. */
  readonly passwordHash: string | undefined
}

/**
 * Looks the link up, and hashes the password only for an open one.
 * @param client the share of the client (client-address.ts)
 * @throws RuleBroken (link_not_valid, weak_password), InvalidInput, TooMany
 */
export async function prepareLink(
  db: Db,
  { token, password }: typeof LinkUse.Type,
  client: string,
): Promise<ReadyLink> {
  const link = await findOpenLink(db, token)
  if (!link) throw notValid()
  if (!setsPassword(link)) {
    if (password === undefined) return { link, passwordHash: undefined }
    throw new InvalidInput([{ path: "body.password", message: "must be left out: the link confirms an address" }])
  }
  if (password === undefined) throw new InvalidInput([{ path: "body.password", message: "Expected a new password" }])
  return { link, passwordHash: await hashPassword(password, client, link) }
}

/**
 * Records `user.password_changed` or `user.email_changed`, in the name of the account.
 * @throws RuleBroken `link_not_valid`, WrongState `email_taken`
 */
export async function useLink(tx: Tx, { link, passwordHash }: ReadyLink): Promise<typeof UsedLink.Type> {
  const { purpose, userId } = link
  const account = await lockAccount(tx, userId)
  if (!account || !(await useUp(tx, link))) throw notValid()
  setEventContext(tx, { ...eventContextOf(tx), userId })
  noteChange(tx, { actorId: userId, actorKind: "person" })
  if (passwordHash === undefined) await takeEmail(tx, account, link)
  else {
    if (account.walkInAt !== null) await claimWalkIn(tx, account, link.email)
    await renewPassword(tx, account, passwordHash, purpose === "invitation" ? "invitation" : "reset")
  }
  return { purpose }
}

/** Whether the link asks for a new password. */
export const setsPassword = ({ purpose }: Pick<OpenLink, "purpose">): boolean => purpose !== "email_change"

const notValid = () =>
  new RuleBroken("link_not_valid", "The link was used, has ended, or never was one. Ask for a new one.", [
    { path: "body.token", message: "Expected the token of an open link" },
  ])
