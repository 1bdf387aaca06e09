/**
 * The scheduled job upload-cleanup: removes uploaded files that can never be reached. The process crashed, or lost its
 * database, between storing such a file and writing its row. A file younger than a day stays: it may still get its row.
 * A file of a facility that this database does not know stays too: it belongs to another installation.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { type CleanupTools, cleanUploads } from "#domain/media/cleanup.ts"

export const uploadCleanup = (tools: CleanupTools): Actor => ({
  name: "upload-cleanup",
  description: "Remove uploaded files that have no row",
  cron: "41 3 * * *",
  deadlineMs: 600_000,
  pass: (stopping) => pass(tools, stopping),
})

async function pass(tools: CleanupTools, stopping: AbortSignal): Promise<Pass> {
  return { more: false, did: { files: await cleanUploads(tools, stopping) } }
}
