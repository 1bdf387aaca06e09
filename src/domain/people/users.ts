/**
 * People, and the user rows of system actors. Registration is open; an e-mail address belongs to one person.
 * Writes: users.
 */
import * as Schema from "effect/Schema"
import { Password } from "#access/passwords.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { type Language, LanguageField } from "#base/languages.ts"
import { Email, Id, Name, normalEmail, Timezone } from "#base/schema/request-fields.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import { record } from "#events/outbox.ts"
import { type FacilityScope, facilityScope } from "#events/scope.ts"
import { unreachable } from "./address.ts"
import { keepGrant, keepPlayers } from "./roles.ts"

export const RegistrationInput = Schema.Struct({
  email: Email,
  password: Password,
  firstName: Name,
  lastName: Name,
  registrationSource: Schema.optionalKey(Schema.Literals(["web", "mobile", "admin", "invitation"])),
  facilityId: Schema.optionalKey(Id.annotate({ description: "the person becomes a player of this facility" })),
  language: Schema.optionalKey(LanguageField).annotateKey({ description: "of messages; default: the facility's" }),
  timezone: Schema.optionalKey(Timezone).annotateKey({ description: "default: the facility's" }),
})

/** A registration with a hashed password. Hashing is too slow for a transaction. */
export type Registration = Omit<typeof RegistrationInput.Type, "password"> & { readonly passwordHash: string }

export const User = Schema.Struct({
  id: Id,
  email: Schema.String,
  firstName: Schema.String,
  lastName: Schema.String,
  registrationSource: Schema.String,
  facilityId: Schema.optionalKey(Id),
  createdAt: Schema.String,
})
export type User = typeof User.Type

/** Records `user.created`. Throws WrongState `email_taken`, RuleBroken `facility_unknown`. */
export async function registerUser(tx: Tx, registration: Registration, id = newId()): Promise<User> {
  const { firstName, lastName, passwordHash, registrationSource = "web" } = registration
  const { language = null, timezone = null } = registration
  const email = normalEmail(registration.email)
  const scope = await scopeIfAny(tx, registration.facilityId)
  const [row] = await tx<{ created_at: Date }[]>`
    insert into slotbase.users (id, email, password_hash, first_name, last_name, registration_source, language, timezone)
    values (${id}, ${email}, ${passwordHash}, ${firstName}, ${lastName}, ${registrationSource}, ${language}, ${timezone})
    on conflict (email) do nothing
    returning created_at`
  if (!row) throw new WrongState("email_taken", emailTaken)
  const joined = await join(tx, id, scope, id, "joins alone")
  record(tx, {
    type: "user.created",
    ...scope,
    data: { userId: id, email, firstName, lastName, registrationSource, ...joined },
  })
  return { id, email, firstName, lastName, registrationSource, ...joined, createdAt: row.created_at.toISOString() }
}

/** A child's account, made by its parent or for the parent. */
export interface ChildAccount {
  readonly id: string
  readonly firstName: string
  readonly lastName: string
  /** YYYY-MM-DD */
  readonly birthDate?: string
  readonly email?: string
  /** Without this hash nobody can sign in as the child. */
  readonly passwordHash?: string
  readonly registrationSource: "web" | "mobile" | "admin" | "invitation"
  readonly facilityId?: string
}

/**
 * Records `user.created`, with the parent's address when the child has none.
 * Throws WrongState `email_taken`, RuleBroken (facility_unknown, limit_reached).
 */
