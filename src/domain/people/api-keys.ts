/**
 * Keys of programs. Each key is an actor with a user row, so that its actions name it. Only its hash is kept.
 * The root key is the platform facility's key: the platform administrator's way in.
 * Writes: api_keys.
 */
import * as Schema from "effect/Schema"
import { bestRole, type Caller, isAtLeast, requireAdmin } from "#access/caller.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, RuleBroken } from "#base/errors.ts"
import { newId, platformFacilityId, rootUserId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id, Name } from "#base/schema/request-fields.ts"
import { hashToken, newToken } from "#base/secrets.ts"
import { keepGrant } from "./roles.ts"
import { createKeyUser } from "./users.ts"

/** A facility with more working keys than programs has forgotten to revoke some. */
const maxKeysPerFacility = 100

export const ApiKeyInput = Schema.Struct({ name: Name, role: Schema.Literals(["facility_admin", "staff"]) })

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
  revokedAt: Schema.NullOr(Schema.String),
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
  const { name, role } = input
  if (!isAtLeast(bestRole(caller, facilityId), role)) throw new NotAllowed(`The role ${role} is above your own.`)
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
  const [row] = await tx<KeyRow[]>`
    insert into slotbase.api_keys (id, facility_id, user_id, name, role, key_hash, key_hint, created_by)
    values (${newId()}, ${facilityId}, ${userId}, ${name}, ${role}, ${hashToken(key)}, ${hintOf(key)}, ${caller.userId})
    returning *`
  if (!row) throw new Error("createApiKey: the insert answered no row")
  return { ...keyOf(row), key }
}

/** The oldest first, revoked ones too. Throws NotAllowed, NotFound. */
export async function listApiKeys(
  db: Queryable,
  caller: Caller,
  facilityId: string,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<ApiKey>> {
  requireAdmin(caller, facilityId)
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? [platformFacilityId]
  const rows = await db<KeyRow[]>`
    select * from slotbase.api_keys where facility_id = ${facilityId} and id > ${after} order by id limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], keyOf)
}

/** From the commit on the key is invalid. Revoking it again changes nothing. Throws NotAllowed, NotFound. */
export async function revokeApiKey(tx: Tx, caller: Caller, facilityId: string, id: string): Promise<void> {
  requireAdmin(caller, facilityId)
  const { count } = await tx`
    update slotbase.api_keys set revoked_at = coalesce(revoked_at, slotbase.now())
    where id = ${id} and facility_id = ${facilityId} and user_id <> ${rootUserId}`
  if (count === 0) throw new NotFound("API key", id)
}

/**
 * Makes the configured root key the valid one. Without a configured one, makes a key at the first start and returns it,
 * once. Safe when several processes start together: one of them receives the key to print.
 */
export async function ensureRootKey(db: Db, configured: string | undefined): Promise<string | undefined> {
  const key = configured ?? newToken("sbk")
  // No part of a key that a person chose is shown: it may be short.
  const hint = configured === undefined ? hintOf(key) : "SLOTBASE_ROOT_KEY"
  const rows = await db`
    insert into slotbase.api_keys as k (id, facility_id, user_id, name, role, key_hash, key_hint, created_by)
    values (${rootUserId}, ${platformFacilityId}, ${rootUserId}, 'Root key', 'platform_admin', ${hashToken(key)}, ${hint}, ${rootUserId})
    on conflict (id, facility_id) do update set key_hash = excluded.key_hash, key_hint = excluded.key_hint
    where ${configured !== undefined} and k.key_hash <> excluded.key_hash
    returning 1`
  return configured === undefined && rows.length > 0 ? key : undefined
}

const hintLength = 10
const hintOf = (key: string) => key.slice(0, hintLength)

interface KeyRow {
  id: string
  facility_id: string
  user_id: string
  name: string
  role: string
  key_hint: string
  created_by: string
  created_at: Date
  revoked_at: Date | null
}

const keyOf = (row: KeyRow): ApiKey => ({
  id: row.id,
  facilityId: row.facility_id,
  userId: row.user_id,
  name: row.name,
  role: row.role,
  keyHint: row.key_hint,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  revokedAt: row.revoked_at?.toISOString() ?? null,
})
