/**
 * The one clock of the program. The clock follows slotbase.now(): it is set from the database at the start and every
 * few seconds. In between it runs on the monotonic timer, so a jump of the host clock changes nothing. Instants that
 * decide (expiry, order, due) are taken in SQL; this clock serves ids, logs and answers.
 */
import type { Queryable } from "./database/db.ts"

export const clock = {
  /** Milliseconds since the Unix epoch, UTC. */
  now: (): number => Math.round(base + performance.now()),

  /**
   * Sets the clock from the database, whose answer is from some moment of the round trip. A clock that agrees with one
   * of these moments is left as it is, so that it does not step back and forth. Otherwise it is set to the middle of
   * the round trip.
   */
  async follow(db: Queryable): Promise<void> {
    const asked = performance.now()
    const [row] = await db<{ now: Date }[]>`select slotbase.now() as now`
    if (!row) return
    const [earliest, latest] = [row.now.getTime() - performance.now(), row.now.getTime() - asked]
    if (base < earliest || base > latest + 1) base = (earliest + latest) / 2
  },
}

let base = Date.now() - performance.now()
