/**
 * Answers already given to an Idempotency-Key, so that a repeated request takes effect once. A key belongs to its
 * caller, method and path. The command's transaction claims the key and keeps the answer. So there is no answer
 * without its change, and no change without its answer.
 * Writes: idempotency_keys.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, StillInFlight } from "#base/errors.ts"
import type { SecretBox } from "#base/secrets.ts"

export interface IdempotencyScope {
  readonly callerId: string
  readonly method: string
  readonly path: string
  readonly key: string
}

/** How long an answer is kept, hours. */
const keptHours = 24

/**
 * The kept answer to the key, or undefined when this transaction is the first to use the key and now holds it.
 * Throws StillInFlight while another transaction holds it, RuleBroken when it was used with another request.
 */
export async function claimKey(
  tx: Tx,
  box: SecretBox,
  scope: IdempotencyScope,
  hash: Buffer,
): Promise<string | undefined> {
  // Two statements, sent in one round trip: the second must see what was committed before the lock was free.
  // The lock is tried, never waited for: a waiting request would hold a connection.
  // Without execute() a query is sent only when it is awaited. The second would overtake the lock, and two requests
  // could both be the first.
  const locking = tx<{ claimed: boolean }[]>`
    select pg_try_advisory_xact_lock(hashtextextended(${`idempotency ${placeOf(scope)}`}, 0)) as claimed`.execute()
  const [[lock], kept] = await Promise.all([locking, findAnswer(tx, box, scope, hash)])
  if (!lock?.claimed) throw new StillInFlight("Another request with this Idempotency-Key is still under way.")
  return kept
}

/** The kept answer to the key, if any. Throws RuleBroken when the key was used with another request. */
export async function findAnswer(
  db: Queryable,
  box: SecretBox,
  scope: IdempotencyScope,
  hash: Buffer,
): Promise<string | undefined> {
  const [row] = await db<{ request_hash: Buffer; answer: Buffer }[]>`
    select request_hash, answer from slotbase.idempotency_keys
    where caller_id = ${scope.callerId} and method = ${scope.method} and path = ${scope.path} and key = ${scope.key}
      and created_at > (select slotbase.now()) - make_interval(hours => ${keptHours})`
  if (!row) return undefined
  if (!hash.equals(row.request_hash)) {
    throw new RuleBroken(
      "idempotency_key_reused",
      "This Idempotency-Key was used with another request; take a new one.",
    )
  }
  return box.open(row.answer, placeOf(scope))
}

/** Keeps the answer of the transaction that has claimed the key. A row that still exists is an expired one. */
export async function keepAnswer(
  tx: Tx,
  box: SecretBox,
  scope: IdempotencyScope,
  hash: Buffer,
  status: number,
  answer: string,
): Promise<void> {
  await tx`
    insert into slotbase.idempotency_keys (caller_id, method, path, key, request_hash, status, answer)
    values (${scope.callerId}, ${scope.method}, ${scope.path}, ${scope.key}, ${hash}, ${status},
            ${box.seal(answer, placeOf(scope))})
    on conflict (caller_id, method, path, key) do update
    set request_hash = excluded.request_hash, status = excluded.status, answer = excluded.answer,
        created_at = excluded.created_at`
}

/** Deletes at most `limit` expired answers; answers how many rows it deleted. */
export async function forgetOldAnswers(db: Db, limit = 1_000): Promise<number> {
  const { count } = await db`
    delete from slotbase.idempotency_keys
    where ctid = any (array(
      select ctid from slotbase.idempotency_keys
      where created_at <= (select slotbase.now()) - make_interval(hours => ${keptHours})
      order by created_at limit ${limit}))`
  return count
}

/** JSON, so that no two scopes can look the same. It also binds the sealed answer to its row. */
const placeOf = ({ callerId, method, path, key }: IdempotencyScope) =>
  JSON.stringify(["idempotency", callerId, method, path, key])
