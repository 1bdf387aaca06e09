/**
 * Claims deliveries and returns them. A claim is one statement that commits before any request leaves. It takes the
 * lease of each delivery, with a fencing token of its own, and records when. That is the attempt, as started
 * (webhook_attempts). So every attempt can be seen, and its outcome is either known or marked as unknown.
 * sql/0049-claims.sql writes what the rate and the backlog have used.
 * Writes: delivery_queue.
 */

import { readTexts } from "#actors/runtime/event-memory.ts"
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
  const endQuarantine = request.process.quarantine.beginSend()
  const mayQuarantine = endQuarantine !== undefined
  let claimed: readonly ClaimedRow[] = []
  try {
    const owner = request.process.owner()
    const rows = await claimRows(db, { ...request, owner, mayQuarantine, dueFirst: request.dueFirst ?? false })
    claimed = rows.filter(isClaimed)
    const holds = rows.filter((row): row is HeldRow => !isClaimed(row))
    if (holds.length > 0) request.onHeld?.(holds)
  } finally {
    if (!claimed.some((row) => row.quarantined)) endQuarantine?.()
  }
  if (claimed.length === 0) return []
  // Read in separate statements: a statement that locks must not prune partitions.
  const [targets, events] = await Promise.all([
    readTargets(db, claimed),
    readTexts(
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

interface ClaimRequest {
  readonly owner: number
  readonly dueFirst: boolean
  readonly wants: readonly Want[]
  readonly total: number
  readonly mayQuarantine: boolean
}

/** Written by sql/0049-claims.sql: planning the statement took 11 ms, five times on each connection. */
const claimRows = (db: Db, { owner, wants, total, mayQuarantine, dueFirst }: ClaimRequest) => db<AnsweredRow[]>`
  select * from slotbase.claim_deliveries(${owner}, ${JSON.stringify(wants)}::text::json, ${total}, ${mayQuarantine}, ${dueFirst})`

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
 * @param claimedFor milliseconds. Claims younger than this may still be waiting for their answer, and are left alone.
 */
export async function returnOrphanedClaims(
  db: Db,
  owner: number,
  held: readonly number[],
  claimedFor = 0,
): Promise<number> {
  const { count } = await db`
    update slotbase.delivery_queue q
    set lease = null, owner = null, started_at = null, ready_at = coalesce(q.ready_at, slotbase.now())
    where q.owner = ${owner} and q.lease <> all (${held as number[]}::bigint[])
      and q.started_at <= slotbase.now() - ${claimedFor} * interval '1 ms'`
  if (count > 0) reached("orphaned-claims-returned")
  return count
}
