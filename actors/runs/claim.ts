/**
 * Claiming runs: a batch under one fencing token, in a statement of its own (slotbase.claim_runs). The scan starts above a
 * floor, because rows that were deleted but not yet vacuumed (a backup, an open query) would otherwise be walked again and
 * again; positions become visible in order, so the floor is exact, and what returns below it is found by the sweep.
 * Writes: handler_claims, and marks what was lost with its process in handler_queue.
 */
import type { Db } from "../../src/database/db.ts"
import type { HandledEvent } from "../handlers/handler.ts"
import { readEvents } from "./events.ts"

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
  /** No run that nobody has claimed yet stands at or below it. */
  readonly upTo: number
  /** For the next claim's range. */
  readonly since: number
}

export interface Range {
  /** Exclusive. */
  readonly after: number
  /** Inclusive. */
  readonly upTo: number
  /** No claim with a smaller lease is left; 0 when nothing is known. */
  readonly since?: number
}

/**
 * Claims what nobody has: waiting runs, and retries that are due. A run that must stay alone is not among them. What the
 * same process had claimed before and not settled is free again: its answer never arrived, or its settlement failed.
 */
export const claimFree = (db: Db, handler: string, owner: number, range: Range, limit: number): Promise<Claim> =>
  claim(db, handler, owner, range, limit, false)

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
export const claimLone = (db: Db, handler: string, owner: number, { upTo, since }: Omit<Range, "after">) =>
  claim(db, handler, owner, { after: -1, upTo, ...(since !== undefined && { since }) }, 1, true)

/** What stands in the errors of a run that was lost with its process. */
export const lostMessage = "the process died while it handled this event alone; the outcome is unknown"

/** Gives back what was claimed and not settled; nothing counts as an attempt. What others have taken over stays theirs. */
export const giveBack = (
  db: Db,
  { handler, lease, runs }: { handler: string; lease: number; runs: readonly RunKey[] },
) => db`
  update slotbase.handler_claims c
  set positions = array(select p from unnest(c.positions) p where p <> all (${runs.map((run) => run.position)}::bigint[]))
  where c.handler = ${handler} and c.lease = ${lease}`

interface Claimed {
  readonly head: number
  readonly oldest: number
  readonly lease: number | null
  readonly position: number | null
  readonly event_id: string
  readonly attempts: number
  readonly alone: boolean
}

async function claim(
  db: Db,
  handler: string,
  owner: number,
  { after, upTo, since = 0 }: Range,
  limit: number,
  lone: boolean,
): Promise<Claim> {
  const rows = await db<Claimed[]>`
    select c.head, c.oldest, c.lease, r.position, r.event_id, r.attempts, r.alone
    from slotbase.claim_runs(${handler}, ${owner}, ${after}, ${upTo}, ${limit}, ${lone}, ${since}) c
    left join lateral unnest(c.runs) r on true`
  const [first] = rows
  const claimed = rows.filter((row) => row.position !== null) as (Claimed & { position: number })[]
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
  const reached = (claimed.length < limit ? first?.head : claimed.at(-1)?.position) ?? after
  return {
    handler,
    lease: first?.lease ?? 0,
    runs,
    gone,
    upTo: Math.max(after, Math.min(upTo, reached)),
    since: first?.oldest ?? since,
  }
}
