/** Waits for the end of a run: told by a hint when it comes, and looking by itself in case the hint is lost. */
import type { Queryable } from "#base/database/db.ts"
import { onHint } from "#base/hints.ts"
import { findRun, type JobRunRow } from "./rows.ts"

/** How often it looks without a hint. */
const lookEveryMs = 250

/** The run as it is when it has ended, or when the time is up; undefined when there is none of that id. */
export async function untilEnded(db: Queryable, id: string, withinMs: number): Promise<JobRunRow | undefined> {
  const giveUpAt = performance.now() + withinMs
  let hinted = Promise.withResolvers<void>()
  const deaf = onHint("jobs", () => hinted.resolve())
  try {
    for (;;) {
      hinted = Promise.withResolvers<void>()
      const run = await findRun(db, id)
      const leftMs = giveUpAt - performance.now()
      if (run === undefined || run.ended_at !== null || leftMs <= 0) return run
      const timer = setTimeout(hinted.resolve, Math.min(lookEveryMs, leftMs))
      await hinted.promise
      clearTimeout(timer)
    }
  } finally {
    deaf()
  }
}
