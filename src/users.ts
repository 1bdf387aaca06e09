/**
 * People, and the user rows of system actors. Registration is open; an e-mail address belongs to one person.
 * Writes: users.
 */
import * as Schema from "effect/Schema"
import type { Queryable, Tx } from "./database/db.ts"
import { RuleBroken, WrongState } from "./errors.ts"
import { isFacility } from "./facilities.ts"
import { Email, Id, Name, normalEmail } from "./fields.ts"
import { newId } from "./ids.ts"
import { record } from "./outbox.ts"
import { Password } from "./passwords.ts"
import { keepGrant } from "./roles.ts"

export const RegistrationInput = Schema.Struct({
  email: Email,
  password: Password,
  firstName: Name,
  lastName: Name,
  registrationSource: Schema.optionalKey(Schema.Literals(["web", "mobile", "admin", "invitation"])),
  facilityId: Schema.optionalKey(Id.annotate({ description: "the person becomes a player of this facility" })),
})

/** A registration whose password is hashed already, which is too slow for a transaction. */
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
  const email = normalEmail(registration.email)
  const facilityId = registration.facilityId?.toLowerCase()
  if (facilityId !== undefined && !(await isFacility(tx, facilityId))) {
    const fault = { path: "body.facilityId", message: "Expected the id of a facility" }
    throw new RuleBroken("facility_unknown", "There is no such facility to join.", [fault])
  }
  const [row] = await tx<{ created_at: Date }[]>`
    insert into slotbase.users (id, email, password_hash, first_name, last_name, registration_source)
    values (${id}, ${email}, ${passwordHash}, ${firstName}, ${lastName}, ${registrationSource})
    on conflict (email) do nothing
    returning created_at`
  if (!row) throw new WrongState("email_taken", "Somebody is registered with this e-mail address.")
  const joined = facilityId === undefined ? {} : { facilityId }
  if (facilityId !== undefined) {
    await keepGrant(tx, { userId: id, role: "player", scopeType: "facility", scopeId: facilityId, grantedBy: id })
  }
  record(tx, {
    type: "user.created",
    ...joined,
    data: { userId: id, email, firstName, lastName, registrationSource, ...joined },
  })
  return { id, email, firstName, lastName, registrationSource, ...joined, createdAt: row.created_at.toISOString() }
}

/** The user row that stands for an API key, so that what it does is done by somebody. */
export async function createKeyUser(tx: Tx, name: string): Promise<string> {
  const id = newId()
  await tx`
    insert into slotbase.users (id, kind, first_name, last_name, registration_source)
    values (${id}, 'api_key', ${name}, 'API key', 'admin')`
  return id
}

/** Whether there is such a person; system actors are none. */
export async function isPerson(db: Queryable, id: string): Promise<boolean> {
  const rows = await db`select 1 from slotbase.users where id = ${id} and kind = 'person'`
  return rows.length > 0
}
