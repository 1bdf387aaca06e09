/**
 * The deliverer of a process claims (claimer.ts), sends (sender.ts) and settles (settler.ts) side by side. So no
 * delivery waits for the slowest of a batch. A pass finds work and claims as much as fits. From there each request goes
 * its own way, and each end makes room for the next claim. A failure of the database shows in the next pass.
 */

import type { Pass } from "#actors/runtime/actor.ts"
import { type ActorProcess, leaveDelivering } from "#actors/runtime/life-sign.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { defaultTimeoutMs } from "#base/egress/fetch.ts"
import type { SecretBox } from "#base/secrets.ts"
import { makeAttempt } from "./attempt.ts"
import { bodyOfDelivery } from "./body.ts"
import { noteOutcome } from "./breaker.ts"
import { BreakerRows } from "./breaker-rows.ts"
import { Claimer } from "./claimer.ts"
import type { AttemptResult } from "./delivery.ts"
import { deliveryLimits, type Endpoint, isSlow } from "./endpoint.ts"
import { Endpoints } from "./endpoints.ts"
import { Finder } from "./finder.ts"
import { beginSlowly, notePause } from "./pause.ts"
import { Reclaimer } from "./reclaim.ts"
import { Sender } from "./sender.ts"
import type { DueRetry } from "./settle-failed-rows.ts"
import { Settler } from "./settler.ts"
import { TurnOffers } from "./turn-offers.ts"

export interface DelivererTools {
  readonly db: Db
  readonly secrets: SecretBox
  /** Networks that may be reached although they are not public. */
  readonly allow: readonly string[]
  readonly process: ActorProcess
  /** From 0 to 1; a test says 0.5 for no jitter. */
  readonly random?: () => number
  readonly timeoutMs?: number
  /** How long requests under way may go on when the process stops. After that their outcome is unknown. */
  readonly graceMs?: number
  /** Called at the end of each attempt. */
  readonly onAttempt?: (outcome: AttemptResult["outcome"], durationMs: number) => void
}

/** How often it looks for expired processes, milliseconds. */
const reclaimEveryMs = 1_000
/** How long a pass waits for its claims, milliseconds. */
const claimingMs = 100
/** The actor's polling interval, milliseconds. A retry that is due later is left to the next pass. */
const pollEveryMs = 1_000
const defaultGraceMs = 5_000
/** The time for the last settlements, after the grace time, milliseconds. */
const lastSettlingMs = 2_000

export class Deliverer {
  readonly #tools: DelivererTools
  readonly #endpoints = new Endpoints()
  readonly #breakers: BreakerRows
  readonly #reclaimer: Reclaimer
  readonly #finder: Finder
  readonly #claimer: Claimer
  readonly #sender: Sender
  readonly #settler: Settler
  /** What the dispatcher of this process claims in its turns. */
  readonly turns: TurnOffers
  /** Aborts the requests under way. */
  readonly #abort = new AbortController()
  #reclaimedAt = Number.NEGATIVE_INFINITY
  /** A failure outside of a pass; the next pass throws it. */
  #failure: { readonly error: unknown } | undefined
  #isDraining = false

