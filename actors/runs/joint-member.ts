/**
 * A transactional handler between its two ways: it works together with the others of its process (joint-runs.ts), or by
 * itself (run-loop.ts). One of the two works at a time: a claim frees what the same process had claimed of the handler
 * and not settled. Pure but for the wake-up call.
 */

import type { TransactionalHandler } from "#actors/handlers/handler.ts"
import type { Claim } from "./claim.ts"

/** A handler that failed or was slow works by itself for this time, milliseconds. So it delays the others seldom. */
const apartMs = 10_000

export class JointMember {
  readonly handler: TransactionalHandler
  /** No claim of it with a smaller lease is left. */
  since = 0
  /** What it has taken along from joint claims, and has not begun. */
  readonly taken: Claim[] = []
  /** At the start nobody knows how far behind it is. */
  #apart = true
  /** On the monotonic timer, milliseconds. */
  #apartUntil = Number.NEGATIVE_INFINITY
  #busy = false
  readonly #waiting: (() => void)[] = []
  #wake = () => {}

  constructor(handler: TransactionalHandler) {
    this.handler = handler
  }

  /** It works by itself until it has caught up. */
  get isApart(): boolean {
    return this.#apart
  }

  /** Sets what makes it work by itself soon. */
  wokenBy(wake: () => void): void {
    this.#wake = wake
  }

  wake(): void {
    this.#wake()
  }

  /** Begins its turn with the others. False: it is at work by itself, or must catch up first. */
  join(): boolean {
    if (this.#apart || this.#busy) {
      this.leave()
      return false
    }
    this.#busy = true
    return true
  }

  /** Begins its turn by itself, after a turn with the others. */
  async begin(): Promise<void> {
    if (this.#busy) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#busy = true
  }

  /** Ends its turn. */
  end(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#busy = false
  }

  /** It works by itself from now on, with the claim that it takes along. */
  leave(claim?: Claim): void {
    this.#apart = true
    if (claim !== undefined) this.taken.push(claim)
    this.#wake()
  }

  /** The same for a handler that failed or was slow. */
  leaveForLong(claim: Claim): void {
    this.#apartUntil = performance.now() + apartMs
    this.leave(claim)
  }

  /** It has claimed all that was in the log, and holds nothing. */
  caughtUp(): void {
    if (performance.now() >= this.#apartUntil) this.#apart = false
  }
}
