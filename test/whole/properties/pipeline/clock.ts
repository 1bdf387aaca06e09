// Time that moves on request: the database's movable clock, and the monotonic timer that schedules the actors' polls.
// Both also run by themselves, so nothing here waits.

import { spyOn } from "bun:test"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"

export interface MovableTime {
  /** Moves only the timer: actors poll. */
  readonly pass: (db: Db, ms: number) => Promise<void>
  /** Moves both: retries become due. */
  readonly move: (db: Db, ms: number) => Promise<void>
  readonly restore: () => void
}

export function movableTime(): MovableTime {
  const real = performance.now.bind(performance)
  let ahead = 0
  const spy = spyOn(performance, "now").mockImplementation(() => real() + ahead)
  return {
    async pass(db, ms) {
      ahead += ms
      await clock.follow(db)
    },
    async move(db, ms) {
      await db`select slotbase.move_clock(${ms} * interval '1 ms')`
      ahead += ms
      await clock.follow(db)
    },
    restore: () => spy.mockRestore(),
  }
}
