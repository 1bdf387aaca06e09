// Runs in the tests of the pipeline: the actor of a handler, claims of any free run, and counts of the outcomes.

import type { Handler } from "#actors/handlers/handler.ts"
import { type Claim, claimFreshRuns, claimQueuedRuns } from "#actors/runs/claim.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import type { Db } from "#base/database/db.ts"
import { actorProcess, pipelineApp, runsOf } from "./pipeline.ts"

/** The actor of a handler, in a process of its own with this row. */
export const actorOf = (db: Db, owner: number, handler: Handler): Actor =>
  runHandler(pipelineApp(db), handler, actorProcess(owner))

/** Passes until nothing is left; the second pass may find the runs that the first one has returned. */
export async function drain(actor: Actor): Promise<void> {
  while ((await actor.pass(new AbortController().signal)).more);
}

/** The number of a handler's runs by status. */
export async function statusCounts(db: Db, handler: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { status } of await runsOf(db, handler)) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

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
