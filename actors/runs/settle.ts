/**
 * Settling runs: out of the claim under the fencing token and into the history, or into the queue for a retry, or
 * into the dead letters. A count that differs means that another process owns the runs now: everything is rolled back.
 * slotbase.settle_claim() writes handler_batches.
 * Writes: handler_queue, handler_history, dead_letters (of runs).
 */
import type postgres from "postgres"
import { GiveUp } from "#actors/handlers/handler.ts"
import { delayAfter, type RetryPolicy } from "#actors/runtime/retry.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { lostMessage, type RunKey } from "./claim.ts"

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

/**
 * In the transaction of the effects (transactional handlers), or by itself (external ones). When the claim is somebody else's
 * now, the query fails with an error for which `asFenced` answers `Fenced`.
 * @param whole how many runs the claim still holds: when all of them ended alike, they are settled without being named.
 */
export function settle(sql: Queryable, handler: string, lease: number, ended: readonly Ended[], whole?: number) {
  const [first] = ended
  const alike = ended.every((run) => run.status === "success" && run.durationMs === first?.durationMs)
  if (alike && ended.length === whole)
    return sql`select slotbase.settle_claim(${handler}, ${lease}, ${whole}::integer, ${first?.durationMs ?? 0}::real)`
  const positions = ended.map((run) => run.position)
  const statuses = alike ? null : ended.map((run) => run.status)
  const durations = alike ? [first?.durationMs ?? 0] : ended.map((run) => run.durationMs)
  const reasons = alike ? null : ended.map((run) => (run.reason === null ? null : storable(run.reason)))
  return sql`
    select slotbase.settle_runs(${handler}, ${lease}, ${positions}::bigint[], ${statuses}::text[], ${durations}::real[],
      ${reasons}::text[])`
}

/** The error as Fenced, if that is what the database meant (SB001); any other error as it is. */
export const asFenced = (error: unknown): unknown =>
  error instanceof Error && "code" in error && error.code === "SB001" ? new Fenced(error.message) : error

/** Records a failed attempt: a retry later, or a dead letter with every error. Answers when it is due again. */
export async function settleFailure(
  db: Db,
  handler: string,
  lease: number,
  run: RunKey,
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
export async function settleLost(
  db: Db,
  handler: string,
  lease: number,
  run: RunKey,
  policy: RetryPolicy,
): Promise<void> {
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
  await releasing(
    db,
    handler,
    lease,
    position,
    (tx) => tx`
    with t as materialized (select slotbase.now() + ${delayMs}::integer * interval '1 ms' as due)
    update slotbase.handler_queue
    set alone = false, attempts = ${attempts}, ready_at = t.due,
        errors = coalesce(errors, '[]') || (${db.json(error as never)}::jsonb || jsonb_build_object('nextRetryAt', slotbase.utc(t.due)))
    from t
    where handler = ${handler} and position = ${position}`,
  )
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
  await releasing(
    db,
    handler,
    lease,
    position,
    (tx) => tx`
    with t as materialized (
      select slotbase.now() as now
    ), gone as (
      delete from slotbase.handler_queue
      where handler = ${handler} and position = ${position}
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
        resolved_at = null, resolved_by = null, resolution = null`,
  )
}

/** Changes a run whose claim is ours, and ends its claim with it. */
async function releasing(
  db: Db,
  handler: string,
  lease: number,
  position: number,
  change: (tx: Tx) => postgres.PendingQuery<postgres.Row[]>,
): Promise<void> {
  await db
    .begin(async (tx) => {
      await tx`select slotbase.release_failed_run(${handler}, ${lease}, ${position})`
      const { count } = await change(tx)
      if (count !== 1) throw new Fenced(`${handler}: run ${position} was settled by somebody else`)
    })
    .catch((error: unknown) => {
      throw asFenced(error)
    })
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
