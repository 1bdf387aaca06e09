// The facts that the embedded database needs at its next start, kept in `postgres.json`, readable only by its owner:
// - the password of its superuser,
// - its port,
// - the place of its files, when the data directory could not hold them.

import { chown, readFile, rename, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { EmbeddedUnavailable } from "./unavailable.ts"

export interface Remembered {
  password: string
  port?: number
  /** Parent of the cluster when the server's user may not enter the data directory. */
  folder?: string
}

/** Undefined before the first start. */
export async function readRemembered(dataDir: string): Promise<Remembered | undefined> {
  const file = join(dataDir, "postgres.json")
  try {
    return JSON.parse(await readFile(file, "utf8")) as Remembered
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined
    throw new EmbeddedUnavailable(
      "unreachable",
      `${file} cannot be read by this user; run as the user that started SlotBase, or set SLOTBASE_DATA_DIR to a folder of your own.`,
      { cause },
    )
  }
}

export async function remember(dataDir: string, remembered: Remembered): Promise<void> {
  const file = join(dataDir, "postgres.json")
  await writeFile(`${file}.new`, `${JSON.stringify(remembered, undefined, 2)}\n`, { mode: 0o600 })
  // Root may run on another user's data directory and must not lock that user out.
  const owner = await stat(dataDir)
  if (process.getuid?.() === 0) await chown(`${file}.new`, owner.uid, owner.gid)
  await rename(`${file}.new`, file)
}
