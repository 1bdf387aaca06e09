/**
 * The runs of one handler in this process. A pass is five steps: release orphaned claims, rescue abandoned runs, then
 * claim, handle and settle fresh runs, queued runs and quarantined runs.
 */

import type { Handler } from "#actors/handlers/handler.ts"
import type { Pass } from "#actors/runtime/actor.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import { retryPolicyOf } from "#actors/runtime/retry.ts"
import type { Config } from "#base/config.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import {
  type Claim,
  claimFreshRuns,
  claimQuarantinedRun,
  claimQueuedRuns,
  releaseAbandonedRuns,
  returnRuns,
} from "./claim.ts"
import { type HandlingTools, handleClaim } from "./handle-claim.ts"
import type { JointMember } from "./joint-member.ts"
import { Fenced } from "./settle.ts"

/** Runs of one transaction, one after the other. More than 100 gained nothing when measured. */
const oneByOneBatch = 100
/** Runs of one transaction, handled together: 500 took a third less time than 200. */
const setBasedBatch = 500
/** Runs of an external handler side by side. So many may have an unknown outcome when their process crashes. */
const externalBatch = 10
/** How often due retries and returned runs are claimed from the queue, and how often it looks for expired processes. */
export const queueEveryMs = 1_000
/**
 * For this time quarantined runs are handled one after the other. With a full batch of fresh runs before each, they
 * took 30 s.
 */
const quarantineMs = 250
/**
 * Claims from the queue take at most a tenth of the time, because they read rows that a long snapshot keeps from
 * vacuum.
 */
const queueShare = 10
/** The longest pause between two claims from the queue. A busy machine is slow too, and returned runs must not wait. */
const longestQueuePauseMs = 1_500

export interface RunTools {
  readonly db: Db
  /** The environment of the events that a handler records. */
  readonly config: Pick<Config, "environment">
}

export class RunLoop {
  readonly #tools: HandlingTools
  readonly #process: ActorProcess
  readonly #batch: number
  /** `since`: no claim with a smaller lease is left. */
  readonly #place: { since: number }
  /** Set: it also works with others, and claims from the log only while it is apart from them. */
  readonly #member: JointMember | undefined
  #nextQueueAt = Number.NEGATIVE_INFINITY
  #nextRescueAt = Number.NEGATIVE_INFINITY
  /** The most runs that this process rescued from expired ones, and that may still wait in the queue. */
  #rescued = 0
  /** The handler has quarantined runs. */
  #hasQuarantined = false
  /** A batch of this pass was cut short and has returned runs: there is more to do at once. */
  #hasReturned = false
  /** Runs of an external handler were begun and not settled: the outside effects of these claims are unknown. */
  #hasOrphans = false

  constructor({ db, config }: RunTools, handler: Handler, process: ActorProcess, member?: JointMember) {
    this.#member = member
    this.#place = member ?? { since: 0 }
    this.#tools = { db, handler, policy: retryPolicyOf(handler.name, handler.retry), environment: config.environment }
    this.#process = process
    this.#batch = batchOf(handler)
  }

  async pass(stopping: AbortSignal): Promise<Pass> {
    if (stopping.aborted) return { more: false }
    await this.#member?.begin()
    try {
      return await this.#work(stopping)
    } finally {
      this.#member?.end()
    }
  }

  /** After the last pass: returns what was taken along from joint claims and was not begun. */
  async returnTaken(): Promise<void> {
    for (const claim of this.#member?.taken.splice(0) ?? []) await returnRuns(this.#tools.db, claim)
  }

  async #work(stopping: AbortSignal): Promise<Pass> {
    this.#hasReturned = false
    // Before each claim: the claim would free them.
    for (const claim of this.#member?.taken.splice(0) ?? []) await this.#handle(claim, stopping)
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

  /** Step 2: releases the runs of expired processes into the queue. */
  async #rescue(): Promise<void> {
    if (performance.now() < this.#nextRescueAt) return
    this.#nextRescueAt = performance.now() + queueEveryMs
    await this.#release({ own: false })
  }

  /**
   * Step 3: the next runs of the log. Rescued runs of the queue go first, all of them: they have waited longer. When
   * each batch of them waited for a fresh one, twenty mails of two killed processes took 2.9 seconds on a busy machine.
   * Later mails took 0.8 of these seconds.
   */
  async #fresh(stopping: AbortSignal): Promise<boolean> {
    if (this.#rescued > 0) {
      await this.#claimFromQueue(stopping)
      return true
    }
    if (this.#member?.isApart === false) return false
    const claim = await claimFreshRuns(...this.#claimant, this.#batch)
    this.#place.since = claim.since
    await this.#handle(claim, stopping)
    if (!claim.more && !this.#hasReturned) this.#member?.caughtUp()
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
      const claim = await claimQuarantinedRun(...this.#claimant)
      if (claim.lease === 0) return false
      await this.#handle(claim, stopping)
      if (stopping.aborted || performance.now() >= until) return true
    }
  }

  /** True when there may be more to claim from the queue at once. */
  async #claimFromQueue(stopping: AbortSignal): Promise<boolean> {
    const began = performance.now()
    await this.#releaseOrphans()
    const claim = await claimQueuedRuns(...this.#claimant, this.#batch)
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
    const done = await releaseAbandonedRuns(...this.#claimant, this.#tools.policy.maxRetries, own)
    this.#rescued += done.released
    if (done.released > 0) this.#nextQueueAt = Number.NEGATIVE_INFINITY
    if (done.released > 0) reached("abandoned-runs-released")
    this.#hasQuarantined = done.quarantined
  }

  /** The first arguments of each statement that claims or releases. */
  get #claimant() {
    const { db, handler } = this.#tools
    return [db, handler.name, this.#process.owner(), this.#place.since] as const
  }

  async #handle(claim: Claim, stopping: AbortSignal): Promise<void> {
    if (claim.lease === 0) return
    reached("runs-claimed")
    if (stopping.aborted) return void (await returnRuns(this.#tools.db, claim))
    try {
      const allEnded = await handleClaim(this.#tools, claim, stopping)
      if (!allEnded) this.#expectReturned()
    } catch (error) {
      // The next claim releases the runs that this one has not settled into the queue.
      this.#expectReturned()
      if (!(error instanceof Fenced)) throw error
    }
  }

  /** Runs of the claim were not settled, and will be in the queue. */
  #expectReturned(): void {
    this.#hasReturned = true
    this.#nextQueueAt = Number.NEGATIVE_INFINITY
    this.#hasOrphans = this.#tools.handler.kind === "external"
  }
}

function batchOf(handler: Handler): number {
  if (handler.kind === "external") return externalBatch
  return "handleAll" in handler ? setBasedBatch : oneByOneBatch
}
