/**
 * Claims deliveries and returns them. A claim is one statement that commits before any request leaves. It takes the
 * lease of each delivery, with a fencing token of its own, and records when. That is the attempt, as started
 * (webhook_attempts). So every attempt can be seen, and its outcome is either known or marked as unknown.
 * Writes: delivery_queue (lease), webhook_pace (what the rate and the backlog have used).
 */

import { readEvents } from "#actors/runtime/event-memory.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { ClaimedDelivery, ClaimedRow, TargetWebhook } from "./delivery.ts"

/** A webhook that may have something to send, and how much may be claimed for it now. */
export interface Want {
  readonly webhookId: string
  /** Every fresh delivery up to this position has been claimed already: the claim starts above it. */
  readonly after: number
  /** Claimed by this process and not yet settled. */
  readonly busy: number
  /** At most so many times this process's share of the webhook's max_concurrency, … */
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
  request: {
    readonly process: ActorProcess
    readonly wants: readonly Want[]
    readonly total: number
    /** Retries come before first attempts, where places are few. Without it, first attempts come first. */
    readonly dueFirst?: boolean
    /** Told of webhooks that are held back by their pace. */
    readonly onHeld?: (holds: readonly Hold[]) => void
  },
): Promise<readonly ClaimedDelivery[]> {
  const { quarantine } = request.process
  const endQuarantine = quarantine.beginDelivery()
  const mayQuarantine = endQuarantine !== undefined && !quarantine.hasRun
  let claimed: readonly ClaimedRow[] = []
  try {
    const owner = request.process.owner()
    const rows = await claimRows(db, { ...request, owner, mayQuarantine, dueFirst: request.dueFirst ?? false })
    claimed = rows.filter(isClaimed)
    const holds = rows.filter((row): row is HeldRow => !isClaimed(row))
    if (holds.length > 0) request.onHeld?.(holds)
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
  await keepVersions(db, claimed, targets)
  return claimed.map((row) => {
    const webhook = targets.get(row.webhook_id)
    if (!webhook) throw new Error(`the row of webhook ${row.webhook_id} is gone`)
    const end = row.quarantined && endQuarantine && { endQuarantine }
    return { ...row, webhook, event: events.get(row.event_id), ...end }
  })
}

/** A webhook of which nothing more can be claimed before that instant. */
export interface Hold {
  readonly webhook_id: string
  readonly held_until: Date
  /** Its receiver asked for a pause, by Retry-After. */
  readonly paused: boolean
  /** An ordered webhook with deliveries that are not in their order yet. */
  readonly unarranged: boolean
}

type HeldRow = Hold & { readonly lease: null }
type AnsweredRow = ClaimedRow | HeldRow
const isClaimed = (row: AnsweredRow): row is ClaimedRow => row.lease !== null

/** The backlog of a webhook that was switched on again: its rate at first, and at last. */
const catchUp = { firstPerSecond: 10, doublesAfterS: 10, perSecond: 200 }

interface ClaimRequest {
  readonly owner: number
  readonly dueFirst: boolean
  readonly wants: readonly Want[]
  readonly total: number
  readonly mayQuarantine: boolean
}

// The plan is kept, and may have been made while the queue was empty or full. So there is only one way to each table:
// "offset 0" keeps a look-up a look-up, and the update goes by ctid. "skip locked" lets claimers pass each other. The
// row of webhook_pace is locked for a webhook with a rate or a backlog only: then one claim at a time counts its
// requests. A claim that finds the row locked leaves the webhook to a later claim.
const claimRows = (db: Db, { owner, wants, total, mayQuarantine, dueFirst }: ClaimRequest) => db<AnsweredRow[]>`
  with t as materialized (
    select slotbase.now() as now
  ), wanted as (
    select * from json_to_recordset(${JSON.stringify(wants)}::text::json)
      as w ("webhookId" uuid, after bigint, busy integer, ahead integer, cap integer)
  ), others as materialized (
    select count(*) as processes from slotbase.processes
    where id <> ${owner} and alive_until > clock_timestamp() and delivers
  ), switched_on as materialized (
    -- The webhooks that are switched on, with their free places. A process that no longer counts as alive claims
    -- nothing.
    select w.id, w.places, w.slots, w.rate, w.ordered, d.after, d.busy, coalesce(p.paused_until > t.now, false) as paused, p.paused_until,
           p.arranged_to, w.rate is not null or p.catch_up_to is not null as counted
    from wanted d
    cross join t
    cross join lateral (
      select id, rate_per_second::float8 as rate, ordered,
             p.places, greatest(0, least(p.places * d.ahead, d.cap) - d.busy) as slots
      from slotbase.webhooks
      cross join lateral (
        select case when (select processes from others) = 0 then max_concurrency
                    else coalesce(slotbase.webhook_places(id, max_concurrency, ${owner}), 0) end as places
        offset 0
      ) p
      where id = d."webhookId" and is_active and deleted_at is null
      offset 0
    ) w
    left join lateral (
      select paused_until, catch_up_to, arranged_to from slotbase.webhook_pace where webhook_id = w.id offset 0
    ) p on true
    where exists (select from slotbase.processes where id = ${owner} and alive_until > clock_timestamp())
  ), counting as materialized (
    select o.id, p.catch_up_to, o.rate - greatest(1, floor(o.rate / 10)) + 1 as refill, greatest(1, floor(o.rate / 10)) as burst,
           p.sent_until, least(${catchUp.perSecond}::float8,
             ${catchUp.firstPerSecond}::float8 * 2 ^ least(30, extract(epoch from t.now - p.resumed_at)::float8 / ${catchUp.doublesAfterS}::float8)) as catch_rate,
           p.caught_until
    from switched_on o
    cross join t
    cross join lateral (
      select * from slotbase.webhook_pace where webhook_id = o.id and o.counted and not o.paused
      offset 0 for update skip locked
    ) p
  ), rates as materialized (
    -- The generic cell rate algorithm. A burst is a tenth of the rate, and what it adds is taken off the refill: so no
    -- second ever has more than the rate.
    select c.id, c.catch_up_to, c.refill, c.catch_rate,
           greatest(c.sent_until, t.now - c.burst / c.refill * interval '1 s') as sent_until,
           greatest(c.caught_until, t.now - interval '0.1 s' - interval '1 s' / c.catch_rate) as caught_until
    from counting c cross join t
  ), open_to as materialized (
    select o.id, o.busy, o.ordered, o.counted, r.catch_up_to, r.sent_until, r.refill, r.caught_until, r.catch_rate,
           case when o.paused or o.counted and r.id is null then 0
                when r.refill is null then o.slots
                else least(o.slots, greatest(0, floor(extract(epoch from t.now - r.sent_until)::float8 * r.refill + 1e-6)))::integer end as slots,
           case when r.catch_up_to is null then 0
                else greatest(0, floor(extract(epoch from t.now - r.caught_until)::float8 * r.catch_rate + 1e-6))::integer end as backlog,
           case when o.ordered then 0 else o.after end as after,
           case when o.ordered then coalesce(o.arranged_to, 0) else ${Number.MAX_SAFE_INTEGER}::bigint end as up_to,
           case when o.paused then o.paused_until when o.counted and r.id is null then t.now + interval '20 ms' end as held_until,
           o.paused, o.slots as free
    from switched_on o
    cross join t
    left join rates r on r.id = o.id
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
  ), candidates as materialized (
    -- Without a suspect, per webhook: due deliveries, fresh ones above its position, and those of a backlog, each by
    -- its own index.
    select w.id, q.at, q.kind,
           row_number() over (partition by w.id order by q.nth, (q.kind = 'due') = ${dueFirst}::boolean desc, q.kind) as rank
    from open_to w
    cross join lateral (
      select at, 'due' as kind, row_number() over () as nth from (
        select ctid as at from slotbase.delivery_queue
        where webhook_id = w.id and ready_at is not null and ready_at <= (select now from t) and waits_for is null
          and lease is null and unknowns < 2
        order by ready_at limit w.slots for update skip locked) due
      union all
      select at, 'fresh', row_number() over () from (
        select ctid as at from slotbase.delivery_queue
        where webhook_id = w.id and position > greatest(w.after, w.catch_up_to) and position <= w.up_to
          and ready_at is null and waits_for is null and lease is null
        order by position limit w.slots for update skip locked) fresh
      union all
      select at, 'old', row_number() over () from (
        select ctid as at from slotbase.delivery_queue
        where webhook_id = w.id and position <= least(w.catch_up_to, w.up_to) and w.catch_up_to is not null
          and ready_at is null and waits_for is null and lease is null
        order by position limit least(w.slots, w.backlog) for update skip locked) backlog
    ) q
    where not exists (select from quarantined)
  ), picked as materialized (
    select c.at, c.id, c.kind from candidates c join open_to w on w.id = c.id where c.rank <= w.slots limit ${total}
  ), claimed as (
    -- The attempt, as started. Its id is the one that its header will carry.
    update slotbase.delivery_queue q
    set lease = nextval('slotbase.lease_seq'), owner = ${owner}, started_at = (select now from t),
        claimed_version = (select w.version from slotbase.webhooks w where w.id = q.webhook_id)
    where ctid = any (array(select at from quarantined union all select at from picked))
    returning webhook_id, position, replay, event_id, sequence, failures, unknowns, lease, aggregate_id,
              slotbase.derived_id(event_id, delivery_id::text || (attempts + 1)::text) as attempt_id, ready_at is null as fresh,
              unknowns > 1 as quarantined, claimed_version
  ), spent as (
    select w.id, w.slots, w.backlog, w.free, w.sent_until + (n.sent / w.refill) * interval '1 s' as sent_until,
           w.caught_until + (n.old / w.catch_rate) * interval '1 s' as caught_until, w.refill, w.catch_rate, w.catch_up_to,
           n.sent, n.old, n.found,
           w.backlog > 0 and w.slots > 0 and n.old_found = 0 and w.up_to >= w.catch_up_to and not exists (select from quarantined) as caught_up
    from open_to w
    cross join lateral (
      select (select count(*) from claimed c where c.webhook_id = w.id) as sent,
             (select count(*) from picked p where p.id = w.id and p.kind = 'old') as old,
             (select count(*) from candidates c where c.id = w.id) as found,
             (select count(*) from candidates c where c.id = w.id and c.kind = 'old') as old_found
    ) n
    where w.counted and w.held_until is null
  ), counted as (
    update slotbase.webhook_pace p
    set sent_until = coalesce(s.sent_until, p.sent_until), caught_until = case when s.caught_up then null else s.caught_until end,
        catch_up_to = case when not s.caught_up then p.catch_up_to end
    from spent s where p.webhook_id = s.id and (s.sent > 0 or s.caught_up)
  ), held as (
    -- When to look again: something else than the free places has cut the claim short.
    select id, held_until, paused, false as unarranged from open_to where held_until is not null
    union all
    select w.id, t.now, false, true from open_to w cross join t
    where w.ordered and w.slots > 0
      and exists (select from slotbase.delivery_queue q
                  where q.webhook_id = w.id and q.position > w.up_to and q.ready_at is null and q.waits_for is null and q.replay = 0)
    union all
    select id, least(case when slots < free and found >= slots then sent_until + interval '1 s' / refill end,
                     case when catch_up_to is not null and not caught_up and old >= least(slots, backlog)
                          then caught_until + interval '1 s' / catch_rate end), false, false
    from spent
  )
  select c.webhook_id, c.position, c.replay, c.event_id, c.sequence, c.failures, c.unknowns, c.lease, c.aggregate_id, c.attempt_id,
         c.fresh, c.quarantined, c.claimed_version, o.places, null::timestamptz as held_until, false as paused, false as unarranged
  from claimed c join switched_on o on o.id = c.webhook_id
  union all
  select id, null, null, null, null, null, null, null, null, null, null, null, null, null, held_until, paused, unarranged from held where held_until is not null
  order by webhook_id, position`

async function readTargets(db: Db, claimed: readonly ClaimedRow[]): Promise<ReadonlyMap<string, TargetWebhook>> {
  const ids = [...new Set(claimed.map((row) => row.webhook_id))]
  const rows = await db<TargetWebhook[]>`
    select w.id, w.facility_id, w.url, w.method, w.auth_type, w.auth_config, w.updated_at, w.max_retries, w.retry_delay_ms,
           w.backoff_multiplier, w.rate_per_second is not null or w.ordered as paced, w.ordered,
           w.next_auth_config, coalesce(w.rotation_ends_at <= slotbase.now(), false) as rotated, w.version,
           (select slotbase.log_epoch()) as epoch, w.format, w.template, w.content_type, w.format_changed_at,
           f.name as facility_name, f.timezone
    from slotbase.webhooks w
    left join slotbase.facilities f on f.id = w.facility_id and w.format <> 'slotbase'
    where w.id = any (${ids}::uuid[])`
  return new Map(rows.map((row) => [row.id, row]))
}

/** A webhook that was changed between the claim and the look at it: the requests have the later version. */
async function keepVersions(
  db: Db,
  claimed: readonly ClaimedRow[],
  targets: ReadonlyMap<string, TargetWebhook>,
): Promise<void> {
  const changed = claimed.flatMap(({ webhook_id, position, replay, lease, claimed_version }) => {
    const read = targets.get(webhook_id)
    if (read === undefined || read.version === claimed_version) return []
    return [{ webhook_id, position, replay, lease, facility_id: read.facility_id, version: read.version }]
  })
  if (changed.length === 0) return
  await db`
    update slotbase.delivery_queue q set claimed_version = c.version
    from json_to_recordset(${JSON.stringify(changed)}::text::json)
      as c (webhook_id uuid, position bigint, replay smallint, lease bigint, facility_id uuid, version integer)
    where q.facility_id = c.facility_id and q.webhook_id = c.webhook_id and q.position = c.position and q.replay = c.replay and q.lease = c.lease`
}

/** Deliveries of one webhook that are put into their order at once. */
const arrangedAtOnce = 500

/** Puts deliveries of ordered webhooks into their order; answers the webhooks of which some were. */
export async function arrangeDeliveries(db: Db, webhookIds: readonly string[]): Promise<readonly string[]> {
  const rows = await db<{ webhook_id: string }[]>`
    select webhook_id from slotbase.arrange_deliveries(${webhookIds as string[]}::uuid[], ${arrangedAtOnce})`
  return rows.map((row) => row.webhook_id)
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
