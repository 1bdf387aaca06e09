/**
 * Claiming runs: a batch under one fencing token, in a statement of its own. Fresh runs come from the log, behind a
 * cursor per handler (slotbase.claim_fresh_runs). They have no rows yet, and the log is append-only. So a claim reads
 * no dead rows, however long a backup or an open query keeps them from vacuum. Failed, returned and abandoned runs are
 * in the queue (slotbase.claim_queued_runs). These functions write handler_cursors and handler_claims, and mark
 * abandoned runs in handler_queue.
 */

import { type EventText, ReadEvent, readTexts } from "#actors/runtime/event-memory.ts"
import type { Db } from "#base/database/db.ts"

export class Run extends ReadEvent {
  readonly position: number
  /** Failed attempts so far. */
  readonly attempts: number
  /** Claimed by itself: abandoned twice, or abandoned once by a handler without retries. */
  readonly quarantined: boolean

  constructor(
    event: EventText,
    { position, attempts, quarantined }: Pick<Run, "position" | "attempts" | "quarantined">,
  ) {
    super(event)
    this.position = position
    this.attempts = attempts
    this.quarantined = quarantined
  }
}

/** The part of a run that settling needs. */
export type RunKey = Pick<Run, "id" | "position" | "attempts" | "quarantined"> & { readonly type: string | null }

export interface Claim {
  readonly handler: string
  readonly lease: number
  readonly runs: readonly Run[]
  /** Runs whose event is gone. */
  readonly gone: readonly RunKey[]
  /** There may be more to claim at once. */
  readonly more: boolean
  /** No claim with a smaller lease is left: the next claim starts its scan here. */
  readonly since: number
}

/**
 * Claims the next runs of the log. Runs that this process claimed before and did not settle become free, in the queue.
 * The answer to their claim never arrived, or their settlement failed.
 */
export async function claimFreshRuns(
  db: Db,
  handler: string,
  owner: number,
  since: number,
  limit: number,
): Promise<Claim> {
  // One row with two texts: with a row per run, both sides took four times as long.
  const [claimed] = await db<[{ oldest: number; more: boolean; lease: number | null; positions: string; ids: string }]>`
    select oldest, more, lease, array_to_string(positions, ',') as positions, array_to_string(event_ids, ',') as ids
    from slotbase.claim_fresh_runs(${handler}, ${owner}, ${limit}, ${since})`
  const { oldest, more, lease } = claimed
  const positions = lease === null ? [] : claimed.positions.split(",").map(Number)
  const ids = lease === null ? [] : claimed.ids.split(",")
  const rows = positions.map((position, nth) => {
    return { position, event_id: ids[nth] as string, attempts: 0, quarantined: false }
  })
  return withEvents(db, { handler, lease: lease ?? 0, more, since: oldest }, rows)
}

/** Claims returned runs and due retries from the queue. Quarantined runs are not among them. */
export const claimQueuedRuns = (db: Db, handler: string, owner: number, since: number, limit: number): Promise<Claim> =>
  fromQueue(db, handler, owner, since, limit, false)

/**
 * Claims one quarantined run, by itself. If the run is abandoned once more, its own event was the cause. Only then does
 * the crash use up an attempt, so neighbours lose none.
 */
export const claimQuarantinedRun = (db: Db, handler: string, owner: number, since: number) =>
  fromQueue(db, handler, owner, since, 1, true)

/**
 * Releases the runs that expired processes had claimed into the queue. Answers how many runs that were, and whether the
 * handler has quarantined runs. A run that was abandoned once is tried in a batch once more. A run that was abandoned
 * again, or has no retries, is for `claimQuarantinedRun`.
 * @param own also the runs that this process had claimed; it must have none under way.
 */
export async function releaseAbandonedRuns(
  db: Db,
  handler: string,
  owner: number,
  since: number,
  maxRetries: number,
  own = false,
): Promise<{ readonly released: number; readonly quarantined: boolean }> {
  const [row] = await db<[{ released: number; quarantined: boolean }]>`
    select slotbase.reclaim_runs(${handler}, ${owner}, ${since}, ${maxRetries}, ${abandonedMessage}, ${own}) as released,
           exists (select from slotbase.handler_queue where handler = ${handler} and alone) as quarantined`
  if (row.released === 0 || row.quarantined) return row
  // The statement does not see the changes of its own function.
  const [now] = await db<[{ quarantined: boolean }]>`
    select exists (select from slotbase.handler_queue where handler = ${handler} and alone) as quarantined`
  return { released: row.released, quarantined: now.quarantined }
}

/** The error of a run that was abandoned in quarantine. */
export const abandonedMessage = "the process ended while it handled this event in quarantine; the outcome is unknown"

/**
 * Returns claimed runs that are not settled, without using up an attempt. Runs that another process has claimed are
 * left alone.
 */
export const returnRuns = (
  db: Db,
  { handler, lease, runs }: { handler: string; lease: number; runs: readonly RunKey[] },
) => db`
  select slotbase.return_runs(${handler}, ${lease}, ${runs.map((run) => run.position)}::bigint[])`

interface ClaimedRun {
  readonly position: number
  readonly event_id: string
  readonly attempts: number
  readonly quarantined: boolean
}

async function fromQueue(
  db: Db,
  handler: string,
  owner: number,
  since: number,
  limit: number,
  quarantined: boolean,
): Promise<Claim> {
  const rows = await db<(ClaimedRun & { oldest: number; lease: number | null })[]>`
    select c.oldest, c.lease, r.position, r.event_id, r.attempts, r.alone as quarantined
    from slotbase.claim_queued_runs(${handler}, ${owner}, ${limit}, ${quarantined}, ${since}) c
    left join lateral unnest(c.runs) r on true`
  const lease = rows[0]?.lease ?? 0
  const claimed = lease === 0 ? [] : rows
  return withEvents(db, { handler, lease, more: claimed.length === limit, since: rows[0]?.oldest ?? since }, claimed)
}

async function withEvents(db: Db, claim: Omit<Claim, "runs" | "gone">, claimed: readonly ClaimedRun[]): Promise<Claim> {
  const events = await readTexts(
    db,
    claimed.map((row) => row.event_id),
  )
  const runs: Run[] = []
  const gone: RunKey[] = []
  for (const row of claimed) {
    const event = events.get(row.event_id)
    const { event_id: id, position, attempts, quarantined } = row
    if (event) runs.push(new Run(event, row))
    else gone.push({ id, type: null, position, attempts, quarantined })
  }
  return { ...claim, runs, gone }
}
