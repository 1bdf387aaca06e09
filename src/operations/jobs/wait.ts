/** Waits for the end of a run. A hint announces the end; polling finds the end if the hint is lost. */
import type { Queryable } from "#base/database/db.ts"
import { onHint } from "#base/hints.ts"
import { findRun, type JobRunRow } from "./rows.ts"

/** The polling interval without a hint. */
const pollEveryMs = 250

/** The run when it has ended, or when the time is up; undefined when there is no run of that id. */
export async function untilEnded(db: Queryable, id: string, withinMs: number): Promise<JobRunRow | undefined> {
  const giveUpAt = performance.now() + withinMs
  let hinted = Promise.withResolvers<void>()
  const unsubscribe = onHint("jobs", () => hinted.resolve())
  try {
    for (;;) {
      hinted = Promise.withResolvers<void>()
      const run = await findRun(db, id)
      const leftMs = giveUpAt - performance.now()
      if (run === undefined || run.ended_at !== null || leftMs <= 0) return run
      const timer = setTimeout(hinted.resolve, Math.min(pollEveryMs, leftMs))
      await hinted.promise
      clearTimeout(timer)
    }
  } finally {
    unsubscribe()
  }
}
