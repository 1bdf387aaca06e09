/**
 * Keys of programs. Each key is an actor with a user row, so that its actions name it. Only its hash is kept.
 * A key ends when its owner may no longer make keys in the facility. A key without an owner belongs to the club: a
 * person decided that. The root key is the platform facility's key: the platform administrator's way in.
 */
import * as Schema from "effect/Schema"
import { bestRole, type Caller, isAtLeast, requireAdmin } from "#access/caller.ts"
import type { Config } from "#base/config.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id, Name } from "#base/schema/request-fields.ts"
import { hashToken, newToken } from "#base/secrets.ts"
import { noteChange } from "#events/audit.ts"
import { operatorContext } from "#events/operator.ts"
import { transact } from "#events/outbox.ts"
import {
  changeOwner,
  findKeys,
  holdKey,
  insertKey,
  type KeyRow,
  lockKey,
  mayStillMakeKeys,
  revokeKey,
  writeRootKey,
} from "./api-key-rows.ts"
import { keepGrant } from "./roles.ts"
import { createKeyUser } from "./users.ts"

/** A facility with more working keys than programs has forgotten to revoke some. */
const maxKeysPerFacility = 100

const Owner = Schema.Literals(["me", "club"])

export const ApiKeyInput = Schema.Struct({
  name: Name,
  role: Schema.Literals(["facility_admin", "staff"]),
  owner: Schema.optionalKey(Owner).annotateKey({
    description:
      "me unless given: the key ends when you lose the right to make keys. club: it lasts until it is revoked",
  }),
})

export const KeyTransferInput = Schema.Struct({
  owner: Owner.annotate({ description: "me: you answer for the key from now on. club: it lasts until it is revoked" }),
})

export const ApiKey = Schema.Struct({
  id: Id,
  facilityId: Id,
  /** The user row by which events and bookings name the key. */
  userId: Id,
  name: Schema.String,
  role: Schema.String,
  keyHint: Schema.String,
  createdBy: Id,
  createdAt: Schema.String,
  ownerId: Schema.NullOr(Id).annotate({
    description: "the person with whose right the key ends; null: the club owns it",
  }),
  madeWith: Schema.NullOr(Id).annotate({ description: "the key that made it; it ends with that one too" }),
  revokedAt: Schema.NullOr(Schema.String),
  endedBecause: Schema.NullOr(Schema.Literals(["revoked", "owner_lost_role", "maker_revoked"])),
})
export type ApiKey = typeof ApiKey.Type

/** The answer when a key is made, with the key itself, once. */
export const NewApiKey = Schema.Struct({ ...ApiKey.fields, key: Schema.String })
export type NewApiKey = typeof NewApiKey.Type

/** Throws NotAllowed, NotFound, RuleBroken `too_many_api_keys`. */
export async function createApiKey(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  input: typeof ApiKeyInput.Type,
): Promise<NewApiKey> {
  requireAdmin(caller, facilityId)
  const { name, role, owner = "me" } = input
  if (!isAtLeast(bestRole(caller, facilityId), role)) throw new NotAllowed(`The role ${role} is above your own.`)
  const responsible = await responsibleFor(tx, caller, facilityId, owner)
  // The lock makes two requests count one after the other.
  const [facility] = await tx<{ keys: number }[]>`
    select (select count(*) from slotbase.api_keys k where k.facility_id = f.id and k.revoked_at is null) as keys
    from slotbase.facilities f where f.id = ${facilityId} and f.id <> ${platformFacilityId} for no key update of f`
  if (!facility) throw new NotFound("facility", facilityId)
  if (facility.keys >= maxKeysPerFacility) {
    throw new RuleBroken("too_many_api_keys", `A facility has at most ${maxKeysPerFacility} keys; revoke one first.`)
  }
  const key = newToken("sbk")
  const userId = await createKeyUser(tx, name)
  const scope = { scopeType: "facility", scopeId: facilityId } as const
  await keepGrant(tx, { userId, role, ...scope, grantedBy: caller.userId })
  const made = { id: newId(), facilityId, userId, name, role, hash: hashToken(key), hint: hintOf(key) }
  return { ...keyOf(await insertKey(tx, { ...made, createdBy: caller.userId, ...responsible })), key }
}

