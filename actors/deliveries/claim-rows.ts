/**
 * Claims deliveries, and gives them back. A claim is one statement that commits before any request leaves: it takes the
 * lease of each delivery, with a fencing token of its own, and says since when: that is the attempt, as started
 * (webhook_attempts). So whatever happens then, the attempt can be seen, and its outcome is known or says that it is not.
 * Writes: delivery_queue (lease).
 */

import { readEvents } from "#actors/runtime/event-memory.ts"
import { isHandlingAlone, takeSendingTurn } from "#actors/runtime/quarantine.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { Claimed, Delivery, Target } from "./delivery.ts"

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

/**
 * So long at most the others wait for the outcome of one that is sent alone: what ends its process mostly does so at once, and
 * a receiver that hangs must not keep the others' waiting. Milliseconds.
 */
const loneTurnMs = 500

/** @param total at most so many deliveries of all webhooks together. */
export async function claimDeliveries(
  db: Db,
  request: { readonly owner: number; readonly wants: readonly Want[]; readonly total: number },
): Promise<readonly Delivery[]> {
  const endTurn = takeSendingTurn(request.owner)
  let claimed: readonly Claimed[] = []
  try {
    claimed = await claimRows(db, request, endTurn !== undefined && !isHandlingAlone(request.owner))
  } finally {
    if (!claimed.some((row) => row.alone)) endTurn?.()
    else if (endTurn) setTimeout(endTurn, loneTurnMs).unref()
  }
  if (claimed.length === 0) return []
  // A statement of its own: one that locks must not prune partitions.
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
    return { ...row, webhook, event: events.get(row.event_id), ...(row.alone && endTurn && { endTurn }) }
  })
}

// Per webhook: what is due first, then what is fresh, each by its own index and from its floor. "skip locked" lets claimers
// pass each other; "lease is null" is asked again of a row that somebody else has just claimed. A process that is no longer
// believed to live claims nothing.
// What was lost twice is claimed by itself: the claim brings nothing else, and the process has no other of its kind in turn. It
// may be what ends the process, and then it ends no neighbour: they were not claimed yet.
// The plan is kept, and made when the queue is empty or full: so there is only one way to each table. "offset 0" keeps the
// webhooks a look-up, and the update goes by ctid.
const claimRows = (
  db: Db,
  { owner, wants, total }: { readonly owner: number; readonly wants: readonly Want[]; readonly total: number },
  mayAlone: boolean,
) => db<Claimed[]>`
  with t as materialized (select slotbase.now() as now), wanted as (
    select * from json_to_recordset(${JSON.stringify(wants)}::text::json)
      as w ("webhookId" uuid, after bigint, busy integer, ahead integer, cap integer)
  ), open_to as materialized (
    select w.id, w.slots, d.after, d.busy
    from wanted d
    cross join lateral (
      select id, greatest(0, least(max_concurrency * d.ahead, d.cap) - d.busy) as slots from slotbase.webhooks
      where id = d."webhookId" and is_active and deleted_at is null
      offset 0
    ) w
    where exists (select from slotbase.processes where id = ${owner} and alive_until > clock_timestamp())
  ), suspects as materialized (
    select ctid as at, webhook_id, ready_at, lease from slotbase.delivery_queue where unknowns > 1
  ), lone as materialized (
    select q.at
    from (
      select s.at from suspects s join open_to w on w.id = s.webhook_id
      where w.slots > 0 and s.lease is null
        and s.ready_at <= (select now from t) and ${mayAlone}::boolean
      -- first where nothing is under way: one that hangs has nothing to say
      order by w.busy, s.ready_at offset 0
    ) s
    cross join lateral (
      select ctid as at from slotbase.delivery_queue where ctid = s.at and lease is null and unknowns > 1
      offset 0 for update skip locked
    ) q
    limit 1
  ), picked as materialized (
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
    where not exists (select from lone)
    limit ${total}
  ), claimed as (
    update slotbase.delivery_queue
    set lease = nextval('slotbase.lease_seq'), owner = ${owner}, started_at = (select now from t)
    where ctid = any (array(select at from lone union all select at from picked))
    returning webhook_id, position, replay, event_id, sequence, failures, unknowns, lease,
              slotbase.derived_id(event_id, delivery_id::text || (attempts + 1)::text) as attempt_id, ready_at is null as fresh,
              unknowns > 1 as alone
  )
  select * from claimed order by webhook_id, position`

async function readTargets(db: Db, claimed: readonly Claimed[]): Promise<ReadonlyMap<string, Target>> {
  const ids = [...new Set(claimed.map((row) => row.webhook_id))]
  const rows = await db<Target[]>`
    select id, facility_id, url, method, auth_type, auth_config, updated_at, max_retries, retry_delay_ms, backoff_multiplier,
           max_concurrency
    from slotbase.webhooks where id = any (${ids}::uuid[])`
  return new Map(rows.map((row) => [row.id, row]))
}

/** The webhooks of which something waits to be sent alone; for when the turn is over. */
export const waitingAlone = (db: Db) => db<{ webhook_id: string; ready_at: Date }[]>`
  with suspects as materialized (select webhook_id, ready_at, lease from slotbase.delivery_queue where unknowns > 1)
  select webhook_id, min(ready_at) as ready_at from suspects where lease is null group by webhook_id`

/**
 * Gives back what was claimed and not sent: no attempt is counted, and the started one was none. They are due at once,
 * because they stand below the floors of other claimers.
 */
export async function giveBack(db: Db, deliveries: readonly Delivery[]): Promise<void> {
  if (deliveries.length === 0) return
  for (const { endTurn } of deliveries) endTurn?.()
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
 * Gives back what this process holds without knowing it: a claim that was committed and whose answer was lost. Nothing of it
 * was sent. Walks the whole queue, so only after a claim has failed.
 * @param held the leases that the process knows.
 */
export async function giveBackUnknown(db: Db, owner: number, held: readonly number[]): Promise<number> {
  const { count } = await db`
    update slotbase.delivery_queue q
    set lease = null, owner = null, started_at = null, ready_at = coalesce(q.ready_at, slotbase.now())
    where q.owner = ${owner} and q.lease <> all (${held as number[]}::bigint[])`
  if (count > 0) reached("doubtful-returned")
  return count
}
