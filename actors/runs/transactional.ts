/**
 * A batch of a transactional handler: the effects of all its runs and their settling commit together, the runs one after
 * the other (never concurrently inside one transaction). When one fails, everything is rolled back, that run is put
 * aside as a failed attempt, and the rest is run again, which counts as nothing. When nobody can say which run it was, the
 * rest is run one by one.
 */
import { type Db, isConnectionLost, QueryTimedOut, type Tx } from "../../src/database/db.ts"
import { type EventContext, open } from "../../src/outbox.ts"
import type { TransactionalHandler } from "../handlers/handler.ts"
import { type Claim, giveBack, type Run } from "./claim.ts"
import { type Ended, settle } from "./settle.ts"

/** A run of the batch threw; the others did nothing wrong. */
export class RunFailed extends Error {
  constructor(
    readonly run: Run,
    override readonly cause: unknown,
    readonly durationMs: number,
  ) {
    super(`run ${run.position} failed`)
  }
}

export interface Failure {
  readonly run: Run
  readonly cause: unknown
  readonly durationMs: number
}

/**
 * A batch that has taken so long commits what it has done and gives the rest back: far below the deadline of a
 * transaction, so that a slow handler makes small batches and no failures.
 */
const batchMs = 5_000
/**
 * A process that is stopped in the middle of a batch holds the row locks of its effects. The server ends such a
 * transaction after this time, or whoever takes the runs over would wait for them.
 */
const idleLimit = "3s"
/** A batch that lost a deadlock to another process is run again, so often at most, before it counts against a run. */
const maxDeadlocks = 5

export async function runTransactional(
  db: Db,
  handler: TransactionalHandler,
  claim: Claim,
  environment: EventContext["environment"],
): Promise<{ ended: readonly Ended[]; failures: readonly Failure[] }> {
  const ended: Ended[] = []
  const failures: Failure[] = []
  let rest = claim.runs
  let together = rest.length
  let deadlocks = 0
  while (rest.length > 0) {
    const batch = rest.slice(0, together)
    try {
      const done = await runAll(db, handler, claim.lease, batch, environment)
      ended.push(...done)
      rest = rest.slice(done.length)
      if (done.length < batch.length) {
        await giveBack(db, { ...claim, runs: rest })
        rest = []
      }
    } catch (error) {
      const failed = error instanceof RunFailed ? error : culpritOf(batch, error)
      if (isDeadlock(failed?.cause ?? error) && ++deadlocks <= maxDeadlocks) continue
      if (failed !== undefined) {
        failures.push(failed)
        rest = rest.filter((run) => run !== failed.run)
      } else if (isRefusal(error)) {
        together = 1
      } else throw error
    }
  }
  return { ended, failures }
}

/** What the database refuses only at the commit (an event, a deferred constraint) names no run, unless there was but one. */
function culpritOf([run, ...others]: readonly Run[], error: unknown): RunFailed | undefined {
  return run !== undefined && others.length === 0 && isRefusal(error) ? new RunFailed(run, error, 0) : undefined
}

/** Handles as many of the runs as there is time for, in one transaction; throws RunFailed for the one that failed. */
async function runAll(
  db: Db,
  handler: TransactionalHandler,
  lease: number,
  runs: readonly Run[],
  environment: EventContext["environment"],
): Promise<readonly Ended[]> {
  const begun = performance.now()
  let present: { run: Run; since: number } | undefined

  const handleOne = async (tx: Tx, run: Run): Promise<Ended> => {
    present = { run, since: performance.now() }
    open(tx, contextOf(run, environment))
    const outcome = await handler.handle(tx, run)
    const durationMs = performance.now() - present.since
    present = undefined
    return {
      position: run.position,
      status: outcome ? "skipped" : "success",
      durationMs,
      reason: outcome?.skipped ?? null,
    }
  }

  try {
    return await db.begin(async (tx) => {
      // Travels with the first statement of the first run; if it fails, so does the transaction.
      tx`select set_config('idle_in_transaction_session_timeout', ${idleLimit}, true)`.catch(() => {})
      const ended: Ended[] = []
      for (const run of runs) {
        ended.push(await handleOne(tx, run))
        if (performance.now() - begun > batchMs) break
      }
      await settle(tx, handler.name, lease, ended)
      return ended
    })
  } catch (error) {
    // A lost connection is nobody's failure; a deadline that passes is that of the run which was under way.
    if (present === undefined || isConnectionLost(error) || !wasSent(error)) throw error
    throw new RunFailed(present.run, error, performance.now() - present.since)
  }
}

/** A call that waited in vain for its turn says nothing about the run. */
const wasSent = (error: unknown) => !(error instanceof QueryTimedOut) || error.sent

/** Whether the database refused what the handler wanted; classes 08, 53, 57, 58 and XX are troubles of its own. */
const isRefusal = (error: unknown) =>
  error instanceof Error &&
  error.name === "PostgresError" &&
  "code" in error &&
  !isConnectionLost(error) &&
  !/^(08|53|57|58|XX)/.test(String(error.code))

/** deadlock_detected and serialization_failure. */
const isDeadlock = (error: unknown) =>
  error instanceof Error && "code" in error && (error.code === "40P01" || error.code === "40001")

/** What a handler records was caused by the event it handles, in the same correlation. */
export const contextOf = (run: Run, environment: EventContext["environment"]): EventContext => ({
  environment,
  correlationId: run.correlation_id,
  causationId: run.id,
  ...(run.user_id !== null && { userId: run.user_id }),
})
