/**
 * Reclaims the deliveries that dead processes left under way. A lease lasts as long as its process. When the process is
 * no longer alive, the outcome of the attempt is unknown for ever. The attempt is marked so and counts, and the
 * delivery is due again. The third unknown outcome makes a dead letter, because the delivery may be the cause of the
 * crashes.
 * Writes: delivery_queue, delivery_history, attempt_history, dead_letters.
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { forgetDeadBreakers } from "./breaker-rows.ts"
import { maxUnknowns, planForBatches } from "./delivery.ts"

/** Deliveries per statement. */
const batch = 500
const message = "the process died during the attempt; the outcome is unknown"

/** A claim may commit while the deliveries of its dead process are being reclaimed. It is found after this time. */
const againMs = 30_000

/**
 * Reclaiming reads the whole queue, so it is repeated only until a death has left nothing. A process that was stopped
 * in the middle of a transaction holds rows that nobody can take yet.
 */
export class Reclaimer {
  readonly #db: Db
  readonly #owner: () => number
  /** Dead processes that have left nothing. */
  #finished: ReadonlySet<string> | undefined
  #reclaimedAt = Number.NEGATIVE_INFINITY

  constructor(db: Db, owner: () => number) {
    this.#db = db
    this.#owner = owner
  }

  /** Answers whether a process has died since the last call, or something was reclaimed. */
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
 * Takes every lease whose process is not alive; returns how many. A process never takes itself for dead, however late
 * its life sign is. It will settle its requests under way, unless another process was quicker.
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

/** The dead processes that stand in the table. A process that came back and died again is another one. */
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
        with t as materialized (select slotbase.now() as now), alive as materialized (
          select array_agg(id) as ids from slotbase.processes where alive_until > clock_timestamp()
        ), lost as materialized (
          select q.*, q.ctid as at from slotbase.delivery_queue q
          where q.owner <> ${self} and q.owner <> all (coalesce((select ids from alive), '{}'))
          limit ${batch} for update skip locked
        ), judged as (
          select l.*, l.unknowns + 1 >= ${maxUnknowns} as final, t.now, w.url, w.method,
                 coalesce(l.errors, '[]') || jsonb_strip_nulls(jsonb_build_object('eventId', l.event_id,
                   'eventType', (select p.type from slotbase.event_positions p where p.position = l.position),
                   'handlerName', 'WebhookHandler',
                   'error', jsonb_build_object('message', ${message}::text, 'code', 'unknown_outcome'),
                   'attemptCount', l.attempts + 1, 'maxRetries', w.max_retries,
                   'nextRetryAt', case when l.unknowns + 1 < ${maxUnknowns} then slotbase.utc(t.now) end,
                   'status', case when l.unknowns + 1 < ${maxUnknowns} then 'retrying' else 'dead_letter' end)) as all_errors
          from lost l
          cross join lateral (select url, method, max_retries from slotbase.webhooks where id = l.webhook_id offset 0) w
          cross join t
        ), ended as (
          -- By the present address of the webhook: its address at the time of the request was lost with the process.
          insert into slotbase.attempt_history (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at,
            outcome, error_message)
          select event_id, delivery_id, attempts + 1, slotbase.derived_id(event_id, delivery_id::text || (attempts + 1)::text),
                 facility_id, webhook_id, url, method, started_at, 'unknown', ${message}
          from judged
        ), due_again as (
          update slotbase.delivery_queue q
          set lease = null, owner = null, started_at = null, attempts = q.attempts + 1, unknowns = q.unknowns + 1, ready_at = j.now, errors = j.all_errors
          from judged j where q.ctid = j.at and not j.final
        ), gone as (
          delete from slotbase.delivery_queue q using judged j where q.ctid = j.at and j.final
        ), history as (
          insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence,
            status, attempts, settled_at, error_message, errors)
          select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'failed', attempts + 1, now,
                 ${message}, all_errors
          from judged where final
        ), dead as (
          insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors,
            created_at, last_attempt_at)
          select slotbase.derived_id(j.delivery_id, 'dead_letter'), j.facility_id, j.event_id, j.position, j.webhook_id,
                 j.delivery_id,
                 coalesce((select slotbase.event_body(e)::jsonb from slotbase.events e
                           where e.id = j.event_id and e.facility_id = j.facility_id), '{}'),
                 j.all_errors, j.now, j.now
          from judged j where j.final
          on conflict (id, facility_id) do update
          set errors = excluded.errors, last_attempt_at = excluded.last_attempt_at,
              resolved_at = null, resolved_by = null, resolution = null
        )
        select count(*) from lost`,
    ])
    return done.count
  })
