/**
 * What dead processes left behind. A lease lasts as long as its process; when that is no longer believed to live, the
 * attempt's outcome is unknown for ever: it is marked so, counts as an attempt, and the delivery is due again. The third
 * unknown outcome ends it, because something about it may be what kills the processes.
 * Writes, through slotbase.end_attempts (sql/0013-deliveries.sql): delivery_queue, delivery_history, attempt_history,
 * dead_letters.
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { forgetLostBreakers } from "./breaker-rows.ts"
import { maxUnknowns, planForBatches } from "./delivery.ts"

/** Deliveries per statement. */
const batch = 500
const message = "the process died during the attempt; the outcome is unknown"

/** A claim that the server was just about to commit when its process was buried shows at last. */
const lookAgainMs = 30_000

/**
 * Returns how to take over what the dead have left; it answers whether somebody has died since. That walks the whole queue, so it
 * is done until a death has left nothing: one who was stopped in the middle of a transaction holds rows that nobody can take yet.
 */
export function createTakeover(db: Db, self: () => number): () => Promise<boolean> {
  let buried: ReadonlySet<string> | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  return async () => {
    const dead = await deadProcesses(db)
    const someDied = !buried || dead.some((key) => !buried?.has(key))
    if (!someDied && performance.now() - lookedAt < lookAgainMs) return false
    lookedAt = performance.now()
    const reclaimed = await reclaimLost(db, self())
    await forgetLostBreakers(db)
    const holding = await deadHolders(db, self())
    buried = new Set(dead.filter((key) => !holding.some((id) => key.startsWith(`${id}@`))))
    return someDied || reclaimed > 0
  }
}

/**
 * Takes back every lease whose process is not alive; returns how many. A process never takes itself for dead, however late
 * its life sign: what it has under way it will settle, unless somebody else was quicker.
 */
export async function reclaimLost(db: Db, self: number): Promise<number> {
  let reclaimed = 0
  for (;;) {
    const count = await reclaimSome(db, self)
    reclaimed += count
    if (count > 0) reached("taken-over")
    if (count < batch) return reclaimed
  }
}

/** Those that still stand in the table; a process that came back and died again is another one. */
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
        ), lost as materialized (
          select q.* from slotbase.delivery_queue q
          where q.owner <> ${self} and q.owner <> all (coalesce((select ids from alive), '{}'))
          limit ${batch} for update skip locked
        ), results as (
          -- by the address that the webhook has now: the address of the request died with the process
          select l.webhook_id, l.position, l.replay, l.lease, w.url, w.method, w.max_retries,
                 slotbase.derived_id(l.event_id, l.delivery_id::text || (l.attempts + 1)::text) as attempt_id,
                 'unknown' as outcome, l.unknowns + 1 >= ${maxUnknowns} as final, 0 as failed, 1 as lost, 0 as delay_ms,
                 ${message}::text as message, 'unknown_outcome' as code
          from lost l
          cross join lateral (select url, method, max_retries from slotbase.webhooks where id = l.webhook_id offset 0) w
        )
        select (select count(*) from lost) as count,
               (select count(*) from slotbase.end_attempts((select coalesce(json_agg(r), '[]') from results r))) as again`,
    ])
    return done.count
  })