/** The oldest first, ended ones too. Throws NotAllowed, NotFound. */
export async function listApiKeys(
  db: Queryable,
  caller: Caller,
  facilityId: string,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<ApiKey>> {
  requireAdmin(caller, facilityId)
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? [platformFacilityId]
  return pageOf(await findKeys(db, facilityId, after, limit + 1), limit, (row) => [row.id], keyOf)
}

/**
 * Makes the caller or the club the owner, so that the key outlives the role of its owner before. For people: a program
 * cannot decide it. Throws NotAllowed, NotFound, WrongState `api_key_ended`.
 */
export async function transferApiKey(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  id: string,
  { owner }: typeof KeyTransferInput.Type,
): Promise<ApiKey> {
  requireAdmin(caller, facilityId)
  if (caller.kind === "api_key") throw new NotAllowed("A person decides who answers for a key.")
  const { ownerId } = await responsibleFor(tx, caller, facilityId, owner)
  const row = await lockKey(tx, facilityId, id)
  if (!row) throw new NotFound("API key", id)
  if (row.revoked_at !== null) throw new WrongState("api_key_ended", "The key has ended; make a new one.")
  const [before, after] = [keyOf(row), keyOf(await changeOwner(tx, row, ownerId))]
  noteChange(tx, { before, after })
  return after
}

/**
 * From the commit on the key is invalid, and so are keys that were made with it. Revoking it again changes nothing.
 * Throws NotAllowed, NotFound.
 */
export async function revokeApiKey(tx: Tx, caller: Caller, facilityId: string, id: string): Promise<void> {
  requireAdmin(caller, facilityId)
  const row = await lockKey(tx, facilityId, id)
  if (!row) throw new NotFound("API key", id)
  noteChange(tx, row.revoked_at === null ? { before: keyOf(row) } : "nothing")
  await revokeKey(tx, row)
}

/**
 * Makes the configured root key the valid one. Without a configured one, makes a key at the first start and returns it,
 * once. Safe when several processes start together: one of them receives the key to print.
 */
export async function ensureRootKey(
  db: Db,
  { rootKey: configured, environment }: Pick<Config, "rootKey" | "environment">,
): Promise<string | undefined> {
  const key = configured ?? newToken("sbk")
  // No part of a key that a person chose is shown: it may be short.
  const hint = configured === undefined ? hintOf(key) : "SLOTBASE_ROOT_KEY"
  const replaces = configured !== undefined
  const context = operatorContext(environment, "slotbase start")
  const { result: wrote } = await transact(db, context, (tx) =>
    writeRootKey(tx, { facilityId: platformFacilityId, hash: hashToken(key), hint, replaces }),
  )
  return wrote && configured === undefined ? key : undefined
}

/**
 * Who answers for a key: the caller, or for a key that another key makes, the owner of that one. The root key makes
 * keys of the club. Throws NotAllowed when the caller has just lost the right.
 */
async function responsibleFor(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  owner: typeof Owner.Type,
): Promise<{ ownerId: string | null; madeWith: string | null }> {
  if (caller.kind === "system") return { ownerId: null, madeWith: null }
  if (caller.kind === "api_key") {
    if (owner === "club") throw new NotAllowed("A person decides that a key belongs to the club.")
    const maker = await holdKey(tx, facilityId, caller.apiKeyId ?? "")
    if (!maker) throw new NotAllowed("The key of this request has just ended.")
    return { ownerId: maker.owner_id, madeWith: maker.id }
  }
  if (!(await mayStillMakeKeys(tx, caller.userId, facilityId))) {
    throw new NotAllowed("This needs the role facility_admin in the facility, or a higher one.")
  }
  return { ownerId: owner === "me" ? caller.userId : null, madeWith: null }
}

const hintLength = 10
const hintOf = (key: string) => key.slice(0, hintLength)

const keyOf = (row: KeyRow): ApiKey => ({
  id: row.id,
  facilityId: row.facility_id,
  userId: row.user_id,
  name: row.name,
  role: row.role,
  keyHint: row.key_hint,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  ownerId: row.owner_id,
  madeWith: row.made_with,
  revokedAt: row.revoked_at?.toISOString() ?? null,
  endedBecause: row.ended_because,
})
