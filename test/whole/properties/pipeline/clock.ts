// Time that passes when a property says so: the movable clock of the database, and the monotonic timer by which the actors
// decide when to look again. Both run on by themselves as well, so nothing here waits.

import { spyOn } from "bun:test"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"

export interface MovableTime {
  /** The timer alone goes on: actors look at what they look at now and then. */
  readonly pass: (db: Db, ms: number) => Promise<void>
  /** Both go on: retries fall due. */
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