  constructor(tools: DelivererTools) {
    const { db, process } = tools
    const attempt = {
      secrets: tools.secrets,
      allow: tools.allow,
      signal: this.#abort.signal,
      random: tools.random ?? Math.random,
      timeoutMs: tools.timeoutMs ?? defaultTimeoutMs,
      bodyOf: bodyOfDelivery(db),
    }
    this.#tools = tools
    this.#breakers = new BreakerRows(db, process.owner)
    this.#reclaimer = new Reclaimer(db, process.owner)
    this.#finder = new Finder({
      db,
      endpoints: this.#endpoints,
      breakers: this.#breakers,
      isDraining: () => this.#isDraining,
    })
    this.#claimer = new Claimer({
      db,
      process,
      endpoints: this.#endpoints,
      onClaimed: (endpoint) => this.#claimed(endpoint),
      onHeld: (webhookId, until, paused) => this.#held(webhookId, until, paused),
      onFailed: (error) => this.#failed(error),
    })
    this.#settler = new Settler({
      db,
      onSettled: (results, retries) => this.#settled(results, retries),
      onFailed: (error) => this.#failed(error),
    })
    this.turns = new TurnOffers({
      process,
      claimer: this.#claimer,
      finder: this.#finder,
      settler: this.#settler,
      onClaimed: (endpoint) => this.#claimed(endpoint),
    })
    this.#sender = new Sender({
      send: (delivery) => makeAttempt(delivery, attempt),
      isStale: (delivery) => this.#claimer.isStale(delivery),
      returnWaiting: (endpoint) => void this.#claimer.returnWaiting([endpoint]),
      onEnded: (endpoint, result) => this.#ended(endpoint, result),
    })
  }

  async pass(): Promise<Pass> {
    if (this.#failure) {
      const { error } = this.#failure
      this.#failure = undefined
      throw error
    }
    if (this.#isDraining) return { more: false }
    await this.#reclaim()
    const more = await this.#finder.find()
    await this.#claim()
    const due = this.#endpoints.nextDue()
    return { more, ...(due !== undefined && { dueAt: new Date(due) }) }
  }

  /**
   * Claims until there is no room, and goes on with it behind the pass when that takes long. Webhooks that catch up are
   * due again at every moment, so their claims do not end. The next pass must find what is new for the others.
   */
  async #claim(): Promise<void> {
    let isWaitedFor = true
    const claiming = this.#claimer.untilFull().catch((error) => {
      if (isWaitedFor) throw error
      this.#failed(error)
    })
    await Promise.race([claiming, Bun.sleep(claimingMs)])
    isWaitedFor = false
  }

  /** The next pass scans the whole queue, not only the log. */
  requestScan(): void {
    this.#finder.requestScan()
  }

  /** Resolves when nothing is claimed any more. */
  idle(): Promise<void> {
    return this.#claimer.idle()
  }

  /** Claims nothing more, returns unsent deliveries, and lets requests under way end within the grace time. */
  async drain(): Promise<void> {
    this.#isDraining = true
    await this.#claimer.close()
    await this.#claimer.returnWaiting(this.#endpoints.all())
    const graceMs = this.#tools.graceMs ?? defaultGraceMs
    const grace = setTimeout(() => this.#abort.abort(), graceMs)
    await Promise.race([this.#claimer.idle(), Bun.sleep(graceMs + lastSettlingMs)])
    clearTimeout(grace)
    await this.#breakers.end()
    // Without it the others wait until the whole process has ended.
    await leaveDelivering(this.#tools.db, this.#tools.process.owner()).catch(() => {})
  }

  /** Reclaims the deliveries of expired processes, and returns the orphaned claims of this one. */
  async #reclaim(): Promise<void> {
    if (performance.now() - this.#reclaimedAt < reclaimEveryMs && !this.#claimer.isUnsure) return
    // Other processes may have passed over deliveries that the expired process had locked for a claim.
    if (await this.#reclaimer.reclaim()) this.#finder.requestScan()
    this.#reclaimedAt = performance.now()
    if (await this.#claimer.returnOrphans()) this.#finder.requestScan()
  }

  // The events of a delivery, in their order.

  #claimed(endpoint: Endpoint): void {
    if (!this.#isDraining) this.#sender.begin(endpoint)
  }

  #held(webhookId: string, until: number, paused: boolean): void {
    this.#endpoints.noteDue(webhookId, until)
    this.#claimWhenDue(until)
    const endpoint = this.#endpoints.get(webhookId)
    if (!paused || !endpoint) return
    beginSlowly(endpoint)
    void this.#claimer.returnWaiting([endpoint])
  }

  #ended(endpoint: Endpoint, given: AttemptResult): void {
    const result = notePause(endpoint, given, performance.now())
    if (result.outcome === "delivered") this.turns.answered(endpoint)
    if (result.pauseMs !== undefined) void this.#claimer.returnWaiting([endpoint])
    // What has reached nobody says nothing of the receiver.
    else if (!result.notReceived) this.#noteOutcome(endpoint, result)
    this.#tools.onAttempt?.(result.outcome, result.durationMs)
    this.#settler.settleSoon(result)
    if (isSlow(endpoint, performance.now())) void this.#claimer.returnWaiting([endpoint])
  }

  #settled(results: readonly AttemptResult[], retries: readonly DueRetry[]): void {
    for (const { webhook_id, ready_at } of retries) {
      this.#endpoints.noteDue(webhook_id, ready_at.getTime())
      this.#claimWhenDue(ready_at.getTime())
    }
    for (const { delivery } of results) {
      this.#claimer.release(delivery)
      const endpoint = this.#endpoints.get(delivery.webhook_id)
      if (endpoint) endpoint.busy--
    }
    this.#claimer.soon()
  }

  #failed(error: unknown): void {
    this.#failure = { error }
  }

  #noteOutcome(endpoint: Endpoint, result: AttemptResult): void {
    const most = result.delivery.places
    const change = noteOutcome(endpoint.breaker, result.outcome, { now: performance.now(), most })
    if (change === "closed") this.#breakers.closed(endpoint.id)
    if (change !== "opened") return
    this.#breakers.opened(result, endpoint.breaker)
    void this.#claimer.returnWaiting([endpoint])
    this.#claimIn(endpoint.breaker.openMs)
  }

  /** A retry that is due before the next pass does not wait for it. */
  #claimWhenDue(at: number): void {
    const inMs = at - clock.now()
    if (inMs < pollEveryMs) this.#claimIn(Math.max(0, inMs))
  }

  #claimIn(ms: number): void {
    const claim = () => {
      this.#endpoints.markDue(clock.now())
      this.#claimer.soon()
    }
    setTimeout(claim, ms + deliveryLimits.dueStepMs).unref()
  }
}
