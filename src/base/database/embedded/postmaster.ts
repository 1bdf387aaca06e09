// The server process: started in its own session, found again by `postmaster.pid`, stopped by a signal.
// The file outlives a crash, and its process id may belong to another program by then. The id counts only for a
// postgres on this very cluster.

import { closeSync, openSync } from "node:fs"
import { open, readFile, rename, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { endOrphans } from "./orphans.ts"
import { identity, type OsUser, quietEnv, run } from "./os-user.ts"
import { EmbeddedUnavailable } from "./unavailable.ts"

export interface Postmaster {
  pid: number
  port: number
}

/** Crash recovery replays at most max_wal_size (2 GB). A slow disk needs a while for it. */
const readyWithinMs = 120_000
/** A fast shutdown writes one checkpoint. After this time the server is stopped hard and recovers at its next start. */
const stopWithinMs = 60_000
/** After a postmaster is killed, its backends need a moment to notice. The cluster is refused until they have ended. */
const orphansWithinMs = 10_000
/** Backends that still live after this time are busy or stopped, and do not notice. They are killed. */
const orphansNoticeMs = 1_000
/** A server that starts writes its process id at once. A file that stays empty for so long belongs to none. */
const emptyPidFileMs = 200
const pollMs = 10
const logFileBytes = 10 * 1024 * 1024

/** The ready server of this cluster; undefined when none runs. Waits for a server that is starting. */
export async function runningPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const deadline = Date.now() + readyWithinMs
  while (Date.now() < deadline) {
    const file = await readPidFile(cluster)
    if (file === undefined) return undefined
    if (!(await isPostmaster(file.pid, cluster))) return undefined
    if (file.status === "ready" && file.port !== undefined) return { pid: file.pid, port: file.port }
    await Bun.sleep(pollMs)
  }
  throw new EmbeddedUnavailable("failed", `The database in ${cluster} is not ready after ${readyWithinMs / 1000} s.`)
}

export async function launchPostmaster(options: {
  cluster: string
  binaries: string
  osUser: OsUser | undefined
  logFile: string
}): Promise<Postmaster> {
  await disownReusedPid(options.cluster)
  const began = Date.now()
  const deadline = began + orphansWithinMs
  for (;;) {
    const outcome = await launchOnce(options)
    if (typeof outcome !== "string") return outcome
    if (outcome.includes("Address already in use")) {
      throw new EmbeddedUnavailable("port_taken", "The database's port was taken by another program just now.")
    }
    const orphans = outcome.includes("pre-existing shared memory block")
    if (!orphans || Date.now() > deadline) {
      const reason = /(?:FATAL|PANIC): +(.*)/.exec(outcome)?.[1] ?? "it ended without a reason"
      throw new EmbeddedUnavailable(
        "failed",
        `The embedded PostgreSQL did not start: ${reason} (see ${options.logFile}).`,
      )
    }
    if (Date.now() > began + orphansNoticeMs) await endOrphans(options.cluster)
    await Bun.sleep(pollMs * 10)
  }
}

export async function stopPostmaster(postmaster: Postmaster, cluster: string): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    if (!sendSignal(postmaster.pid, signal)) return
    // A server that somebody stopped with SIGSTOP could not end.
    sendSignal(postmaster.pid, "SIGCONT")
    const deadline = Date.now() + stopWithinMs
    while (Date.now() < deadline) {
      if (!(await isPostmaster(postmaster.pid, cluster))) return
      await Bun.sleep(pollMs)
    }
  }
  throw new EmbeddedUnavailable("failed", `The database process ${postmaster.pid} does not stop.`)
}

/** The ready server, or its log output before it ended. */
async function launchOnce(options: {
  cluster: string
  binaries: string
  osUser: OsUser | undefined
  logFile: string
}): Promise<Postmaster | string> {
  const logFd = await openLog(options.logFile)
  const logStart = (await stat(options.logFile)).size
  const child = Bun.spawn([join(options.binaries, "bin", "postgres"), "-D", options.cluster], {
    ...identity(options.osUser),
    cwd: "/",
    env: quietEnv(),
    detached: true,
    stdin: "ignore",
    stdout: logFd,
    stderr: logFd,
  })
  child.unref()
  closeSync(logFd)

  const deadline = Date.now() + readyWithinMs
  while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
    const file = await readPidFile(options.cluster)
    if (file?.pid === child.pid && file.status === "ready" && file.port !== undefined) {
      return { pid: file.pid, port: file.port }
    }
    await Bun.sleep(pollMs)
  }
  child.kill("SIGQUIT")
  await child.exited
  return (await readFile(options.logFile)).subarray(logStart).toString("utf8")
}

/** The server's log, ready to be written to; a long one is put aside first. */
async function openLog(logFile: string): Promise<number> {
  try {
    const before = await stat(logFile).catch(() => undefined)
    if (before !== undefined && before.size > logFileBytes) await rename(logFile, `${logFile}.1`)
    return openSync(logFile, "a", 0o600)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new EmbeddedUnavailable(
      "failed",
      `The log of the embedded database ${logFile} cannot be written (${code}); make its folder writable, or set SLOTBASE_DATA_DIR to another one.`,
      { cause },
    )
  }
}

/** Lines of the file: pid, data directory, start time, port, socket directory, address, shared memory, status. */
async function readPidFile(cluster: string) {
  const text = await readFile(join(cluster, "postmaster.pid"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return ""
    throw error
  })
  const lines = text.split("\n")
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  const port = Number(lines[3])
  return { pid, status: lines[7]?.trim(), port: port > 0 ? port : undefined }
}

/** A zombie has an empty command line, so a server whose parent never reaped it counts as gone. */
export async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  if (process.platform === "linux") {
    const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0")
    return argv[0]?.endsWith("/postgres") === true && argv.includes(cluster)
  }
  const { stdout } = await run(["ps", "-o", "command=", "-p", String(pid)], undefined)
  return stdout.includes("/postgres") && stdout.includes(cluster)
}

/**
 * PostgreSQL refuses to start while the process id in its file is alive. After a restart of the machine, another
 * program may have this id.
 * The id is replaced by an impossible one. The file is kept, because it also names the shared memory by which
 * PostgreSQL notices surviving backends.
 */
async function disownReusedPid(cluster: string): Promise<void> {
  await removeEmptyPidFile(join(cluster, "postmaster.pid"))
  const file = await readPidFile(cluster)
  if (file === undefined || !sendSignal(file.pid, 0)) return
  const path = join(cluster, "postmaster.pid")
  const impossiblePid = 99_999_999
  const rest = (await readFile(path, "utf8")).split("\n").slice(1)
  const text = [impossiblePid, ...rest].join("\n")
  // In place, over the bytes that are there: on a full disk the file must not become empty.
  const handle = await open(path, "r+")
  try {
    await handle.write(text, 0)
    await handle.truncate(Buffer.byteLength(text))
  } finally {
    await handle.close()
  }
}

/**
 * A server that ends before it has written its process id leaves an empty file, and so does a loss of power. PostgreSQL
 * refuses that file for ever. The lock of the data directory keeps other processes of SlotBase away. A person's own
 * `pg_ctl start` writes its id within milliseconds.
 */
async function removeEmptyPidFile(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.size !== 0) return
  await Bun.sleep(emptyPidFileMs)
  if ((await stat(path).catch(() => undefined))?.size === 0) await rm(path)
}

/** False when there is no such process, or it belongs to another user. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
