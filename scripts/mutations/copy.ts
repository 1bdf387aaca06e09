/** A copy of the project to mutate: the files that Git tracks or would add, with the dependencies of the original. */
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { type Mutation, mutated } from "./mutation.ts"

export interface Copy {
  readonly folder: string
  /** Does the work while one file is changed, and restores the file. */
  readonly having: <T>(mutation: Mutation, work: () => Promise<T>) => Promise<T>
  readonly remove: () => Promise<void>
}

export async function copyOf(project: string): Promise<Copy> {
  const folder = await mkdtemp(join(tmpdir(), "slotbase-mutations-"))
  const listed = Bun.spawnSync(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: project,
  })
  if (listed.exitCode !== 0) throw new Error(`git ls-files: ${listed.stderr}`)
  for (const path of listed.stdout.toString().split("\0").filter(Boolean)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    // A tracked file may have been deleted.
    if (await Bun.file(join(project, path)).exists()) await cp(join(project, path), join(folder, path))
  }
  await symlink(join(project, "node_modules"), join(folder, "node_modules"))
  return {
    folder,
    having: async (mutation, work) => {
      const path = join(folder, mutation.file)
      const text = await Bun.file(path).text()
      await Bun.write(path, mutated(text, mutation))
      try {
        return await work()
      } finally {
        await Bun.write(path, text)
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
