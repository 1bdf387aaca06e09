/**
 * Claims deliveries and returns them. A claim is one statement that commits before any request leaves. It takes the
 * lease of each delivery, with a fencing token of its own, and records when. That is the attempt, as started
 * (webhook_attempts). So every attempt can be seen, and its outcome is either known or marked as unknown.
 * Writes: delivery_queue (lease).
 */

import { readEvents } from "#actors/runtime/event-memory.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { zapierBody } from "#outbound/hooks/zapier-payload.ts"
import type { ClaimedDelivery, ClaimedRow, TargetWebhook } from "./delivery.ts"

/** A webhook that may have something to send, and how much may be claimed for it now. */
export interface Want {
  readonly webhookId: string
  /** Every fresh delivery up to this position has been claimed already: the claim starts above it. */
  readonly after: number
  /** Claimed by this process and not yet settled. */
  readonly busy: number
  /** At most so many times the webhook's own max_concurrency, … */
  readonly ahead: number
  /** … and at most so many. */
  readonly cap: number
}

/**
 * How long other quarantined deliveries wait for the outcome of one, at most; milliseconds. A delivery that crashes its
 * process mostly does so at once, and a receiver that hangs must not block the others.
 */
const quarantineMs = 500

/** @param total at most so many deliveries of all webhooks together. */
export async function claimDeliveries(
  db: Db,
  request: { readonly process: ActorProcess; readonly wants: readonly Want[]; readonly total: number },
): Promise<readonly ClaimedDelivery[]> {
  const { quarantine } = request.process
  const endQuarantine = quarantine.beginDelivery()
  const mayQuarantine = endQuarantine !== undefined && !quarantine.hasRun
  let claimed: readonly ClaimedRow[] = []
  try {
    claimed = await claimRows(db, { ...request, owner: request.process.owner(), mayQuarantine })
  } finally {
    if (!claimed.some((row) => row.quarantined)) endQuarantine?.()
    else if (endQuarantine) setTimeout(endQuarantine, quarantineMs).unref()
  }
  if (claimed.length === 0) return []
  // Read in separate statements: a statement that locks must not prune partitions.
  const [targets, events] = await Promise.all([
    readTargets(db, claimed),
    readEvents(
      db,
      claimed.map((row) => row.event_id),
    ),
  ])
  return claimed.map((row) => {
    const webhook = targets.get(row.webhook_id)
    if (!webhook) throw new Error(`the row of webhook ${row.webhook_id} is gone`)
    const end = row.quarantined && endQuarantine && { endQuarantine }
    return { ...row, webhook, event: formatted(events.get(row.event_id), webhook), ...end }
  })
}

interface ClaimRequest {
  readonly owner: number
  readonly wants: readonly Want[]
  readonly total: number
  readonly mayQuarantine: boolean
}

// The plan is kept, and may have been made while the queue was empty or full. So there is only one way to each table:
// "offset 0" keeps a look-up a look-up, and the update goes by ctid. "skip locked" lets claimers pass each other.
const claimRows = (db: Db, { owner, wants, total, mayQuarantine }: ClaimRequest) => db<ClaimedRow[]>`
  with t as materialized (
    select slotbase.now() as now
  ), wanted as (
    select * from json_to_recordset(${JSON.stringify(wants)}::text::json)
      as w ("webhookId" uuid, after bigint, busy integer, ahead integer, cap integer)
  ), open_to as materialized (
    -- The webhooks that are switched on, with their free places. A process that no longer counts as alive claims
    -- nothing.
    select w.id, w.slots, d.after, d.busy
    from wanted d
    cross join lateral (
      select id, greatest(0, least(max_concurrency * d.ahead, d.cap) - d.busy) as slots from slotbase.webhooks
      where id = d."webhookId" and is_active and deleted_at is null
      offset 0
    ) w
    where exists (select from slotbase.processes where id = ${owner} and alive_until > clock_timestamp())
  ), suspects as materialized (
    -- Deliveries that were abandoned twice; their index holds nothing else.
    select ctid as at, webhook_id, ready_at, lease from slotbase.delivery_queue where unknowns > 1
  ), quarantined as materialized (
    -- The claim takes one suspect and nothing else. If the suspect crashes the process, no neighbour is claimed yet.
    -- A process sends at most one quarantined delivery at a time. A webhook without requests under way comes first,
    -- because the outcome at a webhook that hangs would be late.
    select q.at
    from (
      select s.at from suspects s join open_to w on w.id = s.webhook_id
      where w.slots > 0 and s.lease is null
        and s.ready_at <= (select now from t) and ${mayQuarantine}::boolean
      order by w.busy, s.ready_at offset 0
    ) s
    -- "lease is null" is checked again on a row that another process has just claimed.
    cross join lateral (
      select ctid as at from slotbase.delivery_queue where ctid = s.at and lease is null and unknowns > 1
      offset 0 for update skip locked
    ) q
    limit 1
  ), picked as materialized (
    -- Without a suspect, per webhook: due deliveries first, then fresh ones above its position, each by its own index.
    select q.at
    from open_to w
    cross join lateral (
      select at from (
        select * from (
          select ctid as at from slotbase.delivery_queue
          where webhook_id = w.id and ready_at <= (select now from t) and lease is null and unknowns < 2
          order by ready_at limit w.slots for update skip locked) due
        union all
        select * from (
          select ctid as at from slotbase.delivery_queue
          where webhook_id = w.id and position > w.after and ready_at is null and lease is null
          order by position limit w.slots for update skip locked) fresh
      ) both_kinds limit w.slots
    ) q
    where not exists (select from quarantined)
    limit ${total}
  ), claimed as (
    -- The attempt, as started. Its id is the one that its header will carry.
    update slotbase.delivery_queue
    set lease = nextval('slotbase.lease_seq'), owner = ${owner}, started_at = (select now from t)
    where ctid = any (array(select at from quarantined union all select at from picked))
    returning webhook_id, position, replay, event_id, sequence, failures, unknowns, lease,
              slotbase.derived_id(event_id, delivery_id::text || (attempts + 1)::text) as attempt_id, ready_at is null as fresh,
              unknowns > 1 as quarantined
  )
  select * from claimed order by webhook_id, position`

