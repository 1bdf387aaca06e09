/**
 * The scheduled job upload-cleanup: removes files that nobody can ever reach, because the process died, or lost its database,
 * between storing them and writing their row. Only what is older than a day: a younger one may still get its row. Files
 * of facilities that this database does not know are somebody else's, and stay.
 */

import type { Actor } from "#actors/runtime/actor.ts"
import { type CleanupTools, cleanUploads } from "#domain/media/cleanup.ts"

export const uploadCleanup = (tools: CleanupTools): Actor => ({
  name: "upload-cleanup",
  description: "Remove uploaded files that have no row",
  cron: "41 3 * * *",
  deadlineMs: 600_000,
  pass: async (stopping) => ({ more: false, did: { files: await cleanUploads(tools, stopping) } }),
})
