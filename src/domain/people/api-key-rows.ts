/**
 * The rows of API keys. A key ends with the right of the person who answers for it, and with the key that made it.
 * Keys that end so are ended in the transaction that takes the right, and the audit trail names each of them.
 * The view working_keys refuses them at once in any case, whatever took the right.
 * Writes: api_keys.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { rootUserId } from "#base/ids.ts"
import { audit } from "#events/audit.ts"

export interface KeyRow {
  readonly id: string
  readonly facility_id: string
  readonly user_id: string
  readonly name: string
  readonly role: string
  readonly key_hint: string
  readonly created_by: string
  readonly created_at: Date
  readonly owner_id: string | null
  readonly made_with: string | null
  readonly revoked_at: Date | null
  readonly ended_because: "revoked" | "owner_lost_role" | "maker_revoked" | null
}

export interface NewKey {
  readonly id: string
  readonly facilityId: string
  readonly userId: string
  readonly name: string
  readonly role: string
  readonly hash: Buffer
  readonly hint: string
  readonly createdBy: string
  readonly ownerId: string | null
  readonly madeWith: string | null
}

export async function insertKey(tx: Tx, key: NewKey): Promise<KeyRow> {
  const [row] = await tx<KeyRow[]>`
    insert into slotbase.api_keys (id, facility_id, user_id, name, role, key_hash, key_hint, created_by, owner_id, made_with)
    values (${key.id}, ${key.facilityId}, ${key.userId}, ${key.name}, ${key.role}, ${key.hash}, ${key.hint},
            ${key.createdBy}, ${key.ownerId}, ${key.madeWith})
    returning *`
  if (!row) throw new Error("insertKey: the insert answered no row")
  return row
}

/** The key, locked. The root key is none that anybody can change. */
export async function lockKey(tx: Tx, facilityId: string, id: string): Promise<KeyRow | undefined> {
  const [row] = await tx<KeyRow[]>`
    select * from slotbase.api_keys
    where id = ${id} and facility_id = ${facilityId} and user_id <> ${rootUserId} for update`
  return row
}

/** A person took the key over, or gave it to the club. It no longer ends with the key that made it. */
export async function changeOwner(tx: Tx, { id, facility_id }: KeyRow, ownerId: string | null): Promise<KeyRow> {
  const [row] = await tx<[KeyRow]>`
    update slotbase.api_keys set owner_id = ${ownerId}, made_with = null
    where id = ${id} and facility_id = ${facility_id} returning *`
  return row
}

/** Revokes a key, and the keys that were made with it and that nobody took over. */
export async function revokeKey(tx: Tx, { id, facility_id }: KeyRow): Promise<void> {
  const ended = await tx<KeyRow[]>`
    with recursive gone (id) as (
      select ${id}::uuid
      union
      select k.id from slotbase.api_keys k join gone g on k.made_with = g.id
      where k.facility_id = ${facility_id} and k.revoked_at is null
    )
    update slotbase.api_keys k
    set revoked_at = slotbase.now(), ended_because = case when k.id = ${id} then 'revoked' else 'maker_revoked' end
    from gone g
    where k.id = g.id and k.facility_id = ${facility_id} and k.revoked_at is null
    returning k.*`
  recordEnds(
    tx,
    ended.filter((key) => key.id !== id),
  )
}

/** Ends the keys of a person who may no longer make keys in their facility. Call it after the role is gone. */
export const endKeysOf = (tx: Tx, ownerId: string) => endKeys(tx, tx`k.owner_id = ${ownerId}`)

/** The same for all keys of a facility. Call it after the facility has left its organization. */
export const endKeysIn = (tx: Tx, facilityId: string) => endKeys(tx, tx`k.facility_id = ${facilityId}`)

async function endKeys(tx: Tx, which: ReturnType<Queryable>): Promise<void> {
  const ended = await tx<KeyRow[]>`
    update slotbase.api_keys k set revoked_at = slotbase.now(), ended_because = 'owner_lost_role'
    where ${which} and k.owner_id is not null and k.revoked_at is null
      and not exists (select from slotbase.working_keys w where w.id = k.id and w.facility_id = k.facility_id)
    returning k.*`
  recordEnds(tx, ended)
}

/**
 * Whether the person may make keys in the facility, by the roles of this moment. The roles stay until the end of the
 * transaction. Otherwise a key could be made while its maker loses the role, and stay.
 */
export async function mayStillMakeKeys(tx: Tx, userId: string, facilityId: string): Promise<boolean> {
  const rows = await tx`
    select from slotbase.role_grants g
    where g.user_id = ${userId}
      and (g.role = 'platform_admin' and g.scope_type = 'platform'
           or g.role in ('facility_owner', 'facility_admin')
              and (g.scope_type = 'facility' and g.scope_id = ${facilityId}
                   or g.scope_type = 'organization'
                      and g.scope_id = (select f.organization_id from slotbase.facilities f where f.id = ${facilityId})))
    for share`
  return rows.count > 0
}

/** The key with which a request is made, locked against its revocation; undefined when it works no more. */
export async function holdKey(tx: Tx, facilityId: string, id: string): Promise<KeyRow | undefined> {
  const [row] = await tx<KeyRow[]>`
    select * from slotbase.api_keys where id = ${id} and facility_id = ${facilityId} and revoked_at is null for share`
  return row
}

/**
 * Writes the root key, or replaces it by the configured one. Answers whether it wrote. The audit trail names the start
 * that did so.
 */
export async function writeRootKey(
  tx: Tx,
  key: { readonly facilityId: string; readonly hash: Buffer; readonly hint: string; readonly replaces: boolean },
): Promise<boolean> {
  const { facilityId, hash, hint, replaces } = key
  const [written] = await tx<{ is_new: boolean }[]>`
    insert into slotbase.api_keys as k (id, facility_id, user_id, name, role, key_hash, key_hint, created_by)
    values (${rootUserId}, ${facilityId}, ${rootUserId}, 'Root key', 'platform_admin', ${hash}, ${hint}, ${rootUserId})
    on conflict (id, facility_id) do update set key_hash = excluded.key_hash, key_hint = excluded.key_hint
    where ${replaces} and k.key_hash <> excluded.key_hash
    returning k.xmax = 0 as is_new`
  if (!written) return false
  const action = written.is_new ? "root_key.created" : "root_key.replaced"
  audit(tx, { action, subjectId: rootUserId, after: { keyHint: hint } })
  return true
}

/** The oldest first, ended ones too. */
export const findKeys = (db: Queryable, facilityId: string, after: string, limit: number) => db<KeyRow[]>`
  select * from slotbase.api_keys where facility_id = ${facilityId} and id > ${after} order by id limit ${limit}`

function recordEnds(tx: Tx, ended: readonly KeyRow[]): void {
  for (const { id, facility_id: facilityId, name, role, owner_id, ended_because } of ended)
    audit(tx, {
      action: "api_key.ended",
      facilityId,
      subjectId: id,
      after: { name, role, ownerId: owner_id, endedBecause: ended_because },
    })
}
