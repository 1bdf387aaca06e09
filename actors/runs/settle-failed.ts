/**
 * Settling the runs of a claim that failed or were abandoned: into the queue for a retry, or into the dead letters with
 * every error. Each is a transaction under the claim's fencing token.
 * Writes: handler_queue, handler_history, dead_letters (of runs).
 */
import type postgres from "postgres"
import { GiveUp, TryLater } from "#actors/handlers/handler.ts"
import { delayAfter, type RetryPolicy } from "#actors/runtime/retry.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { log } from "#base/log.ts"
import { abandonedMessage, type RunKey } from "./claim.ts"
import { describeFailure } from "./failure-text.ts"
import { asFenced, Fenced } from "./settle.ts"

/** A run that this process holds under a lease, and how its handler is retried. */
export interface HeldRun {
  readonly handler: string
  readonly lease: number
  readonly run: RunKey
  readonly policy: RetryPolicy
}

/**
 * Records a failed attempt: a retry later, or a dead letter with every error.
 * @returns milliseconds until the retry; undefined: it is a dead letter.
 */
export async function settleFailedRun(
  db: Db,
  held: HeldRun,
  { cause, durationMs }: { readonly cause: unknown; readonly durationMs: number },
): Promise<number | undefined> {
  const { handler, run, policy } = held
  const later = cause instanceof TryLater
  // The first one counts, so that the run reads "retrying".
  const attempts = later ? Math.max(1, run.attempts) : run.attempts + 1
  const delayMs = later ? cause.retryAfterMs : cause instanceof GiveUp ? undefined : delayAfter(attempts, policy)
  const error = {
    eventId: run.id,
    eventType: run.type,
    handlerName: handler,
    error: describeFailure(cause),
    attemptCount: attempts,
    maxRetries: policy.maxRetries,
    status: delayMs === undefined ? "dead_letter" : "retrying",
  }
  if (delayMs === undefined) {
    await deadLetter(db, held, { attempts, errors: [error], durationMs })
    told(error)
  } else await retryLater(db, held, { attempts, error, delayMs, repeats: later })
  return delayMs
}

/** The dead letter of a run that was abandoned once too often. The claims have counted those attempts. */
export async function settleAbandonedRun(db: Db, held: HeldRun): Promise<void> {
  const { handler, run, policy } = held
  const first = {
    eventId: run.id,
    eventType: run.type,
    handlerName: handler,
    error: { message: abandonedMessage, code: "unknown_outcome" },
    attemptCount: 1,
    maxRetries: policy.maxRetries,
    status: "dead_letter",
  }
  const errors = run.attempts === 0 ? [first] : []
  await deadLetter(db, held, { attempts: Math.max(1, run.attempts), errors, durationMs: 0 })
  told(first)
}

/** The error's text stays in the dead letter: it may quote what a caller sent. */
const told = (end: { readonly handlerName: string; readonly eventType: string | null; readonly eventId: string }) =>
  log.error("dead letter made", { handler: end.handlerName, type: end.eventType, event: end.eventId })

interface RetryLater {
  readonly attempts: number
  readonly error: { readonly error: object }
  readonly delayMs: number
  /** The same error again takes the place of the last one: days of them would make a long row. */
  readonly repeats: boolean
}

const retryLater = (db: Db, held: HeldRun, { attempts, error, delayMs, repeats }: RetryLater) =>
  releasing(
    db,
    held,
    (tx) => tx`
    with t as materialized (select slotbase.now() + ${Math.ceil(delayMs)}::integer * interval '1 ms' as due)
    update slotbase.handler_queue
    set alone = false, attempts = ${attempts}, ready_at = t.due,
        errors = case when ${repeats}::boolean and errors -> -1 -> 'error' = ${db.json(error.error as never)}::jsonb then errors - (-1)
                      else coalesce(errors, '[]') end || (${db.json(error as never)}::jsonb || jsonb_build_object('nextRetryAt', slotbase.utc(t.due)))
    from t
    where handler = ${held.handler} and position = ${held.run.position}`,
  )

const deadLetter = (
  db: Db,
  held: HeldRun,
  end: { readonly attempts: number; readonly errors: readonly object[]; readonly durationMs: number },
) =>
  releasing(
    db,
    held,
    (tx) => tx`
    with t as materialized (
      select slotbase.now() as now
    ), gone as (
      delete from slotbase.handler_queue
      where handler = ${held.handler} and position = ${held.run.position}
      returning position, event_id, facility_id, coalesce(errors, '[]') || ${db.json(end.errors as never)}::jsonb as errors
    ), history as (
      insert into slotbase.handler_history
        (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, errors)
      select event_id, ${held.handler}, facility_id, position, 'dead_letter', ${end.attempts}, ${end.durationMs}, t.now, errors
      from gone, t
    )
    insert into slotbase.dead_letters
      (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
    select slotbase.derived_id(g.event_id, ${held.handler}), g.facility_id, g.event_id, g.position, ${held.handler},
           coalesce(slotbase.event_body(e)::jsonb, jsonb_build_object('id', g.event_id)), g.errors, t.now, t.now
    from gone g
    cross join t
    left join slotbase.events e on e.id = g.event_id and e.facility_id = g.facility_id
    on conflict (id, facility_id) do update
    set errors = dead_letters.errors || excluded.errors, last_attempt_at = excluded.last_attempt_at,
        resolved_at = null, resolved_by = null, resolution = null`,
  )

/** Changes the row of a run that is held, and releases the run from its claim. */
async function releasing(
  db: Db,
  { handler, lease, run }: HeldRun,
  change: (tx: Tx) => postgres.PendingQuery<postgres.Row[]>,
): Promise<void> {
  await db
    .begin(async (tx) => {
      await tx`select slotbase.release_failed_run(${handler}, ${lease}, ${run.position})`
      const { count } = await change(tx)
      if (count !== 1) throw new Fenced(`${handler}: run ${run.position} was settled by somebody else`)
    })
    .catch((error: unknown) => {
      throw asFenced(error)
    })
}
