/**
 * The runs of one handler in this process. A pass is five steps: release orphaned claims, rescue abandoned runs, then
 * claim, handle and settle fresh runs, queued runs and quarantined runs.
 */

import { GiveUp, type Handler } from "#actors/handlers/handler.ts"
import type { Pass } from "#actors/runtime/actor.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import { type RetryPolicy, retryPolicyOf } from "#actors/runtime/retry.ts"
import type { App } from "#base/app.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { metrics } from "#events/metrics.ts"
import type { Failure } from "./batch-transaction.ts"
import {
  type Claim,
  claimFreshRuns,
  claimQuarantinedRun,
  claimQueuedRuns,
  type Run,
  type RunKey,
  releaseAbandonedRuns,
  returnRuns,
} from "./claim.ts"
import { runExternal } from "./external.ts"
import { Fenced } from "./settle.ts"
import { settleAbandonedRun, settleFailedRun } from "./settle-failed.ts"
import { runTransactional } from "./transactional.ts"

/** Runs of one transaction, one after the other. More than 100 gained nothing when measured. */
const oneByOneBatch = 100
/** Runs of one transaction, handled together: 500 took a third less time than 200. */
const setBasedBatch = 500
/** Runs of an external handler side by side. So many may have an unknown outcome when their process dies. */
const externalBatch = 10
/**
 * How often the queue is claimed from, for due retries and returned runs, and how often dead processes are looked for.
 */
export const queueEveryMs = 1_000
/**
 * Quarantined runs come one after the other for so long. With a full batch of fresh runs before each, they took 30 s.
 */
const quarantineMs = 250
/** A claim from the queue walks rows that a long snapshot keeps from vacuum. It takes a tenth of the time at most. */
const queueShare = 10
/** The longest pause between two claims from the queue. A busy machine is slow too, and returned runs must not wait. */
const longestQueuePauseMs = 1_500

export class RunLoop {
  readonly #db: Db
  readonly #app: App
  readonly #handler: Handler
  readonly #process: ActorProcess
  readonly #policy: RetryPolicy
  readonly #batch: number
  /** Whether a stop of the process cuts a run off. A run without retries may end. */
  readonly #isCutOff: boolean
  /** No claim with a smaller lease is left. */
  #since = 0
  #nextQueueAt = Number.NEGATIVE_INFINITY
  #nextRescueAt = Number.NEGATIVE_INFINITY
  /** Runs that this process released from dead ones, and that may still wait in the queue; at most so many. */
  #rescued = 0
  /** The handler has quarantined runs. */
  #hasQuarantined = false
  /** A batch of this pass was cut short and has returned runs: there is more to do at once. */
  #hasReturned = false
  /** Runs of an external handler were begun and not settled: the outside effects of these claims are unknown. */
  #hasOrphans = false

  constructor(app: App, handler: Handler, process: ActorProcess) {
    this.#db = app.db
    this.#app = app
    this.#handler = handler
    this.#process = process
    this.#policy = retryPolicyOf(handler.name)
    this.#batch = batchOf(handler)
    this.#isCutOff = handler.kind === "transactional" || this.#policy.maxRetries > 0
  }

