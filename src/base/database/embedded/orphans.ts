// The backends that a killed postmaster leaves behind. Each notices the death by itself when it next waits. One that is
// busy or stopped does not, and PostgreSQL refuses to start while one lives. Their memory is discarded at the start
// anyway, so they are killed. Only Linux shows the folder in which a process of another user works.

import { readdir, readFile, readlink } from "node:fs/promises"

/** Kills the backends of this cluster whose postmaster is dead. Answers how many. */
export async function endOrphans(cluster: string): Promise<number> {
  const entries = await readdir("/proc").catch(() => [])
  const pids = entries.map(Number).filter((pid) => pid > 0)
  const ended = await Promise.all(pids.map(async (pid) => (await isOrphan(pid, cluster)) && kill(pid)))
  return ended.filter(Boolean).length
}

/** A backend works in the folder of its cluster, and its title begins with "postgres: ". */
async function isOrphan(pid: number, cluster: string): Promise<boolean> {
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
  if (folder !== cluster) return false
  return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).startsWith("postgres: ")
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL")
    return true
  } catch {
    return false
  }
}
