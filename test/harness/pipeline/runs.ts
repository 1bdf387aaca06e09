// Claims for the tests of the pipeline: any free run, in the queue or fresh.

import { type Claim, claimFreshRuns, claimQueuedRuns } from "#actors/runs/claim.ts"
import type { Db } from "#base/database/db.ts"

/** Claims from the queue, else fresh runs, else the runs that the fresh claim has just put into the queue. */
export async function claimFree(db: Db, handler: string, owner: number, limit: number): Promise<Claim> {
  const queued = await claimQueuedRuns(db, handler, owner, 0, limit)
  if (queued.runs.length > 0) return queued
  const fresh = await claimFreshRuns(db, handler, owner, 0, limit)
  return fresh.runs.length > 0 ? fresh : claimQueuedRuns(db, handler, owner, 0, limit)
}

/** Gives every waiting run a row in the queue, as if it had been claimed and released. */
export async function queueAll(db: Db): Promise<void> {
  await db`
    with waiting as materialized (select * from slotbase.unfinished_runs)
    insert into slotbase.handler_queue (handler, position, facility_id, event_id)
    select handler, position, facility_id, event_id from waiting
    on conflict do nothing`
  await db`delete from slotbase.handler_cursors`
  await db`
    insert into slotbase.handler_cursors (handler, next)
    select distinct h.handler, (select max(position) + 1 from slotbase.event_positions) from slotbase.handlers h
    where h.from_position is not null`
}
