/**
 * A batch of an external handler. Its runs go side by side, outside of any transaction. Each is settled by itself as
 * soon as it has ended. All claimed runs start at once, so a claimed run is a started run. When the process crashes,
 * the outcome of the run is unknown, and the claim shows that.
 */

import type { ExternalHandler } from "#actors/handlers/handler.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { Failure } from "./batch-transaction.ts"
import type { Claim, Run } from "./claim.ts"
import { asFenced, type Ended, Fenced, settleRuns } from "./settle.ts"

/** A run that takes longer has failed, and is told to stop. */
const runTimeoutMs = 60_000
/** How long, and how often, the settlement of a run is tried. */
const settleWithinMs = 60_000
const settleAgainMs = 200

/** @param stopping tells the runs under way to end when the process stops; undefined: they are never cut off. */
export async function runExternal(
  db: Db,
  handler: ExternalHandler,
  claim: Claim,
  stopping?: AbortSignal,
): Promise<{ ended: readonly Ended[]; failures: readonly Failure[] }> {
  const ended: Ended[] = []
  const failures: Failure[] = []
  const one = async (run: Run) => {
    const started = performance.now()
    const elapsed = () => performance.now() - started
    reached("outside-begun", run.id)
    const outcome = await handleOne(db, handler, run, stopping).catch((cause: unknown) => {
      failures.push({ run, cause, durationMs: elapsed() })
      return "failed" as const
    })
    if (outcome === "failed") return
    reached("outside-effect-made", run.id)
    const status = outcome ? "skipped" : "success"
    const done: Ended = { position: run.position, status, durationMs: elapsed(), reason: outcome?.skipped ?? null }
    await settleAtLast(db, handler.name, claim.lease, done)
    ended.push(done)
    reached("outside-settled", run.id)
  }
  const results = await Promise.allSettled(claim.runs.map(one))
  // A fenced run needs nothing more. Any other error comes from the database, and the claim is returned.
  const broken = results.find((result) => result.status === "rejected" && !(result.reason instanceof Fenced))
  if (broken?.status === "rejected") throw broken.reason
  return { ended, failures }
}

/** An outside effect cannot be taken back: while the database is away, the end of the run is kept and tried again. */
async function settleAtLast(db: Db, handler: string, lease: number, done: Ended): Promise<void> {
  const giveUpAt = performance.now() + settleWithinMs
  for (;;) {
    try {
      await settleRuns(db, handler, lease, [done])
      return
    } catch (error) {
      const reason = asFenced(error)
      if (reason instanceof Fenced || performance.now() > giveUpAt) throw reason
      await Bun.sleep(settleAgainMs)
    }
  }
}

async function handleOne(db: Db, handler: ExternalHandler, run: Run, stopping: AbortSignal | undefined) {
  const late = new AbortController()
  const signal = stopping === undefined ? late.signal : AbortSignal.any([stopping, late.signal])
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const error = new Error(`no end after ${runTimeoutMs} ms`)
    late.abort(error)
    reject(error)
  }, runTimeoutMs)
  try {
    const work = handler.handle(run, { db, signal, idempotencyKey: `${run.id}:${handler.name}` })
    return await Promise.race([work, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
