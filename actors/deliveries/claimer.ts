/**
 * The claimer claims as many deliveries as fit, returns unsent ones, and finds orphaned claims. A claim is orphaned
 * when it was committed and its answer was lost: the process holds deliveries that it does not know.
 */
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import { clock } from "#base/clock.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { arrangeDeliveries, claimDeliveries, type Hold, returnDeliveries, returnOrphanedClaims } from "./claim-rows.ts"
import type { ClaimedDelivery } from "./delivery.ts"
import { deliveryLimits, type Endpoint } from "./endpoint.ts"
import type { Endpoints } from "./endpoints.ts"

export interface ClaimerTools {
  readonly db: Db
  readonly process: ActorProcess
  readonly endpoints: Endpoints
  /** Deliveries were claimed for the endpoint. */
  readonly onClaimed: (endpoint: Endpoint) => void
  /** Nothing more can be claimed for the webhook before an instant, milliseconds of the program's clock. */
  readonly onHeld: (webhookId: string, until: number, paused: boolean) => void
  readonly onFailed: (error: unknown) => void
}

/**
 * - open: it claims.
 * - unsure: a statement failed, and the process may hold orphaned claims. It claims nothing until it has checked.
 * - checking: it looks for orphaned claims.
 * - closed: the process stops. It claims nothing more.
 */
type State = "open" | "unsure" | "checking" | "closed"

/** How long a claim without an answer may still be committed: a little more than the server's limit for a statement. */
const unsureMs = 20_000
/** How often it looks for orphaned claims in any case. */
const checkEveryMs = 30_000
const staleMs = 2_000
/** In every third claim, retries come before first attempts. Otherwise first attempts come first. */
const dueFirstEvery = 3
/** When an ordered webhook is looked at again whose order another process is making, milliseconds. */
const arrangedSoonMs = 20

export class Claimer {
  readonly #tools: ClaimerTools
  /** Every lease that this process knows of, with the monotonic instant of its claim. */
  readonly #held = new Map<number, number>()
  #state: State = "open"
  #claiming: Promise<void> | undefined
  /** The turns of the dispatcher that claim just now; each resolves when its end is known. */
  readonly #turns = new Set<Promise<void>>()
  #unsureUntil = Number.NEGATIVE_INFINITY
  #checkedAt = performance.now()
  #claims = 0
  #idlers: (() => void)[] = []

  constructor(tools: ClaimerTools) {
    this.#tools = tools
  }

