/**
 * Signing in and out. A session is a token of 256 random bits, of which only the hash is kept. Its owner lists it, and
 * ends it by its id. The addresses of sign-ins are kept too: from there, strangers' wrong tries do not stand in the
 * owner's way.
 * Writes: sessions, sign_in_addresses.
 */

import * as Schema from "effect/Schema"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAuthenticated, NotFound } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import type { Standing } from "#base/limits/table.ts"
import { Instant } from "#base/schema/fact-fields.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Email, Id, normalEmail } from "#base/schema/request-fields.ts"
import { opaqueText } from "#base/schema/text-fields.ts"
import { hashToken, newToken } from "#base/secrets.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import type { Caller } from "./caller.ts"
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

/** A session in the list of its owner. */
export const OpenSession = Schema.Struct({
  id: Id,
  createdAt: Instant,
  expiresAt: Instant,
  client: Schema.NullOr(Schema.String).annotate({
    description: "the address of the sign-in, of IPv6 the network of 64 bits",
  }),
  userAgent: Schema.NullOr(Schema.String).annotate({ description: "what the client called itself at the sign-in" }),
  current: Schema.Boolean.annotate({ description: "the session of this request" }),
})
export type OpenSession = typeof OpenSession.Type

/** Whose password was checked, and the hash that it matched. A session opens only while that hash is the account's. */
export interface CheckedSignIn {
  readonly user: Session["user"]
  readonly passwordHash: string
}

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
): Promise<CheckedSignIn> {
  const email = normalEmail(input.email)
  const begun = beginSignIn(client, email)
  told(begun.standing)
  const [row] = await db<SignInRow[]>`
    select u.id, u.password_hash, u.first_name, u.last_name,
           exists (select from slotbase.sign_in_addresses a where a.user_id = u.id and a.address = ${client}) as is_known
    from slotbase.users u where u.email = ${email}`
  if (!row?.is_known) begun.requireStranger()
  const matches = await isPassword(input.password, row?.password_hash, client)
  if (!row?.password_hash || !matches) {
    await noteFailedSignIn(db, row?.id, client)
    throw new NotAuthenticated(wrongCredentials)
  }
  begun.succeeded()
  const user = { id: row.id, email, firstName: row.first_name, lastName: row.last_name }
  return { user, passwordHash: row.password_hash }
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
 * @param more `passwordHash`: throws NotAuthenticated when it is no longer the account's. The lock keeps the password
 * from being changed meanwhile, so that no session outlives the password that opened it.
 */
export async function openSession(
  tx: Tx,
  user: Session["user"],
  client: string | null = null,
  { passwordHash = null, userAgent = null }: { passwordHash?: string | null; userAgent?: string | null } = {},
): Promise<Session> {
  const token = newToken("sbs")
  const [row] = await tx<{ expires_at: Date }[]>`
    with signed_in as materialized (
      select u.id from slotbase.users u
      where u.id = ${user.id} and (${passwordHash}::text is null or u.password_hash = ${passwordHash}) for no key update
    ), remembered as (
      insert into slotbase.sign_in_addresses (user_id, address)
      select s.id, ${client}::text from signed_in s where ${client}::text is not null
      on conflict (user_id, address) do update set signed_in_at = excluded.signed_in_at
    ), forgotten as (
      delete from slotbase.sign_in_addresses
      where (user_id, address) in (
        select user_id, address from slotbase.sign_in_addresses where user_id = ${user.id} and address <> ${client}
        order by signed_in_at desc, address offset ${addressesOfPerson - 1})
    )
    insert into slotbase.sessions (id, token_hash, user_id, expires_at, client, user_agent)
    select ${newId()}, ${hashToken(token)}, s.id, slotbase.now() + make_interval(days => ${sessionDays}), ${client},
           ${shown(userAgent)}
    from signed_in s
    returning expires_at`
  if (!row) throw new NotAuthenticated(wrongCredentials)
  noteChange(tx, { actorId: user.id, actorKind: "person", subjectType: "user", subjectId: user.id })
  return { token, expiresAt: row.expires_at.toISOString(), user }
}

/** The open sessions of a person, the newest first. @param token that of the request */
export async function listOpenSessions(
  db: Queryable,
  caller: Caller,
  token: string,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<OpenSession>> {
  const limit = pageLimitOf(query)
  const [after = null] = keyAfter(query, Schema.Tuple([Id])) ?? []
  const rows = await db<OpenSessionRow[]>`
    select id, created_at, expires_at, client, user_agent, token_hash = ${hashToken(token)} as current
    from slotbase.sessions
    where user_id = ${caller.userId} and expires_at > (select slotbase.now())
      and (${after}::uuid is null or id < ${after}::uuid)
    order by id desc limit ${limit + 1}`
  return pageOf(rows, limit, ({ id }) => [id], openSessionOf)
}

/** The session's token is invalid from the commit on. Throws NotFound. */
export async function endSessionById(tx: Tx, caller: Caller, id: string): Promise<void> {
  const { count } = await tx`delete from slotbase.sessions where id = ${id} and user_id = ${caller.userId}`
  if (count === 0) throw new NotFound("session", id)
}

/**
 * Ends the sessions of a person, all but that of the token, and returns the number of those that were open. The
 * person's account is locked: two commands that end the same sessions would lock them in different orders.
 */
export async function endSessionsOf(tx: Tx, userId: string, exceptToken?: string): Promise<number> {
  const kept = exceptToken === undefined ? Buffer.alloc(0) : hashToken(exceptToken)
  const ended = await tx<{ was_open: boolean }[]>`
    delete from slotbase.sessions where user_id = ${userId} and token_hash <> ${kept}
    returning expires_at > slotbase.now() as was_open`
  return ended.filter(({ was_open }) => was_open).length
}

/** The token is invalid from the commit on. Records `user.sessions_ended`, so that live channels close at once. */
export async function endSession(tx: Tx, token: string): Promise<void> {
  const [ended] = await tx<{ id: string | null; user_id: string }[]>`
    delete from slotbase.sessions where token_hash = ${hashToken(token)} returning id, user_id`
  if (!ended) return
  const { id, user_id: userId } = ended
  noteChange(tx, { subjectType: "user", subjectId: userId })
  record(tx, { type: "user.sessions_ended", data: { userId, sessionsEnded: 1, ...(id !== null && { sessionId: id }) } })
}

/** Deletes expired sessions, at most `limit`, and returns their number. Expired sessions accept no token any more. */
export async function forgetOldSessions(db: Db, limit = 1_000): Promise<number> {
  const { count } = await db`
    delete from slotbase.sessions
    where token_hash = any (array(
      select token_hash from slotbase.sessions where expires_at <= (select slotbase.now()) order by expires_at limit ${limit}
      for update skip locked))`
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

const wrongCredentials = "The e-mail address or the password is wrong."

const maxUserAgent = 256
/** One line of what can be seen: a header may hold anything. */
const shown = (userAgent: string | null): string | null =>
  userAgent
    ?.toWellFormed()
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, " ")
    .trim()
    .slice(0, maxUserAgent) || null

interface OpenSessionRow {
  readonly id: string
  readonly created_at: Date
  readonly expires_at: Date
  readonly client: string | null
  readonly user_agent: string | null
  readonly current: boolean
}

const openSessionOf = (row: OpenSessionRow): OpenSession => ({
  id: row.id,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
  client: row.client,
  userAgent: row.user_agent,
  current: row.current,
})
