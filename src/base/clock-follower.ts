/**
 * The follower of the database's clock. It tells when the clock was not followed for long, when it jumped, and when the
 * host's own clock disagrees with it. None of these stops the process: instants that decide come from the database.
 */
import { clock } from "./clock.ts"
import type { Db } from "./database/db.ts"
import { onHint } from "./hints.ts"
import { parts } from "./parts.ts"

export const clockPart = "clock"

/** How often the program's clock is set from the database. */
const followEveryMs = 5_000
/** The monotonic timer drifts by less than a second in this time. */
const followedWithinMs = 60_000
/** Below it a jump is the work of a time service that corrects the clock. */
const jumpMs = 5_000

export interface ClockWatchOptions {
  /** One sentence when the database's clock has jumped. */
  readonly onJump: (says: string) => void
}

/** Sets the clock, then follows the database until the returned function is called. */
export async function superviseClock(db: Db, { onJump }: ClockWatchOptions): Promise<() => void> {
  await clock.follow(db)
  let [followedAt, following] = [performance.now(), false]
  parts.well(clockPart)
  const look = async (isAwaited: boolean) => {
    if (performance.now() - followedAt > followedWithinMs)
      parts.restarting(clockPart, "The clock was not set from the database for a minute; it runs on by itself.")
    if (following) return
    following = true
    try {
      const jumped = await jumpOf(db)
      followedAt = performance.now()
      if (Math.abs(jumped) > jumpMs && !isAwaited) {
        parts.restarted(clockPart)
        onJump(`The clock of the database jumped by ${Math.round(jumped / 1_000)} s.`)
      }
      parts.well(clockPart)
    } catch {
      // The database is away, and its own part says so.
    } finally {
      following = false
    }
  }
  const timer = setInterval(() => look(false), followEveryMs)
  const unhint = onHint("clock", () => void look(true))
  return () => {
    clearInterval(timer)
    unhint()
    parts.forget(clockPart)
  }
}

/** Sets the clock; answers by how many milliseconds it was moved. */
export async function jumpOf(db: Db): Promise<number> {
  const [before, began] = [clock.now(), performance.now()]
  await clock.follow(db)
  return clock.now() - before - (performance.now() - began)
}
