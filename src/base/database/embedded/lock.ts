// One process at a time owns a data directory. The lock is SQLite's file lock: Bun has no flock.
// The operating system drops this lock however the process ends. A file with a process id in it would survive a `kill
// -9`.

import { Database } from "bun:sqlite"
import { join } from "node:path"
import { EmbeddedUnavailable } from "./unavailable.ts"

/** Takes the lock, or fails at once with `already_running`. The returned function releases it. */
export function lockDataDir(dataDir: string): () => void {
  let lock: Database | undefined
  try {
    lock = new Database(join(dataDir, "postgres.lock"), { create: true })
    lock.run("pragma busy_timeout = 0")
    lock.run("begin exclusive")
  } catch (cause) {
    lock?.close()
    if (codeOf(cause) === "SQLITE_BUSY") {
      throw new EmbeddedUnavailable(
        "already_running",
        `Another SlotBase is already running on ${dataDir}; stop it, or set SLOTBASE_DATA_DIR to another folder.`,
        { cause },
      )
    }
    if (/^SQLITE_(FULL|IOERR)/.test(String(codeOf(cause)))) {
      throw new EmbeddedUnavailable(
        "failed",
        `The disk of the data directory ${dataDir} is full or fails; make room.`,
        {
          cause,
        },
      )
    }
    throw new EmbeddedUnavailable(
      "unreachable",
      `The data directory ${dataDir} is not writable for this user; set SLOTBASE_DATA_DIR to a folder of your own.`,
      { cause },
    )
  }
  const held = lock
  return () => held.close()
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined
}
