/**
 * Reclaims the deliveries that expired processes left under way. A lease lasts as long as its process. When the process
 * is no longer alive, the outcome of the attempt stays unknown. The attempt is marked as unknown and counts, and the
 * delivery is due again. The third unknown outcome makes a dead letter, because the delivery may be the cause of the
 * crashes.
 * Writes, through slotbase.end_attempts (sql/0039-delivery-in-time.sql): delivery_queue, delivery_history,
 * attempt_history, dead_letters.
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { forgetDeadBreakers } from "./breaker-rows.ts"
import { maxUnknowns, planForBatches } from "./delivery.ts"

/** Deliveries per statement. */
const batch = 500
const message = "the process died during the attempt; the outcome is unknown"

/** A claim may commit while the deliveries of its expired process are being reclaimed. It is found after this time. */
const againMs = 30_000

/**
 * Reclaiming reads the whole queue, so it is repeated only until an expired process has left nothing. A process that
 * was stopped during a transaction holds rows that nobody can take yet.
 */
export class Reclaimer {
  readonly #db: Db
  readonly #owner: () => number
  /** Expired processes that have left nothing. */
  #finished: ReadonlySet<string> | undefined
  #reclaimedAt = Number.NEGATIVE_INFINITY

  constructor(db: Db, owner: () => number) {
    this.#db = db
    this.#owner = owner
  }

  /** Answers whether a process has expired since the last call, or something was reclaimed. */
  async reclaim(): Promise<boolean> {
    const dead = await deadProcesses(this.#db)
    const someDied = !this.#finished || dead.some((key) => !this.#finished?.has(key))
    if (!someDied && performance.now() - this.#reclaimedAt < againMs) return false
    this.#reclaimedAt = performance.now()
    const reclaimed = await reclaimAbandoned(this.#db, this.#owner())
    await forgetDeadBreakers(this.#db)
    const holding = await deadHolders(this.#db, this.#owner())
    this.#finished = new Set(dead.filter((key) => !holding.some((id) => key.startsWith(`${id}@`))))
    return someDied || reclaimed > 0
  }
}

/**
 * Takes every lease whose process is not alive; returns how many. A process never counts itself as expired, however
 * late its life sign is. It will settle its requests under way, unless another process was quicker.
 */
export async function reclaimAbandoned(db: Db, self: number): Promise<number> {
  let reclaimed = 0
  for (;;) {
    const count = await reclaimSome(db, self)
    reclaimed += count
    if (count > 0) reached("abandoned-deliveries-reclaimed")
    if (count < batch) return reclaimed
  }
}

/** The expired processes in the table. A process that came back and expired again counts as another one. */
async function deadProcesses(db: Db): Promise<readonly string[]> {
  const rows = await db<{ key: string }[]>`
    select id || '@' || alive_until as key from slotbase.processes where alive_until <= clock_timestamp()`
  return rows.map((row) => row.key)
}

async function deadHolders(db: Db, self: number): Promise<readonly number[]> {
  const rows = await db<{ owner: number }[]>`
    select distinct owner from slotbase.delivery_queue
    where owner <> ${self}
      and owner <> all (array(select id from slotbase.processes where alive_until > clock_timestamp()))`
  return rows.map((row) => row.owner)
}

const reclaimSome = (db: Db, self: number): Promise<number> =>
  db.begin(async (tx) => {
    const [, [done]] = await Promise.all([
      planForBatches(tx),
      tx<[{ count: number }]>`
        with alive as materialized (
          select array_agg(id) as ids from slotbase.processes where alive_until > clock_timestamp()
        ), abandoned as materialized (
          select q.* from slotbase.delivery_queue q
          where q.owner <> ${self} and q.owner <> all (coalesce((select ids from alive), '{}'))
          limit ${batch} for update skip locked
        ), results as (
          -- By the address of the version that the request used. The present one stands for a version that is no longer
          -- kept.
          select a.webhook_id, a.position, a.replay, a.lease, a.aggregate_id, a.claimed_version as version, w.max_retries,
                 coalesce(c.configuration ->> 'url', w.url) as url, coalesce(c.configuration ->> 'method', w.method) as method,
                 slotbase.derived_id(a.event_id, a.delivery_id::text || (a.attempts + 1)::text) as attempt_id,
                 'unknown' as outcome, a.unknowns + 1 >= ${maxUnknowns} as final, 0 as failed, 1 as abandoned,
                 0 as delay_ms, ${message}::text as message, 'unknown_outcome' as code
          from abandoned a
          cross join lateral (select url, method, max_retries from slotbase.webhooks where id = a.webhook_id offset 0) w
          left join lateral (select configuration from slotbase.webhook_changes
                             where webhook_id = a.webhook_id and facility_id = a.facility_id and version = a.claimed_version
                             offset 0) c on true
        )
        select (select count(*) from abandoned) as count,
               (select count(*) from slotbase.end_attempts((select coalesce(json_agg(r), '[]') from results r))) as again`,
    ])
    return done.count
  })
