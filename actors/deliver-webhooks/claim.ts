/**
 * Claims deliveries, and gives them back. A claim is one statement that commits before any request leaves: it takes the
 * lease of each delivery, with a fencing token of its own, and writes the attempt down as started. So whatever happens
 * then, the attempt can be seen, and its outcome is known or says that it is not.
 * Writes: delivery_queue (lease), webhook_attempts (started).
 */
import type { Db } from "../../src/database/db.ts"
import { type Delivery, planForBatches } from "./delivery.ts"

/** A webhook that may have something to send, and how much of it may be claimed now. */
export interface Want {
  readonly webhookId: string
  /** Every fresh delivery up to this position has been claimed already: the scan starts above it. */
  readonly after: number
  /** Claimed by this process and not yet settled. */
  readonly busy: number
  /** At most so many times the webhook's own max_concurrency, … */
  readonly ahead: number
  /** … and at most so many. */
  readonly cap: number
}

/** @param total at most so many deliveries of all webhooks together. */
export async function claimDeliveries(
  db: Db,
  { owner, wants, total }: { readonly owner: number; readonly wants: readonly Want[]; readonly total: number },
): Promise<readonly Delivery[]> {
  return db.begin(async (tx) => {
    const [, rows] = await Promise.all([
      planForBatches(tx),
      // Per webhook: what is due first, then what is fresh, each by its own index and from its floor. "skip locked" lets
      // claimers pass each other; "lease is null" is asked again of a row that somebody else has just claimed. A process
      // that is no longer believed to live claims nothing. The update goes by ctid, and
      // "offset 0" keeps the webhooks a look-up: without statistics both became scans per row.
      tx<Delivery[]>`
        with t as materialized (select slotbase.now() as now), wanted as (
          select * from jsonb_to_recordset(${tx.json(wants as never)})
            as w ("webhookId" uuid, after bigint, busy integer, ahead integer, cap integer)
        ), picked as materialized (
          select q.at
          from wanted d
          cross join lateral (
            select id, greatest(0, least(max_concurrency * d.ahead, d.cap) - d.busy) as slots from slotbase.webhooks
            where id = d."webhookId" and is_active and deleted_at is null
            offset 0
          ) w
          cross join lateral (
            select at from (
              select * from (
                select ctid as at from slotbase.delivery_queue
                where webhook_id = w.id and ready_at <= (select now from t) and lease is null
                order by ready_at limit w.slots for update skip locked) due
              union all
              select * from (
                select ctid as at from slotbase.delivery_queue
                where webhook_id = w.id and position > d.after and ready_at is null and lease is null
                order by position limit w.slots for update skip locked) fresh
            ) both_kinds limit w.slots
          ) q
          where exists (select from slotbase.processes where id = ${owner} and alive_until > clock_timestamp())
          limit ${total}
        ), claimed as (
          update slotbase.delivery_queue
          set lease = nextval('slotbase.lease_seq'), owner = ${owner}
          where ctid = any (array(select at from picked))
          returning *, slotbase.derived_id(event_id, delivery_id::text || (attempts + 1)::text) as attempt_id
        ), started as (
          insert into slotbase.webhook_attempts (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at)
          select c.event_id, c.delivery_id, c.attempts + 1, c.attempt_id, c.facility_id, c.webhook_id, w.url, w.method, t.now
          from claimed c
          join slotbase.webhooks w on w.id = c.webhook_id and w.facility_id = c.facility_id
          cross join t
        )
        select c.webhook_id, c.position, c.replay, c.facility_id, c.event_id, c.delivery_id, c.sequence, c.attempts,
               c.failures, c.unknowns, c.lease, c.attempt_id, c.ready_at is null as fresh,
               (select type from slotbase.event_positions p where p.position = c.position) as event_type,
               (select slotbase.event_body(e) from slotbase.events e
                where e.id = c.event_id and e.facility_id = c.facility_id) as body,
               w.url, w.method, w.auth_type, w.auth_config, w.updated_at as webhook_updated_at,
               w.max_retries, w.retry_delay_ms, w.backoff_multiplier, w.max_concurrency
        from claimed c
        join slotbase.webhooks w on w.id = c.webhook_id and w.facility_id = c.facility_id
        order by c.webhook_id, c.position`,
    ])
    return rows
  })
}

/**
 * Gives back what was claimed and not sent: no attempt is counted, and the started one was none. They are due at once,
 * because they stand below the floors of other claimers.
 */
export async function giveBack(db: Db, deliveries: readonly Delivery[]): Promise<void> {
  if (deliveries.length === 0) return
  const keys = deliveries.map(({ webhook_id, position, replay, lease }) => ({ webhook_id, position, replay, lease }))
  await db.begin((tx) =>
    Promise.all([
      planForBatches(tx),
      tx`
        with returned as (
          update slotbase.delivery_queue q
          set lease = null, owner = null, ready_at = coalesce(q.ready_at, slotbase.now())
          from jsonb_to_recordset(${tx.json(keys)}) as k (webhook_id uuid, position bigint, replay smallint, lease bigint)
          where q.webhook_id = k.webhook_id and q.position = k.position and q.replay = k.replay and q.lease = k.lease
          returning q.event_id, q.delivery_id, q.attempts
        )
        delete from slotbase.webhook_attempts a using returned r
        where a.event_id = r.event_id and a.delivery_id = r.delivery_id and a.attempt = r.attempts + 1
          and a.outcome = 'started'`,
    ]),
  )
}

/**
 * Gives back what this process holds without knowing it: a claim that was committed and whose answer was lost. Nothing of it
 * was sent. Walks the whole queue, so only after a claim has failed.
 * @param held the leases that the process knows.
 */
export async function giveBackUnknown(db: Db, owner: number, held: readonly number[]): Promise<number> {
  const { count } = await db`
    with returned as (
      update slotbase.delivery_queue q
      set lease = null, owner = null, ready_at = coalesce(q.ready_at, slotbase.now())
      where q.owner = ${owner} and q.lease <> all (${held as number[]}::bigint[])
      returning q.event_id, q.delivery_id, q.attempts
    ), unsent as (
      delete from slotbase.webhook_attempts a using returned r
      where a.event_id = r.event_id and a.delivery_id = r.delivery_id and a.attempt = r.attempts + 1
        and a.outcome = 'started'
    )
    select from returned`
  return count
}
