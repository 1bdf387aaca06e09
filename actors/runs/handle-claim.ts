/**
 * Handles the runs of a claim and settles them: successes together, each failure by itself. Runs whose event is gone,
 * and runs that were abandoned once too often, become dead letters without being handled.
 */

import { GiveUp, type Handler } from "#actors/handlers/handler.ts"
import type { RetryPolicy } from "#actors/runtime/retry.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { metrics } from "#events/metrics.ts"
import type { EventContext } from "#events/outbox.ts"
import type { Failure } from "./batch-transaction.ts"
import { type Claim, type Run, type RunKey, returnRuns } from "./claim.ts"
import { runExternal } from "./external.ts"
import { settleAbandonedRun, settleFailedRun } from "./settle-failed.ts"
import { runTransactional } from "./transactional.ts"

export interface HandlingTools {
  readonly db: Db
  readonly handler: Handler
  readonly policy: RetryPolicy
  readonly environment: EventContext["environment"]
}

/** @returns whether all runs are settled; false: some of them were returned, or are still claimed. */
export async function handleClaim(tools: HandlingTools, claim: Claim, stopping: AbortSignal): Promise<boolean> {
  const { db, handler } = tools
  for (const run of claim.gone) await fail(tools, claim, { run, cause: eventGone(), durationMs: 0 })
  const live = await deadLetterAbandoned(tools, claim)
  const { ended, failures } = await run(tools, live, stopping)
  const allEnded = ended.length + failures.length === live.runs.length
  for (const status of ["success", "skipped"] as const)
    metrics.processed(
      handler.name,
      status,
      ended.filter((run) => run.status === status).map((run) => run.durationMs),
    )
  // A run of an external handler that was cut off by the stop did not fail: it is returned.
  if (stopping.aborted && handler.kind === "external" && isCutOff(tools)) {
    reached("runs-returned")
    await returnRuns(db, { ...claim, runs: failures.map((failure) => failure.run) })
    return allEnded
  }
  for (const failure of failures) await fail(tools, claim, failure)
  return allEnded
}

const run = (tools: HandlingTools, claim: Claim, stopping: AbortSignal) =>
  tools.handler.kind === "transactional"
    ? runTransactional(tools.db, tools.handler, claim, tools.environment)
    : runExternal(tools.db, tools.handler, claim, isCutOff(tools) ? stopping : undefined)

/** Whether a stop of the process cuts a run off. An external run without retries may end. */
const isCutOff = ({ handler, policy }: HandlingTools) => handler.kind === "transactional" || policy.maxRetries > 0

/** The claim without the runs that were abandoned once too often. */
async function deadLetterAbandoned(tools: HandlingTools, claim: Claim): Promise<Claim> {
  const { db, handler, policy } = tools
  const abandoned = claim.runs.filter((run) => isUsedUp(tools, run))
  if (abandoned.length === 0) return claim
  for (const run of abandoned) {
    reached("run-abandoned-too-often", run.id)
    await settleAbandonedRun(db, { handler: handler.name, lease: claim.lease, run, policy })
    reached("abandoned-run-dead-lettered", run.id)
    metrics.failed(handler.name)
    metrics.processed(handler.name, "dead_letter", [0])
  }
  return { ...claim, runs: claim.runs.filter((run) => !isUsedUp(tools, run)) }
}

/** The attempts in quarantine are used up, or the handler is external and has no retries. */
const isUsedUp = ({ handler, policy: { maxRetries } }: HandlingTools, { attempts, quarantined }: Run) =>
  quarantined && (attempts > maxRetries || (handler.kind === "external" && maxRetries === 0))

type FailedRun = Omit<Failure, "run"> & { readonly run: RunKey }

async function fail(tools: HandlingTools, { lease }: Claim, { run, cause, durationMs }: FailedRun): Promise<void> {
  const { db, handler, policy } = tools
  reached("run-failed", run.id)
  const held = { handler: handler.name, lease, run, policy }
  const retriedAfterMs = await settleFailedRun(db, held, { cause, durationMs })
  reached("failure-settled", run.id)
  metrics.failed(handler.name)
  if (retriedAfterMs === undefined) metrics.processed(handler.name, "dead_letter", [durationMs])
}

const eventGone = () => new GiveUp("the event is gone: its partition was dropped", "event_gone")
