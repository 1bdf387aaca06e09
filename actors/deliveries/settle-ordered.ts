/**
 * What a successful delivery sets free. When its webhook is ordered, that is the next delivery of its aggregate. When
 * it had waited for the job webhook-retry, more of those that wait are made due.
 * Functions of sql/0039-delivery-in-time.sql write the tables.
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { AttemptResult } from "./delivery.ts"
import type { DueRetry } from "./settle-failed-rows.ts"

/** Each delivery that succeeds after a wait for the job lets so many others follow. */
const followers = 2

/**
 * Settles deliveries, and lets the next ones of their aggregates go in the same transaction. The rows of webhook_pace
 * are locked first: nobody arranges deliveries of the webhook meanwhile. The next ones are looked for in a statement of
 * its own, which no longer sees the settled ones.
 */
export async function settleInOrder(
  db: Db,
  results: readonly AttemptResult[],
  settle: (db: Db | Tx) => Promise<unknown>,
): Promise<readonly DueRetry[]> {
  const ordered = results.filter(({ delivery }) => delivery.aggregate_id !== null)
  if (ordered.length === 0) {
    await settle(db)
    return []
  }
  const keys = ordered.map(({ delivery: { webhook_id, aggregate_id } }) => ({ webhook_id, aggregate_id }))
  return db.begin(async (tx) => {
    await tx`
      select from slotbase.webhook_pace where webhook_id = any (${keys.map((key) => key.webhook_id)}::uuid[])
      order by webhook_id for update`
    await settle(tx)
    reached("ordered-settled")
    return tx<DueRetry[]>`
      select n.webhook_id, slotbase.now() as ready_at
      from (select distinct webhook_id, aggregate_id from json_to_recordset(${JSON.stringify(keys)}::text::json)
              as r (webhook_id uuid, aggregate_id text)
            order by 1, 2) r
      cross join lateral slotbase.let_next_go(r.webhook_id, r.aggregate_id) n (webhook_id)
      where n.webhook_id is not null`
  })
}

/** The receiver is back: makes more deliveries due that wait for the job. Without this call the job does it. */
export async function releaseFollowers(db: Db, results: readonly AttemptResult[]): Promise<readonly DueRetry[]> {
  const waited = results.filter(({ delivery }) => delivery.failures > delivery.webhook.max_retries)
  if (waited.length === 0) return []
  const byWebhook = Map.groupBy(waited, ({ delivery }) => delivery.webhook_id)
  const counts = [...byWebhook].map(([id, of]) => ({ id, most: followers * of.length }))
  reached("followers-next")
  return db<DueRetry[]>`
    select r.id as webhook_id, slotbase.now() as ready_at
    from (select * from json_to_recordset(${JSON.stringify(counts)}::text::json) as r (id uuid, most integer) order by id) r
    cross join lateral slotbase.release_deliveries(r.id, r.most) n (freed)
    where n.freed > 0`
}