  /** Claims until there is no room, or nothing to claim. */
  untilFull(): Promise<void> {
    this.#claiming ??= this.#claimLoop().finally(() => {
      this.#claiming = undefined
      this.#wakeIdlers()
    })
    return this.#claiming
  }

  /** There is room again: claims, if there is anything to claim. */
  soon(): void {
    if (this.#claiming) return
    if (this.#state === "closed") this.#wakeIdlers()
    else this.untilFull().catch(this.#tools.onFailed)
  }

  /** Resolves when what is ready was claimed as far as there is room, or after `ms`. */
  async caughtUp(ms: number): Promise<void> {
    this.soon()
    await Promise.race([this.#claiming?.catch(() => {}), Bun.sleep(ms)])
  }

  async #claimLoop(): Promise<void> {
    const { db, process, endpoints, onClaimed } = this.#tools
    for (;;) {
      void this.returnWaiting(endpoints.hanging(performance.now()))
      const room = deliveryLimits.claimed - this.#held.size
      if (this.#state !== "open" || (this.#held.size > 0 && room < deliveryLimits.worthClaiming)) return
      const wants = endpoints.wants(performance.now())
      if (wants.length === 0) return
      const held: Hold[] = []
      try {
        const dueFirst = ++this.#claims % dueFirstEvery === 0
        const onHeld = (holds: readonly Hold[]) => void held.push(...holds)
        const deliveries = await claimDeliveries(db, { process, wants, total: room, dueFirst, onHeld })
        if (deliveries.length > 0) reached("attempts-written")
        const now = performance.now()
        for (const { lease } of deliveries) this.#held.set(lease, now)
        endpoints.took(wants, deliveries, deliveries.length === room || deliveries[0]?.quarantined === true)
      } catch (error) {
        this.#becomeUnsure()
        throw error
      }
      for (const { webhookId } of wants) {
        const endpoint = endpoints.get(webhookId)
        if (endpoint) onClaimed(endpoint)
      }
      // What was claimed is under way by now, because this may fail. Nothing else would ever begin it.
      await this.#takeHolds(held)
    }
  }

  async #takeHolds(holds: readonly Hold[]): Promise<void> {
    const { db, endpoints, onHeld } = this.#tools
    for (const { webhook_id, held_until, paused, unarranged } of holds)
      if (!unarranged) onHeld(webhook_id, held_until.getTime(), paused)
    const unarranged = holds.filter((hold) => hold.unarranged).map((hold) => hold.webhook_id)
    if (unarranged.length === 0) return
    const arranged = new Set(
      await arrangeDeliveries(db, unarranged).catch((error: unknown) => {
        for (const id of unarranged) endpoints.markAgain(id)
        throw error
      }),
    )
    reached("deliveries-arranged")
    for (const id of unarranged)
      if (arranged.has(id)) endpoints.markAgain(id)
      else onHeld(id, clock.now() + arrangedSoonMs, false)
  }

  /** Returns the deliveries of these endpoints that were claimed and not sent. */
  async returnWaiting(from: Iterable<Endpoint>): Promise<void> {
    const { db, endpoints, onFailed } = this.#tools
    const returned = [...from].flatMap((endpoint) => endpoints.takeWaiting(endpoint))
    if (returned.length === 0) return
    reached("deliveries-returned")
    try {
      await returnDeliveries(db, returned)
    } catch (error) {
      this.#enter("unsure") // the process still holds them, and is about to forget them
      onFailed(error)
    }
    for (const { lease } of returned) this.#held.delete(lease)
    this.soon()
  }

  /**
   * A turn of the dispatcher claims beside this claimer. Answers how many deliveries are held, and what to call at its
   * end. Undefined: the turn may claim nothing.
   */
  beginTurn(): { readonly held: number | undefined; readonly end: (leases?: readonly number[]) => void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const beganAt = performance.now()
    this.#turns.add(promise)
    return {
      held: this.#state === "open" ? this.#held.size : undefined,
      // Without leases: the turn has no answer, and may have been committed all the same.
      end: (leases) => {
        if (leases === undefined) this.#becomeUnsure()
        // The answer may have come late, so the time counts from the question.
        for (const lease of leases ?? []) this.#held.set(lease, beganAt)
        this.#turns.delete(promise)
        resolve()
      },
    }
  }

  #becomeUnsure(): void {
    this.#enter("unsure")
    this.#unsureUntil = performance.now() + unsureMs
  }

  /** A statement has failed, and may have been committed all the same. */
  get isUnsure(): boolean {
    return this.#state === "unsure"
  }

  /**
   * Returns orphaned claims, if it is time to look for them; true when there were some. A claim under way must not be
   * mistaken for an orphaned one. After a failure the claims under way are waited for. Otherwise turns go on, and only
   * claims are returned that are older than any turn can be.
   */
  async returnOrphans(): Promise<boolean> {
    const now = performance.now()
    if (!this.isUnsure && now >= this.#unsureUntil && now - this.#checkedAt < checkEveryMs) return false
    const isWaitedFor = this.isUnsure || this.#turns.size === 0
    if (isWaitedFor) this.#enter("checking")
    try {
      if (isWaitedFor) await Promise.all([this.#claiming?.catch(() => {}), ...this.#turns])
      // This check covers every failure until here. A later failure leaves the claimer unsure, until the next check.
      if (isWaitedFor) this.#enter("checking")
      const { db, process } = this.#tools
      const count = await returnOrphanedClaims(db, process.owner(), [...this.#held.keys()], isWaitedFor ? 0 : unsureMs)
      this.#checkedAt = now
      if (this.#state === "checking") this.#enter("open")
      return count > 0
    } catch (error) {
      this.#enter("unsure")
      throw error
    }
  }

  /** The delivery is settled. */
  release({ lease }: ClaimedDelivery): void {
    this.#held.delete(lease)
  }

  /** Claimed too long ago to be sent: the process may have been stopped meanwhile. */
  isStale({ lease }: ClaimedDelivery): boolean {
    return performance.now() - (this.#held.get(lease) ?? 0) > staleMs
  }

  /** Resolves when nothing is claimed any more. */
  idle(): Promise<void> {
    return this.#isIdle ? Promise.resolve() : new Promise<void>((resolve) => this.#idlers.push(resolve))
  }

  /** Claims nothing more; resolves when the claims under way have ended. */
  async close(): Promise<void> {
    this.#enter("closed")
    await Promise.all([this.#claiming?.catch(this.#tools.onFailed), ...this.#turns])
  }

  #enter(state: State): void {
    if (this.#state !== "closed") this.#state = state
  }

  get #isIdle(): boolean {
    return this.#held.size === 0 && !this.#claiming
  }

  #wakeIdlers(): void {
    if (!this.#isIdle) return
    for (const wake of this.#idlers) wake()
    this.#idlers = []
  }
}