async function readTargets(db: Db, claimed: readonly ClaimedRow[]): Promise<ReadonlyMap<string, TargetWebhook>> {
  const ids = [...new Set(claimed.map((row) => row.webhook_id))]
  const rows = await db<TargetWebhook[]>`
    select w.id, w.facility_id, w.url, w.method, w.auth_type, w.auth_config, w.format, f.name as facility_name,
           w.updated_at, w.max_retries, w.retry_delay_ms, w.backoff_multiplier, w.max_concurrency
    from slotbase.webhooks w join slotbase.facilities f on f.id = w.facility_id where w.id = any (${ids}::uuid[])`
  return new Map(rows.map((row) => [row.id, row]))
}

/** The event in the format of the webhook. */
function formatted(event: ClaimedDelivery["event"], { format, facility_id: id, facility_name: name }: TargetWebhook) {
  return event && format === "zapier" ? { ...event, body: zapierBody(event.body, { id, name }) } : event
}

/** The webhooks whose deliveries wait for the end of the present quarantine. */
export const waitingForQuarantine = (db: Db) => db<{ webhook_id: string; ready_at: Date }[]>`
  with suspects as materialized (select webhook_id, ready_at, lease from slotbase.delivery_queue where unknowns > 1)
  select webhook_id, min(ready_at) as ready_at from suspects where lease is null group by webhook_id`

/**
 * Returns deliveries that were claimed and not sent; the started attempt does not count. They are due at once, because
 * they are below the positions up to which other processes have claimed.
 */
export async function returnDeliveries(db: Db, deliveries: readonly ClaimedDelivery[]): Promise<void> {
  if (deliveries.length === 0) return
  for (const { endQuarantine } of deliveries) endQuarantine?.()
  const keys = deliveries.map(({ webhook_id, position, replay, lease }) => ({ webhook_id, position, replay, lease }))
  await db`
    with held as materialized (
      select q.at, k.lease
      from json_to_recordset(${JSON.stringify(keys)}::text::json)
        as k (webhook_id uuid, position bigint, replay smallint, lease bigint)
      cross join lateral (
        select ctid as at from slotbase.delivery_queue
        where webhook_id = k.webhook_id and position = k.position and replay = k.replay and lease = k.lease
        offset 0
      ) q
    )
    update slotbase.delivery_queue q
    set lease = null, owner = null, started_at = null, ready_at = coalesce(q.ready_at, slotbase.now())
    from held h where q.ctid = h.at and q.lease = h.lease`
}

/**
 * Returns orphaned claims of this process: they were committed, and their answer was lost. Nothing of them was sent.
 * Reads the whole queue, so it is called seldom, or after a claim has failed.
 * @param held the leases that the process knows.
 */
export async function returnOrphanedClaims(db: Db, owner: number, held: readonly number[]): Promise<number> {
  const { count } = await db`
    update slotbase.delivery_queue q
    set lease = null, owner = null, started_at = null, ready_at = coalesce(q.ready_at, slotbase.now())
    where q.owner = ${owner} and q.lease <> all (${held as number[]}::bigint[])`
  if (count > 0) reached("orphaned-claims-returned")
  return count
}