export async function registerChild(
  tx: Tx,
  child: ChildAccount,
  parent: { readonly id: string; readonly email: string },
  createdBy: string,
): Promise<void> {
  const { id, firstName, lastName, birthDate = null, passwordHash = null, registrationSource } = child
  const email = child.email === undefined ? null : normalEmail(child.email)
  const scope = await scopeIfAny(tx, child.facilityId)
  const { count } = await tx`
    insert into slotbase.users (id, email, password_hash, first_name, last_name, registration_source, managed_by, birth_date)
    values (${id}, ${email}, ${passwordHash}, ${firstName}, ${lastName}, ${registrationSource}, ${parent.id}, ${birthDate})
    on conflict (email) do nothing`
  if (count === 0) throw new WrongState("email_taken", emailTaken)
  const joined = await join(tx, id, scope, createdBy, createdBy === parent.id ? "joins alone" : "counts")
  record(tx, {
    type: "user.created",
    ...scope,
    data: { userId: id, email: email ?? parent.email, firstName, lastName, registrationSource, ...joined },
  })
}

/** A guest of a facility without an account of their own. */
export interface WalkInAccount {
  readonly id: string
  readonly firstName: string
  readonly lastName: string
  readonly contactEmail: string | null
}

/**
 * Makes accounts without sign-in that belong to the facility. Records `user.created` for each. The caller counts them
 * in the plan. The ids are new, in the order of their making.
 */
export async function registerWalkIns(
  tx: Tx,
  scope: FacilityScope,
  walkIns: readonly WalkInAccount[],
  createdBy: string,
): Promise<readonly Date[]> {
  const { facilityId } = scope
  const rows = await tx<{ created_at: Date }[]>`
    with made as (
      insert into slotbase.users (id, first_name, last_name, registration_source, walk_in_at, contact_email)
      select id, "firstName", "lastName", 'admin', ${facilityId}, "contactEmail"
      from jsonb_to_recordset(${tx.json(walkIns as never)})
        as w (id uuid, "firstName" text, "lastName" text, "contactEmail" text)
      order by id
      returning id, created_at
    )
    select created_at from made order by id`
  await keepPlayers(
    tx,
    facilityId,
    walkIns.map(({ id }) => id),
    createdBy,
  )
  for (const { id: userId, firstName, lastName, contactEmail } of walkIns) {
    const email = contactEmail ?? unreachable
    const data = { userId, email, firstName, lastName, registrationSource: "admin" as const, facilityId }
    record(tx, { type: "user.created", ...scope, data })
  }
  return rows.map(({ created_at }) => created_at)
}

/**
 * A guest becomes a person with an account: the address signs in, and the facility no longer keeps the account. The
 * account is locked. Throws WrongState `email_taken`.
 */
export async function claimWalkIn(tx: Tx, { id }: Account, email: string): Promise<void> {
  try {
    await tx`update slotbase.users set email = ${email}, walk_in_at = null, contact_email = null where id = ${id}`
  } catch (error) {
    if (violated(error) !== "user_email_used_once") throw error
    throw new WrongState(
      "email_taken",
      "Somebody is registered with this address: sign in, and ask the club to add you.",
    )
  }
}

/** A person's account, under a lock. */
export interface Account {
  readonly id: string
  readonly email: string | null
  readonly firstName: string
  readonly lastName: string
  readonly passwordHash: string | null
  /** The parent who answers for the account. */
  readonly managedBy: string | null
  /** The facility that keeps the account for a guest. */
  readonly walkInAt: string | null
  /** Of messages; null: that of the facility. */
  readonly language: Language | null
  readonly timezone: string | null
}

/**
 * Locks an account before anything else of it: its links and sessions come after it. All commands of an account take
 * this one kind of lock. With shared and exclusive ones together, PostgreSQL was seen to end one of them (40P01). A
 * link that is being issued, and a session that is being opened, are waited for. Undefined: there is no such person.
 */
export async function lockAccount(tx: Tx, id: string): Promise<Account | undefined> {
  const [account] = await tx<Account[]>`
    select id, email, first_name as "firstName", last_name as "lastName", password_hash as "passwordHash",
           managed_by as "managedBy", walk_in_at as "walkInAt", language, timezone
    from slotbase.users where id = ${id} and kind = 'person' for no key update`
  return account
}

