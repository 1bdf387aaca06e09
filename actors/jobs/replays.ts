/**
 * The actor replays: works off replays of webhooks and of dead letters, batch by batch, at their rates. Each batch is a
 * transaction with its cursor. Processes share the replays: one that is locked is left to its holder.
 */
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { Db } from "#base/database/db.ts"
import { reprocessBatch } from "#operations/dead-letters/reprocess-batch.ts"
import { workOff } from "#outbound/webhooks/replays/batch.ts"
import { dueReplays, nextBatchAt } from "#outbound/webhooks/replays/rows.ts"

/** Replays per pass; one that has no turn is the longest waiting of the next pass. */
const replaysPerPass = 20

export const replays = ({ db }: { readonly db: Db }): Actor => ({
  name: "replays",
  description: "Send again what replays ask for",
  wokenBy: ["jobs"],
  pollEveryMs: 1_000,
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: (stopping) => pass(db, stopping),
})

async function pass(db: Db, stopping: AbortSignal): Promise<Pass> {
  const due = await dueReplays(db, replaysPerPass)
  let batches = 0
  for (const { id, facility_id } of due) {
    if (stopping.aborted) break
    if (await workOff(db, facility_id, id, reprocessBatch)) batches += 1
  }
  // Without a batch the due ones are in the hands of another process.
  return { more: batches > 0, dueAt: due.length > 0 ? undefined : await nextBatchAt(db) }
}
