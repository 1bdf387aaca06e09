/**
 * Claiming runs: a batch under one fencing token, in a statement of its own. Fresh runs come from the log, behind a cursor per
 * handler (slotbase.claim_fresh_runs): they are no rows, and the log is append-only, so nothing that a backup or an open
 * query keeps from vacuum is walked. What failed, was given back or was lost stands in the queue (slotbase.claim_queued_runs).
 * These functions write handler_cursors and handler_claims, and mark what was lost with its process in handler_queue.
 */

import type { HandledEvent } from "#actors/handlers/handler.ts"
import { readEvents } from "#actors/runtime/event-memory.ts"
import type { Db } from "#base/database/db.ts"

export interface Run extends HandledEvent {
  /** Failed attempts so far. */
  readonly attempts: number
  /** Claimed by itself, because it was lost twice, or is never tried again by itself and was lost once. */
  readonly alone: boolean
}

/** What settling needs of a run. */
export type RunKey = Pick<Run, "id" | "position" | "attempts" | "alone"> & { readonly type: string | null }

export interface Claim {
  readonly handler: string
  readonly lease: number
  readonly runs: readonly Run[]
  /** Runs whose event is not there any more. */
  readonly gone: readonly RunKey[]
  /** There may be more to claim at once. */
  readonly more: boolean
  /** No claim with a smaller lease is left: where the next one starts to look. */
  readonly since: number
}

/**
 * Claims the next runs of the log. What the same process had claimed before and not settled is free again, in the queue: its
 * answer never arrived, or its settlement failed.
 */
export async function claimFresh(db: Db, handler: string, owner: number, since: number, limit: number): Promise<Claim> {
  // One row with two texts: a row per run took both sides four times as long.
  const [claimed] = await db<[{ oldest: number; more: boolean; lease: number | null; positions: string; ids: string }]>`
    select oldest, more, lease, array_to_string(positions, ',') as positions, array_to_string(event_ids, ',') as ids
    from slotbase.claim_fresh_runs(${handler}, ${owner}, ${limit}, ${since})`
  const { oldest, more, lease } = claimed
  const positions = lease === null ? [] : claimed.positions.split(",").map(Number)
  const ids = lease === null ? [] : claimed.ids.split(",")
  const rows = positions.map((position, nth) => ({ position, event_id: ids[nth] as string, attempts: 0, alone: false }))
  return withEvents(db, { handler, lease: lease ?? 0, more, since: oldest }, rows)
}

/** Claims what stands in the queue: returned runs, and retries that are due. A run that must stay alone is not among them. */
export const claimQueued = (db: Db, handler: string, owner: number, since: number, limit: number): Promise<Claim> =>
  fromQueue(db, handler, owner, since, limit, false)

/**
 * Frees what dead processes had claimed: how many runs that were, and whether any of the handler's must be claimed alone.
 * What was lost once is tried together once more; what is lost again, or never tried again by itself, is for claimLone.
 * @param own also what this process had claimed, which must have nothing under way.
 */
export async function takeOver(
  db: Db,
  handler: string,
  owner: number,
  since: number,
  maxRetries: number,
  own = false,
): Promise<{ readonly freed: number; readonly lone: boolean }> {
  const [row] = await db<[{ freed: number; lone: boolean }]>`
    select slotbase.take_over_runs(${handler}, ${owner}, ${since}, ${maxRetries}, ${lostMessage}, ${own}) as freed,
           exists (select from slotbase.handler_queue where handler = ${handler} and alone) as lone`
  if (row.freed === 0 || row.lone) return row
  // The statement has not seen what its own function changed.
  const [now] = await db<[{ lone: boolean }]>`
    select exists (select from slotbase.handler_queue where handler = ${handler} and alone) as lone`
  return { freed: row.freed, lone: now.lone }
}

/**
 * Claims one run that was lost twice, alone: if it is lost once more, that was this event's own doing, and only then it
 * counts as an attempt. Its innocent neighbours burn nothing.
 */
export const claimLone = (db: Db, handler: string, owner: number, since: number) =>
  fromQueue(db, handler, owner, since, 1, true)

/** What stands in the errors of a run that was lost with its process. */
export const lostMessage = "the process died while it handled this event alone; the outcome is unknown"

/** Gives back what was claimed and not settled; nothing counts as an attempt. What others have taken over stays theirs. */
export const giveBack = (
  db: Db,
  { handler, lease, runs }: { handler: string; lease: number; runs: readonly RunKey[] },
) => db`
  select slotbase.give_back_runs(${handler}, ${lease}, ${runs.map((run) => run.position)}::bigint[])`

interface ClaimedRow {
  readonly position: number
  readonly event_id: string
  readonly attempts: number
  readonly alone: boolean
}

async function fromQueue(
  db: Db,
  handler: string,
  owner: number,
  since: number,
  limit: number,
  lone: boolean,
): Promise<Claim> {
  const rows = await db<(ClaimedRow & { oldest: number; lease: number | null })[]>`
    select c.oldest, c.lease, r.position, r.event_id, r.attempts, r.alone
    from slotbase.claim_queued_runs(${handler}, ${owner}, ${limit}, ${lone}, ${since}) c
    left join lateral unnest(c.runs) r on true`
  const lease = rows[0]?.lease ?? 0
  const claimed = lease === 0 ? [] : rows
  return withEvents(db, { handler, lease, more: claimed.length === limit, since: rows[0]?.oldest ?? since }, claimed)
}

async function withEvents(db: Db, claim: Omit<Claim, "runs" | "gone">, claimed: readonly ClaimedRow[]): Promise<Claim> {
  const events = await readEvents(
    db,
    claimed.map((row) => row.event_id),
  )
  const runs: Run[] = []
  const gone: RunKey[] = []
  for (const { event_id: id, position, attempts, alone } of claimed) {
    const event = events.get(id)
    if (event) runs.push({ ...event, position, attempts, alone })
    else gone.push({ id, type: null, position, attempts, alone })
  }
  return { ...claim, runs, gone }
}
