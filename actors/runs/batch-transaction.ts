/**
 * One transaction of a transactional handler: the effects of several runs and their settlement commit together. The
 * runs are handled one after the other, or together by a set-based handler, never concurrently inside one transaction.
 */

import type { OneByOneHandler, Outcome, SetBasedHandler, TransactionalHandler } from "#actors/handlers/handler.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { isConnectionLost, QueryTimedOut } from "#base/database/errors.ts"
import type { Tx } from "#base/database/transaction.ts"
import { causedBy } from "#events/caused-by.ts"
import { type EventContext, setEventContext } from "#events/outbox.ts"
import type { Run } from "./claim.ts"
import { asFenced, type Ended, Fenced, settleRuns } from "./settle.ts"

export interface Failure {
  readonly run: Run
  readonly cause: unknown
  readonly durationMs: number
}

/** A run of the batch threw; the other runs did not fail. */
export class RunFailed extends Error {
  constructor(
    readonly run: Run,
    override readonly cause: unknown,
    readonly durationMs: number,
  ) {
    super(`run ${run.position} failed`)
  }
}

/** A set-based handler threw. The cause may be one of its runs, or none. */
export class BatchFailed extends Error {
  constructor(
    override readonly cause: unknown,
    readonly durationMs: number,
  ) {
    super("the batch failed")
  }
}

/**
 * After this time a batch commits the runs that are done and returns the others. It is far below the deadline of a
 * transaction, so a slow handler has smaller batches instead of failures.
 */
const batchMs = 5_000
/**
 * A process that is stopped during a batch holds the row locks of its effects. The server ends its transaction after
 * this time, so that the next owner of the runs need not wait for them.
 */
const idleLimit = "2s"
/**
 * Processes that are stopped while they wait for the same row would get it one after the other, each for its idle
 * limit. Three of them kept the fourth process waiting for 6 s. So the server ends a longer wait. A live process then
 * runs its batch again, without using up an attempt.
 */
const lockLimit = "1s"

export interface Batch {
  readonly lease: number
  readonly runs: readonly Run[]
  /** How many runs the claim still holds, if that is known. */
  readonly whole: number | undefined
  readonly environment: EventContext["environment"]
}

/**
 * Handles as many of the runs as there is time for, in one transaction. Throws RunFailed or BatchFailed for an error of
 * the handler, and Fenced when the lease is void.
 */
export async function runBatch(db: Db, handler: TransactionalHandler, batch: Batch): Promise<readonly Ended[]> {
  const { lease, runs, whole, environment } = batch
  const handling = handlingOf(handler, runs, environment)
  try {
    return await db.begin(async (tx) => {
      // Travels with the first statement of the first run; if it fails, so does the transaction.
      tx`
        select set_config('idle_in_transaction_session_timeout', ${idleLimit}, true), set_config('lock_timeout', ${lockLimit}, true)`.catch(
        () => {},
      )
      const ended = await handling.run(tx)
      // Travels with COMMIT in one round trip.
      tx.beforeCommit((last) => [settleRuns(last, handler.name, lease, ended, whole)])
      return ended
    })
  } catch (error) {
    const reason = asFenced(error)
    if (reason instanceof Fenced) throw reason
    // A lost connection is no failure of a run. A missed deadline is the failure of the run under way.
    if (isConnectionLost(error) || !wasSent(error)) throw error
    throw handling.blame(error)
  }
}

interface Handling {
  readonly run: (tx: Tx) => Promise<readonly Ended[]>
  /** The error as it is, or as RunFailed or BatchFailed when the handler was still at work. */
  readonly blame: (error: unknown) => unknown
}

/** The work of a handler on these runs, in the transaction that it is given. */
export const handlingOf = (
  handler: TransactionalHandler,
  runs: readonly Run[],
  environment: EventContext["environment"],
): Handling =>
  "handleAll" in handler ? together(handler.handleAll, runs) : oneByOne(handler.handle, runs, environment)

function oneByOne(
  handle: OneByOneHandler["handle"],
  runs: readonly Run[],
  environment: EventContext["environment"],
): Handling {
  const begun = performance.now()
  let present: { run: Run; since: number } | undefined

  const handleOne = async (tx: Tx, run: Run): Promise<Ended> => {
    present = { run, since: performance.now() }
    setEventContext(tx, causedBy(run, environment))
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

/** A query that never got a connection says nothing about the run. */
const wasSent = (error: unknown) => !(error instanceof QueryTimedOut) || error.sent
