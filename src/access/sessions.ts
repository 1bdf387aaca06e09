/**
 * Signing in and out. A session is a token of 256 random bits, of which only the hash is kept. The addresses of
 * sign-ins are kept too: from there, strangers' wrong tries do not stand in the owner's way.
 * Writes: sessions, sign_in_addresses.
 */

import * as Schema from "effect/Schema"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAuthenticated } from "#base/errors.ts"
import type { Standing } from "#base/limits/table.ts"
import { Email, Id, normalEmail } from "#base/schema/request-fields.ts"
import { opaqueText } from "#base/schema/text-fields.ts"
import { hashToken, newToken } from "#base/secrets.ts"
import { noteChange } from "#events/audit.ts"
import { noteFailedSignIn } from "./failed-sign-ins.ts"
import { isPassword } from "./passwords.ts"
import { beginSignIn } from "./sign-in-shares.ts"

/** The lifetime of a session, days. */
const sessionDays = 30

/** A person signs in at home, at work, at the club and on the way. The address of the oldest sign-in is forgotten. */
const addressesOfPerson = 20

/** How long an address is known after the last sign-in from there, days. */
const addressDays = 180

export const SignInInput = Schema.Struct({
  email: Email,
  // Any length up to the longest: a too short password is compared too, and gets no separate error.
  password: opaqueText(0, 128, { format: "password" }),
})

export const Session = Schema.Struct({
  token: Schema.String,
  expiresAt: Schema.String,
  user: Schema.Struct({ id: Id, email: Schema.String, firstName: Schema.String, lastName: Schema.String }),
})
export type Session = typeof Session.Type

/**
 * Checks the password of a sign-in. Slow on purpose, and as slow for an unknown address. Throws NotAuthenticated,
 * TooMany.
 * @param client the share of the client (client-address.ts)
 * @param told is told what the client has left at this account
 */
export async function checkPassword(
  db: Queryable,
  input: typeof SignInInput.Type,
  client: string,
  told: (standing: Standing) => void = () => {},
): Promise<Session["user"]> {
  const email = normalEmail(input.email)
  const begun = beginSignIn(client, email)
  told(begun.standing)
  const [row] = await db<SignInRow[]>`
    select u.id, u.password_hash, u.first_name, u.last_name,
           exists (select from slotbase.sign_in_addresses a where a.user_id = u.id and a.address = ${client}) as is_known
    from slotbase.users u where u.email = ${email}`
  if (!row?.is_known) begun.requireStranger()
  const matches = await isPassword(input.password, row?.password_hash, client)
  if (!row || !matches) {
    await noteFailedSignIn(db, row?.id, client)
    throw new NotAuthenticated("The e-mail address or the password is wrong.")
  }
  begun.succeeded()
  return { id: row.id, email, firstName: row.first_name, lastName: row.last_name }
}

interface SignInRow {
  readonly id: string
  readonly password_hash: string | null
  readonly first_name: string
  readonly last_name: string
  /** The account's owner has signed in from this address before. */
  readonly is_known: boolean
}

/**
 * Opens a session, and remembers the address.
 * @param client the share of the client (client-address.ts); left out: no address is remembered
 */
export async function openSession(tx: Tx, user: Session["user"], client: string | null = null): Promise<Session> {
  const token = newToken("sbs")
  const [row] = await tx<{ expires_at: Date }[]>`
    with remembered as (
      insert into slotbase.sign_in_addresses (user_id, address)
      select ${user.id}::uuid, ${client}::text where ${client}::text is not null
      on conflict (user_id, address) do update set signed_in_at = excluded.signed_in_at
    ), forgotten as (
      delete from slotbase.sign_in_addresses
      where (user_id, address) in (
        select user_id, address from slotbase.sign_in_addresses where user_id = ${user.id} and address <> ${client}
        order by signed_in_at desc, address offset ${addressesOfPerson - 1})
    )
    insert into slotbase.sessions (token_hash, user_id, expires_at)
    values (${hashToken(token)}, ${user.id}, slotbase.now() + make_interval(days => ${sessionDays}))
    returning expires_at`
  if (!row) throw new Error("openSession: the insert answered no row")
  noteChange(tx, { actorId: user.id, actorKind: "person", subjectType: "user", subjectId: user.id })
  return { token, expiresAt: row.expires_at.toISOString(), user }
}

/** The token is invalid from the commit on. */
export async function endSession(tx: Tx, token: string): Promise<void> {
  const [ended] = await tx<{ user_id: string }[]>`
    delete from slotbase.sessions where token_hash = ${hashToken(token)} returning user_id`
  if (ended) noteChange(tx, { subjectType: "user", subjectId: ended.user_id })
}

/** Deletes expired sessions, at most `limit`, and returns their number. Expired sessions accept no token any more. */
export async function forgetOldSessions(db: Db, limit = 1_000): Promise<number> {
  const { count } = await db`
    delete from slotbase.sessions
    where token_hash = any (array(
      select token_hash from slotbase.sessions where expires_at <= (select slotbase.now()) order by expires_at limit ${limit}))`
  return count
}

/** Deletes addresses without a sign-in for a long time, at most `limit`, and returns their number. */
export async function forgetOldAddresses(db: Db, limit = 1_000): Promise<number> {
  const { count } = await db`
    delete from slotbase.sign_in_addresses
    where (user_id, address) in (
      select user_id, address from slotbase.sign_in_addresses
      where signed_in_at < (select slotbase.now()) - make_interval(days => ${addressDays})
      order by signed_in_at limit ${limit})`
  return count
}
