/**
 * The one clock of the program. It follows slotbase.now(): it is set from the database at the start and again every
 * few seconds, and runs on the monotonic timer in between, so a host clock that jumps moves nothing.
 * Instants that decide (expiry, order, due) are taken in SQL; this clock serves ids, logs and answers.
 */
import type { Queryable } from "./database/db.ts"

export const clock = {
  /** Milliseconds since the Unix epoch, UTC. */
  now: (): number => Math.round(base + performance.now()),

  /** Sets the clock from the database, allowing for half of the round trip. */
  async follow(db: Queryable): Promise<void> {
    const asked = performance.now()
    const [row] = await db<{ now: Date }[]>`select slotbase.now() as now`
    if (row) base = row.now.getTime() - (asked + performance.now()) / 2
  },
}

let base = Date.now() - performance.now()
