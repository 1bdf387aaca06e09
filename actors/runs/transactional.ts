/**
 * A batch of a transactional handler: the effects of all its runs and their settling commit together, the runs one after
 * the other (never concurrently inside one transaction). When one fails, everything is rolled back, that run is put
 * aside as a failed attempt, and the rest is run again, which counts as nothing. When nobody can say which run it was (a
 * set-based handler, a refusal at the commit), the rest is run one by one.
 */

import type {
  HandledEvent,
  OneByOneHandler,
  Outcome,
  SetBasedHandler,
  TransactionalHandler,
} from "#actors/handlers/handler.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { isConnectionLost, QueryTimedOut } from "#base/database/errors.ts"
import type { Tx } from "#base/database/transaction.ts"
import { type EventContext, setEventContext } from "#events/outbox.ts"
import { type Claim, giveBack, type Run } from "./claim.ts"
import { asFenced, type Ended, Fenced, settle } from "./settle.ts"

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

/** A set-based handler threw: one of its runs, or none, is the reason. */
class BatchFailed extends Error {
  constructor(
    override readonly cause: unknown,
    readonly durationMs: number,
  ) {
    super("the batch failed")
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
const idleLimit = "2s"
/**
 * Processes that are stopped while they wait behind one another for the same row would get it one after the other, each for
 * its idle limit: three of them kept the fourth from it for 6 s. So the server lets nobody wait for longer; whoever lives
 * runs its batch again, which counts as nothing.
 */
const lockLimit = "1s"
/** As often, in a row, until it counts against a run: about as long as a query may take. */
const maxLockWaits = 10
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
  let lockWaits = 0
  while (rest.length > 0) {
    const batch = rest.slice(0, together)
    try {
      // A run that failed is still held by the claim.
      const whole = failures.length === 0 ? rest.length : undefined
      const done = await runAll(db, handler, claim.lease, batch, whole, environment)
      reached("runs-committed")
      lockWaits = 0
      ended.push(...done)
      rest = rest.slice(done.length)
      if (done.length < batch.length) {
        reached("batch-cut-short")
        await giveBack(db, { ...claim, runs: rest })
        reached("rest-returned")
        rest = []
      }
    } catch (error) {
      const failed = error instanceof RunFailed ? error : culpritOf(batch, error)
      const cause = failed?.cause ?? (error instanceof BatchFailed ? error.cause : error)
      if (isDeadlock(cause) && ++deadlocks <= maxDeadlocks) continue
      if (isLockWait(cause) && ++lockWaits <= maxLockWaits) continue
      lockWaits = 0
      if (failed !== undefined) {
        failures.push(failed)
        rest = rest.filter((run) => run !== failed.run)
      } else if (error instanceof BatchFailed || isRefusal(error)) {
        together = 1
      } else throw error
    }
  }
  return { ended, failures }
}

/** What the database refuses only at the commit (an event, a deferred constraint) names no run, unless there was but one. */
function culpritOf([run, ...others]: readonly Run[], error: unknown): RunFailed | undefined {
  if (run === undefined || others.length > 0) return undefined
  if (error instanceof BatchFailed) return new RunFailed(run, error.cause, error.durationMs)
  return isRefusal(error) ? new RunFailed(run, error, 0) : undefined
}

/** Handles as many of the runs as there is time for, in one transaction; throws RunFailed or BatchFailed for what the handler threw. */
async function runAll(
  db: Db,
  handler: TransactionalHandler,
  lease: number,
  runs: readonly Run[],
  /** How many runs the claim still holds, if that is known. */
  whole: number | undefined,
  environment: EventContext["environment"],
): Promise<readonly Ended[]> {
  const handling =
    "handleAll" in handler ? together(handler.handleAll, runs) : oneByOne(handler.handle, runs, environment)
  try {
    return await db.begin(async (tx) => {
      // Travels with the first statement of the first run; if it fails, so does the transaction.
      tx`
        select set_config('idle_in_transaction_session_timeout', ${idleLimit}, true), set_config('lock_timeout', ${lockLimit}, true)`.catch(
        () => {},
      )
      const ended = await handling.run(tx)
      // In one round trip with COMMIT.
      tx.beforeCommit((last) => [settle(last, handler.name, lease, ended, whole)])
      return ended
    })
  } catch (error) {
    const reason = asFenced(error)
    if (reason instanceof Fenced) throw reason
    // A lost connection is nobody's failure; a deadline that passes is that of the run which was under way.
    if (isConnectionLost(error) || !wasSent(error)) throw error
    throw handling.blame(error)
  }
}

interface Handling {
  readonly run: (tx: Tx) => Promise<readonly Ended[]>
  /** The error, or whose it is when the handler was still at work. */
  readonly blame: (error: unknown) => unknown
}

function oneByOne(
  handle: OneByOneHandler["handle"],
  runs: readonly Run[],
  environment: EventContext["environment"],
): Handling {
  const begun = performance.now()
  let present: { run: Run; since: number } | undefined

  const handleOne = async (tx: Tx, run: Run): Promise<Ended> => {
    present = { run, since: performance.now() }
    setEventContext(tx, contextOf(run, environment))
    reached("effect-begun", run.id)
    const outcome = await handle(tx, run)
    reached("effect-made", run.id)
    const durationMs = performance.now() - present.since
    present = undefined
    return endedAs(run, outcome, durationMs)
  }
  return {
    run: async (tx) => {
      const ended: Ended[] = []
      for (const run of runs) {
        ended.push(await handleOne(tx, run))
        if (performance.now() - begun > batchMs) break
      }
      return ended
    },
    blame: (error) =>
      present === undefined ? error : new RunFailed(present.run, error, performance.now() - present.since),
  }
}

function together(handleAll: SetBasedHandler["handleAll"], runs: readonly Run[]): Handling {
  const begun = performance.now()
  let working = true
  return {
    run: async (tx) => {
      for (const run of runs) reached("effect-begun", run.id)
      const outcomes = await handleAll(tx, runs)
      for (const run of runs) reached("effect-made", run.id)
      working = false
      const durationMs = (performance.now() - begun) / runs.length
      return runs.map((run, nth) => endedAs(run, outcomes?.[nth], durationMs))
    },
    blame: (error) => (working ? new BatchFailed(error, performance.now() - begun) : error),
  }
}

const endedAs = (run: Run, outcome: Outcome, durationMs: number): Ended => ({
  position: run.position,
  status: outcome ? "skipped" : "success",
  durationMs,
  reason: outcome?.skipped ?? null,
})

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
const isDeadlock = (error: unknown) => hasCode(error, "40P01", "40001")

/** lock_not_available: the server's limit of a wait has passed. */
const isLockWait = (error: unknown) => hasCode(error, "55P03")

const hasCode = (error: unknown, ...codes: readonly string[]) =>
  error instanceof Error && "code" in error && codes.includes(String(error.code))

/** What a handler records was caused by the event it handles, in the same correlation. */
export const contextOf = (run: HandledEvent, environment: EventContext["environment"]): EventContext => ({
  environment,
  correlationId: run.correlation_id,
  causationId: run.id,
  ...(run.user_id !== null && { userId: run.user_id }),
})
