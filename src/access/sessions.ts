/**
 * Signing in and out. A session is a token of 256 random bits, of which only the hash is kept.
 * Writes: sessions.
 */

import * as Schema from "effect/Schema"
import { AttemptLimiter } from "#base/attempt-limiter.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAuthenticated } from "#base/errors.ts"
import { Email, Id, normalEmail } from "#base/schema/request-fields.ts"
import { hashToken, newToken } from "#base/secrets.ts"
import { noteChange } from "#events/audit.ts"
import { noteFailedSignIn } from "./failed-sign-ins.ts"
import { isPassword } from "./passwords.ts"

/**
 * Wrong passwords of one client for one address. An honest user mistypes less often, and a guesser gets 960 guesses a
 * day.
 */
const wrongPasswords = new AttemptLimiter({ failures: 10, withinMs: 900_000, keys: 10_000 })

/** The lifetime of a session, days. */
const sessionDays = 30

export const SignInInput = Schema.Struct({
  email: Email,
  // Any length up to the longest: a too short password is compared too, and gets no separate error.
  password: Schema.String.annotate({ format: "password" }).check(Schema.isMaxLength(128)),
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
 */
export async function checkPassword(
  db: Queryable,
  input: typeof SignInInput.Type,
  client: string,
): Promise<Session["user"]> {
  const email = normalEmail(input.email)
  const guess = `${client} ${email}`
  wrongPasswords.check(guess)
  const [row] = await db<{ id: string; password_hash: string | null; first_name: string; last_name: string }[]>`
    select id, password_hash, first_name, last_name from slotbase.users where email = ${email}`
  const matches = await isPassword(input.password, row?.password_hash, client)
  if (!row || !matches) {
    wrongPasswords.failed(guess)
    await noteFailedSignIn(db, row?.id, client)
    throw new NotAuthenticated("The e-mail address or the password is wrong.")
  }
  wrongPasswords.succeeded(guess)
  return { id: row.id, email, firstName: row.first_name, lastName: row.last_name }
}

export async function openSession(tx: Tx, user: Session["user"]): Promise<Session> {
  const token = newToken("sbs")
  const [row] = await tx<{ expires_at: Date }[]>`
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