/** The name, language and zone of a person; null for keys. */
export async function findProfile(
  db: Queryable,
  id: string,
): Promise<{ [field in "firstName" | "lastName" | "timezone"]: string | null } & { language: Language | null }> {
  const [found] = await db<Pick<Account, "firstName" | "lastName" | "language" | "timezone">[]>`
    select first_name as "firstName", last_name as "lastName", language, timezone
    from slotbase.users where id = ${id} and kind = 'person'`
  const { firstName = null, lastName = null, language = null, timezone = null } = found ?? {}
  return { firstName, lastName, language, timezone }
}

/** The account is locked. */
export async function setProfile(tx: Tx, account: Account): Promise<void> {
  const { id, firstName, lastName, language, timezone } = account
  await tx`
    update slotbase.users
    set first_name = ${firstName}, last_name = ${lastName}, language = ${language}, timezone = ${timezone}
    where id = ${id}`
}

/** The account is locked. */
export async function setPassword(tx: Tx, { id }: Account, passwordHash: string): Promise<void> {
  await tx`update slotbase.users set password_hash = ${passwordHash} where id = ${id}`
}

/** The account is locked. The constraint decides who of two takes an address. Throws WrongState `email_taken`. */
export async function setEmail(tx: Tx, { id }: Account, email: string): Promise<void> {
  try {
    await tx`update slotbase.users set email = ${email} where id = ${id}`
  } catch (error) {
    if (violated(error) === "user_email_used_once") throw new WrongState("email_taken", emailTaken)
    throw error
  }
}

/** Where the mail of a walk-in goes. The account is locked. */
export async function setContact(tx: Tx, { id }: Account, contactEmail: string | null): Promise<void> {
  await tx`update slotbase.users set contact_email = ${contactEmail} where id = ${id} and walk_in_at is not null`
}

/** Makes another parent, or nobody, responsible for the child's account. */
export async function handOver(tx: Tx, childId: string, parentId: string | null): Promise<void> {
  await tx`update slotbase.users set managed_by = ${parentId} where id = ${childId}`
}

/** The user row of an API key, so that the key's actions have an actor. */
export async function createKeyUser(tx: Tx, name: string): Promise<string> {
  const id = newId()
  await tx`
    insert into slotbase.users (id, kind, first_name, last_name, registration_source)
    values (${id}, 'api_key', ${name}, 'API key', 'admin')`
  return id
}

/** The constraint that a statement violated. */
const violated = (error: unknown) => (error as { readonly constraint_name?: string }).constraint_name

const emailTaken = "Somebody is registered with this e-mail address."

const scopeIfAny = (tx: Tx, facilityId: string | undefined) =>
  facilityId === undefined ? undefined : scopeToJoin(tx, facilityId)

/** The facility that somebody joins, as the scope of the event. Throws RuleBroken `facility_unknown`. */
export async function scopeToJoin(tx: Tx, facilityId: string): Promise<FacilityScope> {
  const scope = await facilityScope(tx, facilityId.toLowerCase())
  if (scope) return scope
  const fault = { path: "body.facilityId", message: "Expected the id of a facility" }
  throw new RuleBroken("facility_unknown", "There is no such facility to join.", [fault])
}

/**
 * Makes a new person a player of the facility, if there is one. The plan counts a person whom staff made. Anybody may
 * register and name a facility, so a person who joins alone uses up nothing of its plan (see countMember in roles.ts).
 */
async function join(
  tx: Tx,
  userId: string,
  scope: FacilityScope | undefined,
  grantedBy: string,
  how: "joins alone" | "counts",
): Promise<{ facilityId?: string }> {
  if (scope === undefined) return {}
  const { facilityId } = scope
  const counts = how === "counts"
  await keepGrant(tx, { userId, role: "player", scopeType: "facility", scopeId: facilityId, grantedBy, counts })
  if (counts) await useEntitlement(tx, facilityId, "active_users")
  return { facilityId }
}
