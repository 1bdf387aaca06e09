/**
 * One actor per handler: claims its runs, lets the handler handle them, settles them. A handler that fails delays only
 * itself; an event that kills whoever handles it is found out by being claimed alone.
 */

import { GiveUp, type Handler } from "#actors/handlers/handler.ts"
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { inLoneTurn } from "#actors/runtime/quarantine.ts"
import { retryPolicyOf } from "#actors/runtime/retry.ts"
import type { Config } from "#base/config.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { metrics } from "#events/metrics.ts"
import { type Claim, claimFresh, claimLone, claimQueued, giveBack, type Run, type RunKey, takeOver } from "./claim.ts"
import { runExternal } from "./external.ts"
import { Fenced, settleFailure, settleLost } from "./settle.ts"
import { type Failure, runTransactional } from "./transactional.ts"

/** Runs in one transaction: one after the other, more than 100 gained nothing when measured; set-based, 500 took a third less than 200. */
const oneByOneBatch = 100
const setBasedBatch = 500
/** Runs of an external handler side by side: as many may have an unknown outcome when their process dies. */
const externalBatch = 10
/**
 * Nobody waits at the other end: frames and webhooks go first, and one claim takes more. Milliseconds; at 100 and 200 events
 * a second 20 took a tenth less CPU than 8 and a quarter off the webhooks' time, and the effects hardly came later.
 */
const gatherMs = 20
/** How often the queue is looked at, for due retries and returned runs; and what dead processes held. */
const sweepMs = 1_000
/** Lone runs come one after the other; behind a full batch of fresh ones each, they took half a minute. */
const loneMs = 250
/** A sweep walks rows that a long snapshot keeps from vacuum; looking takes a tenth of the time at most. */
const sweepShare = 10
/** A busy machine looks slowly too: what was given back must not wait for long. */
const longestPauseMs = 1_500

/** The events that a handler records happen in its own environment. */
interface RunTools {
  readonly db: Db
  readonly config: Pick<Config, "environment">
}