  async pass(stopping: AbortSignal): Promise<Pass> {
    if (stopping.aborted) return { more: false }
    this.#hasReturned = false
    await this.#releaseOrphans()
    await this.#rescue()
    const moreFresh = await this.#fresh(stopping)
    const moreQueued = await this.#queue(stopping)
    const moreQuarantined = await this.#quarantine(stopping)
    return { more: moreFresh || moreQueued || moreQuarantined || this.#hasReturned }
  }

  /** Step 1, before each claim: the claim would otherwise free orphaned runs as if they had not begun. */
  async #releaseOrphans(): Promise<void> {
    if (this.#hasOrphans) await this.#release({ own: true })
    this.#hasOrphans = false
  }

  /** Step 2: releases the runs of dead processes into the queue. */
  async #rescue(): Promise<void> {
    if (performance.now() < this.#nextRescueAt) return
    this.#nextRescueAt = performance.now() + queueEveryMs
    await this.#release({ own: false })
  }

  /**
   * Step 3: the next runs of the log. Rescued runs of the queue go first, all of them: they have waited longer. When
   * each batch of them waited for a fresh one, twenty mails of two dead processes took 2.9 seconds on a busy machine.
   * Of these, 0.8 seconds were spent on later mails.
   */
  async #fresh(stopping: AbortSignal): Promise<boolean> {
    if (this.#rescued > 0) {
      await this.#claimFromQueue(stopping)
      return true
    }
    const claim = await claimFreshRuns(this.#db, this.#handler.name, this.#process.owner(), this.#since, this.#batch)
    this.#since = claim.since
    await this.#handle(claim, stopping)
    return claim.more
  }

  /** Step 4: returned runs and due retries, when it is time. */
  async #queue(stopping: AbortSignal): Promise<boolean> {
    if (stopping.aborted || performance.now() < this.#nextQueueAt) return false
    return this.#claimFromQueue(stopping)
  }

  /** Step 5, the last one: another handler's quarantined run may keep this handler waiting. */
  async #quarantine(stopping: AbortSignal): Promise<boolean> {
    if (!this.#hasQuarantined) return false
    const { quarantine } = this.#process
    this.#hasQuarantined = !stopping.aborted && (await quarantine.handleRun(() => this.#handleQuarantined(stopping)))
    return this.#hasQuarantined
  }

  /** Quarantined runs, one after the other, for a while; true when there may be more. */
  async #handleQuarantined(stopping: AbortSignal): Promise<boolean> {
    const until = performance.now() + quarantineMs
    for (;;) {
      await this.#releaseOrphans()
      const claim = await claimQuarantinedRun(this.#db, this.#handler.name, this.#process.owner(), this.#since)
      if (claim.lease === 0) return false
      await this.#handle(claim, stopping)
      if (stopping.aborted || performance.now() >= until) return true
    }
  }

  /** True when there may be more to claim from the queue at once. */
  async #claimFromQueue(stopping: AbortSignal): Promise<boolean> {
    const began = performance.now()
    await this.#releaseOrphans()
    const claim = await claimQueuedRuns(this.#db, this.#handler.name, this.#process.owner(), this.#since, this.#batch)
    const tookMs = performance.now() - began
    // Other processes claim from the queue too, and this claim takes no quarantined run.
    this.#rescued = claim.more ? Math.max(0, this.#rescued - this.#batch) : 0
    await this.#handle(claim, stopping)
    const more = this.#hasReturned || claim.more
    const pauseMs = Math.min(longestQueuePauseMs, Math.max(queueEveryMs, 2 * tookMs * queueShare))
    if (!more) this.#nextQueueAt = performance.now() + pauseMs
    return more
  }

  async #release({ own }: { readonly own: boolean }): Promise<void> {
    const { name } = this.#handler
    const { maxRetries } = this.#policy
    const done = await releaseAbandonedRuns(this.#db, name, this.#process.owner(), this.#since, maxRetries, own)
    this.#rescued += done.released
    if (done.released > 0) this.#nextQueueAt = Number.NEGATIVE_INFINITY
    if (done.released > 0) reached("runs-taken-over")
    this.#hasQuarantined = done.quarantined
  }

  /** Handles and settles the runs of a claim, each failure by itself. */
  async #handle(claim: Claim, stopping: AbortSignal): Promise<void> {
    if (claim.lease === 0) return
    reached("runs-claimed")
    if (stopping.aborted) return void (await returnRuns(this.#db, claim))
    try {
      for (const run of claim.gone) await this.#fail(claim, { run, cause: eventGone(), durationMs: 0 })
      const live = await this.#deadLetterAbandoned(claim)
      const { ended, failures } = await this.#run(live, stopping)
      if (ended.length + failures.length < live.runs.length) this.#expectReturned()
      for (const run of ended) metrics.processed(this.#handler.name, run.status, run.durationMs)
      // A run of an external handler that was cut off by the stop did not fail: it is returned.
      if (stopping.aborted && this.#isCutOff && this.#handler.kind === "external") {
        reached("runs-returned")
        return void (await returnRuns(this.#db, { ...claim, runs: failures.map((failure) => failure.run) }))
      }
      for (const failure of failures) await this.#fail(claim, failure)
    } catch (error) {
      // The next claim frees the runs that this one has not settled; they stand in the queue then.
      this.#expectReturned()
      if (!(error instanceof Fenced)) throw error
    }
  }

  #run(claim: Claim, stopping: AbortSignal) {
    const handler = this.#handler
    return handler.kind === "transactional"
      ? runTransactional(this.#db, handler, claim, this.#app.config.environment)
      : runExternal(this.#db, handler, claim, this.#isCutOff ? stopping : undefined)
  }

  /** Runs of the claim were not settled, and will stand in the queue. */
  #expectReturned(): void {
    this.#hasReturned = true
    this.#nextQueueAt = Number.NEGATIVE_INFINITY
    this.#hasOrphans = this.#handler.kind === "external"
  }

  /** The claim without the runs that were abandoned once too often. */
  async #deadLetterAbandoned(claim: Claim): Promise<Claim> {
    const abandoned = claim.runs.filter((run) => this.#isUsedUp(run))
    if (abandoned.length === 0) return claim
    for (const run of abandoned) {
      reached("run-lost", run.id)
      await settleAbandonedRun(this.#db, this.#held(claim, run))
      reached("lost-buried", run.id)
      metrics.failed(this.#handler.name)
      metrics.processed(this.#handler.name, "dead_letter", 0)
    }
    return { ...claim, runs: claim.runs.filter((run) => !this.#isUsedUp(run)) }
  }

  /** Its attempts in quarantine are used up, or its handler is external and has no retries. */
  #isUsedUp({ attempts, quarantined }: Run): boolean {
    const { maxRetries } = this.#policy
    return quarantined && (attempts > maxRetries || (this.#handler.kind === "external" && maxRetries === 0))
  }

  async #fail(claim: Claim, { run, cause, durationMs }: FailedRun): Promise<void> {
    reached("run-failed", run.id)
    const retriedAfterMs = await settleFailedRun(this.#db, this.#held(claim, run), { cause, durationMs })
    reached("failure-settled", run.id)
    metrics.failed(this.#handler.name)
    if (retriedAfterMs === undefined) metrics.processed(this.#handler.name, "dead_letter", durationMs)
  }

  #held({ handler, lease }: Claim, run: RunKey) {
    return { handler, lease, run, policy: this.#policy }
  }
}

type FailedRun = Omit<Failure, "run"> & { readonly run: RunKey }

const eventGone = () => new GiveUp("the event is gone: its partition was dropped", "event_gone")

function batchOf(handler: Handler): number {
  if (handler.kind === "external") return externalBatch
  return "handleAll" in handler ? setBasedBatch : oneByOneBatch
}
