/**
 * The reader of the queue "dead-passes": a pass of an actor that failed at every attempt. Each is noted in a table,
 * which doctor and /metrics read, and is one line of the log. The table outlives the queue, and is written before the
 * job of the queue ends, so none is lost.
 * Writes: dead_passes.
 */
import type { JobWithMetadata } from "pg-boss"
import type { Queryable } from "#base/database/db.ts"
import { log } from "#base/log.ts"

/** Characters kept of an error. */
const longestError = 2_000

/** Notes dead passes. A job that comes again changes nothing, and is told once. */
export async function noteDeadPasses(db: Queryable, jobs: readonly JobWithMetadata<unknown>[]): Promise<void> {
  for (const job of jobs) {
    const actor = job.sourceName ?? "unknown"
    const error = errorOf(job.sourceOutput)
    const { count } = await db`
      insert into slotbase.dead_passes (id, actor, error, failed_at)
      values (${job.id}, ${actor}, ${error}, ${job.createdOn})
      on conflict (id) do nothing`
    if (count === 1) log.error("dead pass", { actor, error, job: job.id })
  }
}

function errorOf(output: unknown): string {
  const message = typeof output === "object" && output !== null && "message" in output ? output.message : output
  // A text column holds no NUL.
  return String(message ?? "no error is known")
    .replaceAll("\u0000", "\ufffd")
    .slice(0, longestError)
}
