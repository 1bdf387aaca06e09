/**
 * A claim of a transactional handler, in as few transactions as possible (batch-transaction.ts). When a run fails,
 * everything is rolled back, and that run is set aside as a failed attempt. The other runs are handled again, without
 * using up an attempt. When an error names no run (a set-based handler, a refusal at the commit), the runs are handled
 * one by one.
 */

import type { TransactionalHandler } from "#actors/handlers/handler.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { isConnectionLost } from "#base/database/errors.ts"
import type { EventContext } from "#events/outbox.ts"
import { BatchFailed, type Failure, RunFailed, runBatch } from "./batch-transaction.ts"
import { type Claim, type Run, returnRuns } from "./claim.ts"
import type { Ended } from "./settle.ts"

/** Lock waits in a row, until one counts against a run: together about as long as a query may take. */
const maxLockWaits = 10
/** Deadlocks that a claim may lose to other processes, until one counts against a run. */
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
  let batchSize = "atMost" in handler && handler.atMost !== undefined ? handler.atMost : rest.length
  let deadlocks = 0
  let lockWaits = 0
  while (rest.length > 0) {
    const runs = rest.slice(0, batchSize)
    try {
      // A run that failed is still held by the claim.
      const whole = failures.length === 0 ? rest.length : undefined
      const done = await runBatch(db, handler, { lease: claim.lease, runs, whole, environment })
      reached("runs-committed")
      lockWaits = 0
      ended.push(...done)
      rest = rest.slice(done.length)
      if (done.length < runs.length) {
        reached("batch-cut-short")
        await returnRuns(db, { ...claim, runs: rest })
        reached("rest-returned")
        rest = []
      }
    } catch (error) {
      const failed = error instanceof RunFailed ? error : culpritOf(runs, error)
      const cause = failed?.cause ?? (error instanceof BatchFailed ? error.cause : error)
      if (isDeadlock(cause) && ++deadlocks <= maxDeadlocks) continue
      if (isLockWait(cause) && ++lockWaits <= maxLockWaits) continue
      lockWaits = 0
      if (failed !== undefined) {
        failures.push(failed)
        rest = rest.filter((run) => run !== failed.run)
      } else if (error instanceof BatchFailed || isStatementRefused(error)) {
        batchSize = 1
      } else throw error
    }
  }
  return { ended, failures }
}

/** A refusal at the commit (an event, a deferred constraint) names no run, unless there was only one. */
function culpritOf([run, ...others]: readonly Run[], error: unknown): RunFailed | undefined {
  if (run === undefined || others.length > 0) return undefined
  if (error instanceof BatchFailed) return new RunFailed(run, error.cause, error.durationMs)
  return isStatementRefused(error) ? new RunFailed(run, error, 0) : undefined
}

/**
 * Whether the database refused a statement of the handler. Classes 08, 53, 57, 58 and XX are troubles of the database
 * itself.
 */
export const isStatementRefused = (error: unknown) =>
  error instanceof Error &&
  error.name === "PostgresError" &&
  "code" in error &&
  !isConnectionLost(error) &&
  !/^(08|53|57|58|XX)/.test(String(error.code))

/** deadlock_detected and serialization_failure. */
const isDeadlock = (error: unknown) => hasCode(error, "40P01", "40001")

/** lock_not_available: the server's limit of a wait has passed. */
const isLockWait = (error: unknown) => hasCode(error, "55P03")

const hasCode = (error: unknown, ...codes: readonly string[]) =>
  error instanceof Error && "code" in error && codes.includes(String(error.code))
