// Redis for BullMQ: the one on the PATH, or Debian's packages unpacked into a folder of the project. Nothing is
// installed into the system, and no service starts. Redis keeps nothing on disk, and listens on the loopback only.

import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { endsOnce, owned } from "#scripts/benchmarks/running.ts"
import { freePort } from "#test/harness/setup/system.ts"
import { LeftOut } from "./contestant.ts"

export interface Redis {
  readonly port: number
  readonly pid: number
  readonly stop: () => Promise<void>
}

const readyWithinMs = 10_000
const pollMs = 20
/** redis-server, and its libraries that a small Debian lacks. */
const packages = ["redis-server", "redis-tools", "libjemalloc2", "liblzf1", "libatomic1"]

export async function startRedis(): Promise<Redis> {
  const { program, libraries } = await findRedis()
  const folder = await mkdtemp(join(tmpdir(), "slotbase-redis-"))
  const port = await freePort()
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
  const child = owned(
    Bun.spawn([program, ...settings], {
      env: { ...process.env, ...libraries },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    }),
  )
  const stop = endsOnce(async () => {
    child.kill("SIGKILL") // there is nothing to save
    await child.exited
    await rm(folder, { recursive: true, force: true })
  })
  if (await answers(port)) return { port, pid: child.pid, stop }
  await stop()
  throw new LeftOut(`Redis (${program}) does not answer within ${readyWithinMs / 1000} s.`)
}

interface Found {
  readonly program: string
  readonly libraries: Readonly<Record<string, string>>
}

async function findRedis(): Promise<Found> {
  const onPath = Bun.which("redis-server")
  if (onPath && (await runs(onPath, {}))) return { program: onPath, libraries: {} }
  const folder = join(import.meta.dir, "../../../node_modules/.cache/redis")
  const unpacked = await inFolder(folder)
  if (unpacked) return unpacked
  if (!Bun.which("apt-get") || !Bun.which("dpkg-deb"))
    throw new LeftOut("BullMQ needs redis-server on the PATH. It is not there, and only on Debian it can be fetched.")
  await download(folder)
  const found = await inFolder(folder)
  if (found) return found
  throw new LeftOut(
    "BullMQ needs redis-server on the PATH. It is not there, and Debian's package could not be fetched.",
  )
}

async function inFolder(folder: string): Promise<Found | undefined> {
  const program = join(folder, "usr/bin/redis-server")
  const places = (await readdir(join(folder, "usr/lib")).catch(() => [])).map((name) => join(folder, "usr/lib", name))
  const libraries = { LD_LIBRARY_PATH: places.join(":") }
  return (await runs(program, libraries)) ? { program, libraries } : undefined
}

/** Unpacks the packages. Lists of packages may be missing or old, and only root can update them. */
async function download(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const fetch = () => succeeds(["apt-get", "download", "-q", ...packages], { cwd: folder })
  if (!(await fetch()) && process.getuid?.() === 0) {
    await succeeds(["apt-get", "update", "-q"])
    await fetch()
  }
  for (const name of await readdir(folder)) {
    if (name.endsWith(".deb")) await succeeds(["dpkg-deb", "--extract", join(folder, name), folder])
  }
}

const runs = (program: string, env: Readonly<Record<string, string>>) => succeeds([program, "--version"], { env })

async function succeeds(command: string[], given: { cwd?: string; env?: Readonly<Record<string, string>> } = {}) {
  try {
    const child = Bun.spawn(command, {
      ...(given.cwd !== undefined && { cwd: given.cwd }),
      env: { ...process.env, ...given.env },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    })
    return (await child.exited) === 0
  } catch {
    return false
  }
}

async function answers(port: number): Promise<boolean> {
  const deadline = performance.now() + readyWithinMs
  while (performance.now() < deadline) {
    const client = new Bun.RedisClient(`redis://127.0.0.1:${port}`, { autoReconnect: false })
    try {
      await client.ping()
      return true
    } catch {
      await Bun.sleep(pollMs)
    } finally {
      client.close()
    }
  }
  return false
}
