/**
 * The settler settles the results of attempts as they come, many at a time and one batch after the other. While the
 * database is away, results are kept and tried again: settling twice changes nothing.
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { AttemptResult } from "./delivery.ts"
import type { DueRetry } from "./settle-failed-rows.ts"
import { settleAttempts } from "./settle-rows.ts"

/** Results that come within this time are settled together. */
const settleAfterMs = 2
/** So many at most in one statement. */
const settleBatch = 250
/** So many are settled at once: to wait for more would save little. */
const worthSettling = 64
const retryMs = 200

export interface SettlerTools {
  readonly db: Db
  readonly onSettled: (results: readonly AttemptResult[], retries: readonly DueRetry[]) => void
  readonly onFailed: (error: unknown) => void
}

export class Settler {
  readonly #tools: SettlerTools
  #results: AttemptResult[] = []
  #isRunning = false

  constructor(tools: SettlerTools) {
    this.#tools = tools
  }

  settleSoon(result: AttemptResult): void {
    this.#results.push(result)
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#run()
  }

  async #run(): Promise<void> {
    const { db, onSettled, onFailed } = this.#tools
    while (this.#results.length > 0) {
      if (this.#results.length < worthSettling) await Bun.sleep(settleAfterMs)
      const batch = this.#results.slice(0, settleBatch)
      try {
        const retries = await settleAttempts(db, batch)
        reached("attempts-settled")
        this.#results = this.#results.slice(batch.length)
        onSettled(batch, retries)
      } catch (error) {
        onFailed(error)
        await Bun.sleep(retryMs)
      }
    }
    this.#isRunning = false
  }
}
