/**
 * Settling runs: out of the queue under the fencing token and into the history, or back into the queue for a retry, or
 * into the dead letters. A count that differs means that another process owns the runs now: everything is rolled back.
 * Writes: handler_queue (with claim.ts and dispatch), handler_history, dead_letters (of runs).
 */
import type { Db, Queryable } from "../../src/database/db.ts"
import { GiveUp } from "../handlers/handler.ts"
import { delayAfter, type RetryPolicy } from "../retry.ts"
import { lostMessage, type Run } from "./claim.ts"

/** What became of a run that needs no retry. */
export interface Ended {
  readonly position: number
  readonly status: "success" | "skipped"
  readonly durationMs: number
  readonly reason: string | null
}

/** The lease is void: somebody else has the work. */
export class Fenced extends Error {
  readonly _tag = "Fenced"
}

/** In the transaction of the effects (transactional handlers), or by itself (external ones). */
export async function settle(sql: Queryable, handler: string, lease: number, ended: readonly Ended[]): Promise<void> {
  const positions = ended.map((run) => run.position)
  const { count } = await sql`
    with t as materialized (
      select slotbase.now() as now
    ), ended as (
      select * from unnest(${positions}::bigint[], ${ended.map((run) => run.status)}::text[],
        ${ended.map((run) => run.durationMs)}::real[],
        ${ended.map((run) => (run.reason === null ? null : storable(run.reason)))}::text[])
        as e (position, status, duration_ms, reason)
    ), gone as (
      delete from slotbase.handler_queue
      where handler = ${handler} and position = any (${positions}::bigint[]) and lease = ${lease}
      returning position, event_id, facility_id, attempts, errors
    )
    insert into slotbase.handler_history
      (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, reason, errors)
    select g.event_id, ${handler}, g.facility_id, g.position, e.status, g.attempts + 1, e.duration_ms, t.now, e.reason, g.errors
    from gone g
    join ended e on e.position = g.position
    cross join t`
  if (count !== ended.length)
    throw new Fenced(`${handler}: ${ended.length - count} of ${ended.length} runs were taken over`)
}

/** Records a failed attempt: a retry later, or a dead letter with every error. Answers when it is due again. */
export async function settleFailure(
  db: Db,
  handler: string,
  lease: number,
  run: Run,
  cause: unknown,
  policy: RetryPolicy,
  durationMs: number,
): Promise<number | undefined> {
  const attempts = run.attempts + 1
  const delayMs = cause instanceof GiveUp ? undefined : delayAfter(attempts, policy)
  const error = {
    eventId: run.id,
    eventType: run.type,
    handlerName: handler,
    error: describe(cause),
    attemptCount: attempts,
    maxRetries: policy.maxRetries,
    status: delayMs === undefined ? "dead_letter" : "retrying",
  }
  if (delayMs === undefined) await bury(db, handler, lease, run.position, attempts, [error], durationMs)
  else await postpone(db, handler, lease, run.position, attempts, error, delayMs)
  return delayMs
}

/** The dead letter of a run that was lost with its process once too often; the claims have counted those attempts. */
export async function settleLost(db: Db, handler: string, lease: number, run: Run, policy: RetryPolicy): Promise<void> {
  const first = {
    eventId: run.id,
    eventType: run.type,
    handlerName: handler,
    error: { message: lostMessage, code: "unknown_outcome" },
    attemptCount: 1,
    maxRetries: policy.maxRetries,
    status: "dead_letter",
  }
  await bury(db, handler, lease, run.position, Math.max(1, run.attempts), run.attempts === 0 ? [first] : [], 0)
}

async function postpone(
  db: Db,
  handler: string,
  lease: number,
  position: number,
  attempts: number,
  error: object,
  delayMs: number,
) {
  const { count } = await db`
    with t as materialized (select slotbase.now() + ${delayMs}::integer * interval '1 ms' as due)
    update slotbase.handler_queue
    set lease = null, owner = null, alone = false, attempts = ${attempts}, ready_at = t.due,
        errors = coalesce(errors, '[]') || (${db.json(error as never)}::jsonb || jsonb_build_object('nextRetryAt', slotbase.utc(t.due)))
    from t
    where handler = ${handler} and position = ${position} and lease = ${lease}`
  if (count !== 1) throw new Fenced(`${handler}: run ${position} was taken over`)
}

async function bury(
  db: Db,
  handler: string,
  lease: number,
  position: number,
  attempts: number,
  errors: readonly object[],
  durationMs: number,
) {
  const { count } = await db`
    with t as materialized (
      select slotbase.now() as now
    ), gone as (
      delete from slotbase.handler_queue
      where handler = ${handler} and position = ${position} and lease = ${lease}
      returning position, event_id, facility_id, coalesce(errors, '[]') || ${db.json(errors as never)}::jsonb as errors
    ), history as (
      insert into slotbase.handler_history
        (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, errors)
      select event_id, ${handler}, facility_id, position, 'dead_letter', ${attempts}, ${durationMs}, t.now, errors
      from gone, t
    )
    insert into slotbase.dead_letters
      (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
    select slotbase.derived_id(g.event_id, ${handler}), g.facility_id, g.event_id, g.position, ${handler},
           coalesce(slotbase.event_body(e)::jsonb, jsonb_build_object('id', g.event_id)), g.errors, t.now, t.now
    from gone g
    cross join t
    left join slotbase.events e on e.id = g.event_id and e.facility_id = g.facility_id
    on conflict (id, facility_id) do update
    set errors = dead_letters.errors || excluded.errors, last_attempt_at = excluded.last_attempt_at,
        resolved_at = null, resolved_by = null, resolution = null`
  if (count !== 1) throw new Fenced(`${handler}: run ${position} was taken over`)
}

const stackLines = 12
const longestMessage = 2_000

function describe(cause: unknown): { message: string; code: string; stack?: string } {
  if (!(cause instanceof Error)) return { message: storable(String(cause)), code: "thrown" }
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : cause.name
  const stack = cause.stack?.split("\n").slice(0, stackLines).join("\n")
  return {
    message: storable(cause.message),
    code: storable(code),
    ...(stack !== undefined && { stack: storable(stack) }),
  }
}

/** An error whose text PostgreSQL refuses (NUL, lone surrogates) could never be settled. */
const storable = (text: string) => text.slice(0, longestMessage).replaceAll("\0", "\ufffd").toWellFormed()
