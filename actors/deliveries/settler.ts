/**
 * The settler settles the results of attempts as they come, many at a time and one batch after the other. Results that
 * wait when a turn of the dispatcher begins are lent to it, and settled by its statement. While the database is away,
 * results are kept and tried again: settling twice changes nothing.
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { AttemptResult } from "./delivery.ts"
import type { DueRetry } from "./settle-failed-rows.ts"
import { isPlain, settleAttempts } from "./settle-rows.ts"

/** Results that come within this time are settled together. */
const settleAfterMs = 2
/** So many at most in one statement. */
const settleBatch = 250
/** So many are settled at once: to wait for more would save little. */
const worthSettling = 64
const retryMs = 200
/** Of one turn: more would hold up its requests, and the turns of others. */
const lentAtMost = 16
/** How long a turn keeps what was lent to it from being settled by itself, milliseconds. */
const lentMs = 50

export interface SettlerTools {
  readonly db: Db
  readonly onSettled: (results: readonly AttemptResult[], retries: readonly DueRetry[]) => void
  readonly onFailed: (error: unknown) => void
}

/** Results that a turn settles. Exactly one call tells its end. */
export interface Lent {
  readonly results: readonly AttemptResult[]
  /** @param leases of the deliveries that were settled; the others are settled as ever. */
  readonly end: (leases: readonly number[]) => void
}

export class Settler {
  readonly #tools: SettlerTools
  readonly #waiting = new Set<AttemptResult>()
  #underWay: readonly AttemptResult[] = []
  #lent: Promise<void> | undefined
  #isRunning = false

  constructor(tools: SettlerTools) {
    this.#tools = tools
  }

  settleSoon(result: AttemptResult): void {
    this.#waiting.add(result)
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#run()
  }

  /** Undefined: nothing waits that a turn could settle. */
  lend(): Lent | undefined {
    if (this.#waiting.size > worthSettling) return undefined
    const free = [...this.#waiting].filter((result) => isPlain(result) && !this.#underWay.includes(result))
    const results = free.slice(0, lentAtMost)
    if (results.length === 0) return undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#lent = promise
    return {
      results,
      end: (leases) => {
        resolve()
        if (this.#lent === promise) this.#lent = undefined
        if (leases.length > 0) this.#settled(results.filter(({ delivery }) => leases.includes(delivery.lease)))
      },
    }
  }

  async #run(): Promise<void> {
    const { db, onFailed } = this.#tools
    while (this.#waiting.size > 0) {
      if (this.#waiting.size < worthSettling) await Bun.sleep(settleAfterMs)
      if (this.#lent) await Promise.race([this.#lent, Bun.sleep(lentMs)])
      this.#underWay = [...this.#waiting].slice(0, settleBatch)
      if (this.#underWay.length === 0) continue
      try {
        const retries = await settleAttempts(db, this.#underWay)
        reached("attempts-settled")
        this.#settled(this.#underWay, retries)
        this.#underWay = []
      } catch (error) {
        this.#underWay = []
        onFailed(error)
        await Bun.sleep(retryMs)
      }
    }
    this.#isRunning = false
  }

  /** A turn and the settler may both tell the end of a result: the first one counts. */
  #settled(results: readonly AttemptResult[], retries: readonly DueRetry[] = []): void {
    this.#tools.onSettled(
      results.filter((result) => this.#waiting.delete(result)),
      retries,
    )
  }
}
