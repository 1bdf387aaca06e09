// A fresh clone of the working tree: the files that git knows or would add. The dependencies and Bun are linked, so
// that the scripts find them as installed and need no network.

import { chmod, copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { $ } from "bun"

const project = join(import.meta.dir, "../../../..")

export interface Checkout {
  readonly folder: string
  remove(): Promise<void>
}

export async function freshCheckout(): Promise<Checkout> {
  const folder = await mkdtemp(join(tmpdir(), "slotbase-readme-"))
  // The database's own user must be able to enter it when the tests run as root.
  await chmod(folder, 0o755)
  const listed = await $`git ls-files -z --cached --others --exclude-standard`.cwd(project).text()
  const files = [...new Set(listed.split("\0").filter(Boolean))]
  for (const parent of new Set(files.map(dirname))) await mkdir(join(folder, parent), { recursive: true })
  await Promise.all(files.map((file) => copyFile(join(project, file), join(folder, file)).catch(ignoreDeleted)))
  await symlink(join(project, "node_modules"), join(folder, "node_modules"))
  await mkdir(join(folder, ".bun/node_modules/.bin"), { recursive: true })
  await symlink(process.execPath, join(folder, ".bun/node_modules/.bin/bun"))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** git lists a file that was deleted and not committed. */
function ignoreDeleted(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error
}