export function runHandler({ db, config }: RunTools, handler: Handler, owner: () => number): Actor {
  const { name } = handler
  const policy = retryPolicyOf(name)
  const batch = handler.kind === "external" ? externalBatch : "handleAll" in handler ? setBasedBatch : oneByOneBatch
  /** What is never tried again by itself is not cut off either when the process stops. */
  const cutOff = handler.kind === "transactional" || policy.maxRetries > 0
  /** No claim with a smaller lease is left. */
  let since = 0
  let sweepAt = Number.NEGATIVE_INFINITY
  let rescueAt = Number.NEGATIVE_INFINITY
  /** So many runs at most that were lost, and freed by this process, wait in the queue. */
  let freed = 0
  /** Something must be claimed alone. */
  let lone = false
  /** A batch was cut short and has given back runs: there is more to do at once. */
  let returned = false
  /** Runs of an external handler were begun and could not be settled: what they did outside is unknown. */
  let doubtful = false

  async function pass(stopping: AbortSignal): Promise<Pass> {
    if (stopping.aborted) return { more: false }
    returned = false
    await resolveDoubt()
    // What was lost goes ahead, all of it: it has waited since before it was lost. Behind a fresh batch for each of its own, the
    // twenty mails of two dead processes took 2.9 seconds on a busy machine, 0.8 of them for mails that had come later.
    if (performance.now() >= rescueAt) await rescue()
    const ahead = freed > 0
    const begunMore = ahead ? await sweep(stopping) : await begin(stopping)
    const swept = !stopping.aborted && performance.now() >= sweepAt && (await sweep(stopping))
    // Last: another handler's lone run may keep this one waiting.
    lone &&= !stopping.aborted && (await inLoneTurn(owner, () => workLone(stopping)))
    return { more: begunMore || ahead || lone || swept || returned }
  }

  /** The next runs of the log; true when there may be more of them. */
  async function begin(stopping: AbortSignal): Promise<boolean> {
    const fresh = await claimFresh(db, name, owner(), since, batch)
    since = fresh.since
    await work(fresh, stopping)
    return fresh.more
  }

  /** Frees what dead processes held, for the sweeps that follow. */
  async function rescue(): Promise<void> {
    rescueAt = performance.now() + sweepMs
    await takeAll(false)
  }

  /** What was lost twice, one after the other, for a while; true when there may be more. */
  async function workLone(stopping: AbortSignal): Promise<boolean> {
    const until = performance.now() + loneMs
    for (;;) {
      await resolveDoubt()
      const claim = await claimLone(db, name, owner(), since)
      if (claim.lease === 0) return false
      await work(claim, stopping)
      if (stopping.aborted || performance.now() >= until) return true
    }
  }

  /** Before the next claim, which would free what this process had claimed as if it had not begun with it. */
  async function resolveDoubt(): Promise<void> {
    if (doubtful) await takeAll(true)
    doubtful = false
  }

  async function takeAll(own: boolean): Promise<void> {
    const taken = await takeOver(db, name, owner(), since, policy.maxRetries, own)
    freed += taken.freed
    if (taken.freed > 0) sweepAt = Number.NEGATIVE_INFINITY
    if (taken.freed > 0) reached("runs-taken-over")
    lone = taken.lone
  }

  /** What stands in the queue and may be claimed now; true when there may be more of it. */
  async function sweep(stopping: AbortSignal): Promise<boolean> {
    const began = performance.now()
    await resolveDoubt()
    const queued = await claimQueued(db, name, owner(), since, batch)
    const tookMs = performance.now() - began
    // Others take from the queue too, and what must be handled alone is not for this claim.
    freed = queued.more ? Math.max(0, freed - batch) : 0
    await work(queued, stopping)
    const more = returned || queued.more
    if (!more) sweepAt = performance.now() + Math.min(longestPauseMs, Math.max(sweepMs, 2 * tookMs * sweepShare))
    return more
  }

  async function work(claim: Claim, stopping: AbortSignal): Promise<void> {
    if (claim.lease === 0) return
    reached("runs-claimed")
    if (stopping.aborted) return void (await giveBack(db, claim))
    try {
      for (const run of claim.gone)
        await fail(claim.lease, { run, cause: new GiveUp(eventGone, "event_gone"), durationMs: 0 })
      const lost = claim.runs.filter(isLost)
      for (const run of lost) await bury(claim.lease, run)
      const live = lost.length === 0 ? claim : { ...claim, runs: claim.runs.filter((run) => !isLost(run)) }
      const { ended, failures } =
        handler.kind === "transactional"
          ? await runTransactional(db, handler, live, config.environment)
          : await runExternal(db, handler, live, cutOff ? stopping : undefined)
      if (ended.length + failures.length < live.runs.length) {
        returned = true
        sweepAt = Number.NEGATIVE_INFINITY
        doubtful = handler.kind === "external"
      }
      for (const run of ended) metrics.processed(name, run.status, run.durationMs)
      // What an external handler left off because the process stops did not fail: it is given back.
      if (stopping.aborted && cutOff && handler.kind === "external") {
        reached("runs-returned")
        return void (await giveBack(db, { ...claim, runs: failures.map((failure) => failure.run) }))
      }
      for (const failure of failures) await fail(claim.lease, failure)
    } catch (error) {
      // The next claim frees what this one has not settled; it stands in the queue then.
      sweepAt = Number.NEGATIVE_INFINITY
      doubtful = handler.kind === "external"
      returned = true
      if (!(error instanceof Fenced)) throw error
    }
  }

  /** Its lone attempts are used up, or it is of the kind that is never tried again by itself. */
  const isLost = ({ attempts, alone }: Run) =>
    alone && (attempts > policy.maxRetries || (handler.kind === "external" && policy.maxRetries === 0))

  async function bury(lease: number, run: Run): Promise<void> {
    reached("run-lost", run.id)
    await settleLost(db, name, lease, run, policy)
    reached("lost-buried", run.id)
    metrics.failed(name)
    metrics.processed(name, "dead_letter", 0)
  }

  async function fail(
    lease: number,
    { run, cause, durationMs }: Omit<Failure, "run"> & { readonly run: RunKey },
  ): Promise<void> {
    reached("run-failed", run.id)
    const retriedAfterMs = await settleFailure(db, name, lease, run, cause, policy, durationMs)
    reached("failure-settled", run.id)
    metrics.failed(name)
    if (retriedAfterMs === undefined) metrics.processed(name, "dead_letter", durationMs)
  }

  return {
    name,
    description: `Handles ${handler.events.join(", ")}`,
    wokenBy: ["log"],
    gatherMs,
    everyMs: sweepMs,
    cron: "* * * * *",
    // Three claims, each with the longest run of an external handler, and its settling while the database is away.
    deadlineMs: 400_000,
    pass,
  }
}

const eventGone = "the event is gone: its partition was dropped"
