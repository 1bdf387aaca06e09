// A volume of its own that can be filled up: a tmpfs, mounted by root or through `sudo -n`. Where neither may mount, a
// test takes other means, and says so in its name.

import { closeSync, openSync, writeSync } from "node:fs"
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface SmallVolume {
  readonly path: string
  /** Takes all the room that is left. */
  readonly fill: () => void
  readonly makeRoom: () => Promise<void>
  readonly remove: () => Promise<void>
}

/** Undefined where this user may not mount. */
export async function smallVolume(megabytes: number): Promise<SmallVolume | undefined> {
  if (process.platform !== "linux") return undefined
  const path = await mkdtemp(join(tmpdir(), "slotbase-volume-"))
  await chmod(path, 0o755)
  const options = `size=${megabytes}m,mode=755,uid=${process.getuid?.()},gid=${process.getgid?.()}`
  if (!(await asRoot("mount", "-t", "tmpfs", "-o", options, "tmpfs", path))) {
    await rm(path, { recursive: true })
    return undefined
  }
  const filler = join(path, "filler")
  return {
    path,
    fill: () => fill(filler),
    makeRoom: () => rm(filler, { force: true }),
    remove: async () => {
      await asRoot("umount", "--lazy", path)
      await rm(path, { recursive: true, force: true })
    },
  }
}

async function asRoot(...command: string[]): Promise<boolean> {
  const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"]
  try {
    const child = Bun.spawn([...sudo, ...command], { stdin: "ignore", stdout: "ignore", stderr: "ignore" })
    return (await child.exited) === 0
  } catch {
    return false
  }
}

/** Pieces that shrink, so that not a page is left. */
function fill(path: string): void {
  const file = openSync(path, "a")
  try {
    for (let bytes = 1024 * 1024; bytes >= 1024; ) {
      try {
        writeSync(file, Buffer.alloc(bytes))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error
        bytes /= 4
      }
    }
  } finally {
    closeSync(file)
  }
}
