/**
 * Settles the ends of attempts as they come, many at a time and one batch after the other. While the database is away they
 * are kept and tried again: settling twice changes nothing.
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { Result } from "./delivery.ts"
import type { Again } from "./settle-failed-rows.ts"
import { settle } from "./settle-rows.ts"

/** Ends that come within it are settled together, and so many at most in one statement. */
const settleAfterMs = 2
const settleBatch = 250
const retryMs = 200

export interface SettlingTools {
  readonly db: Db
  readonly settled: (results: readonly Result[], again: readonly Again[]) => void
  readonly failed: (error: unknown) => void
}

/** Returns how an end is handed in. */
export function createSettling({ db, settled, failed }: SettlingTools): (result: Result) => void {
  let ends: Result[] = []
  let running = false

  async function run(): Promise<void> {
    await Bun.sleep(settleAfterMs)
    while (ends.length > 0) {
      const batch = ends.slice(0, settleBatch)
      try {
        const again = await settle(db, batch)
        reached("attempts-settled")
        ends = ends.slice(batch.length)
        settled(batch, again)
      } catch (error) {
        failed(error)
        await Bun.sleep(retryMs)
      }
    }
    running = false
  }

  return (result) => {
    ends.push(result)
    if (running) return
    running = true
    void run()
  }
}
