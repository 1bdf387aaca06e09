/**
 * The supervisor of the embedded PostgreSQL. A server that has ended, for whatever reason, is started again on the same
 * port, after a delay that grows. A server that was stopped (SIGSTOP) is continued. When it cannot be started, `onLost`
 * ends the process. A full disk is the exception: nothing but room helps, so the start is tried until there is room.
 */
import { stat, statfs } from "node:fs/promises"
import { join } from "node:path"
import { parts } from "#base/parts.ts"
import { isPostmaster, type Postmaster, sendSignal } from "./postmaster.ts"
import { askServer } from "./probe.ts"
import type { Embedded } from "./start.ts"
import { EmbeddedUnavailable } from "./unavailable.ts"

export const databasePart = "database"

export interface WatchOptions {
  /** The server cannot be started again; the process must end. */
  readonly onLost: (reason: EmbeddedUnavailable) => void
  /** Other times than the usual ones, for tests. */
  readonly times?: WatchTimes
}

interface WatchTimes {
  /** How often the server is asked for a connection, and how long it may take to answer. */
  readonly askEveryMs: number
  readonly answerWithinMs: number
  /** Delays before the attempts to start it; the usual ones are over within six seconds, besides the attempts. */
  readonly delaysMs: readonly number[]
}

/** How soon an ended server is noticed. Linux shows a process in a file; elsewhere each look starts a program. */
const lookEveryMs = process.platform === "linux" ? 250 : 2_000
const usualTimes: WatchTimes = {
  askEveryMs: 2_000,
  answerWithinMs: 2_000,
  delaysMs: [0, 250, 500, 1_000, 2_000, 2_000],
}
/** The server is killed when it was silent so often: half a minute, longer than a busy machine needs for one fork. */
const silentAtMost = 7
/** A server in a smart shutdown waits for our own sessions, so for ever. After so many answers it is told to hurry. */
const stoppingAtMost = 2
/** A server that was started so often within a minute ends again each time. */
const startsAtMost = 10
const startsWithinMs = 60_000
/** Between attempts on a full disk. */
const fullDelayMs = 1_000
/** PostgreSQL writes its log in files of this size, and cannot start without room for one. */
const leastRoomBytes = 16 * 1024 * 1024

/** Watches the server until the returned function is called, which waits for a start under way. */
export function watchEmbedded(embedded: Embedded, { onLost, times = usualTimes }: WatchOptions): () => Promise<void> {
  const { askEveryMs, answerWithinMs, delaysMs } = times
  const stopped = new AbortController()
  const pause = (ms: number) => pauseUnlessStopped(ms, stopped.signal)
  const starts: number[] = []
  const startsLately = () => starts.filter((at) => at > performance.now() - startsWithinMs).length

  async function watch(): Promise<void> {
    // Not asked for anew: one that waits for our own sessions to end is never ready again, and would be awaited.
    let server: Postmaster | undefined = embedded.started
    parts.well(databasePart)
    while (!stopped.signal.aborted) {
      await untilEnded(server)
      if (stopped.signal.aborted) return
      parts.ill(databasePart, "The embedded PostgreSQL has ended, and is started again.")
      server = await startAgain()
      if (server === undefined) return
      parts.restarted(databasePart)
      parts.well(databasePart)
    }
  }

  /** Resolves when the process of the server is gone, or the watch has ended. */
  async function untilEnded({ pid, port }: Postmaster): Promise<void> {
    let [silent, stopping, askAt] = [0, 0, performance.now() + askEveryMs]
    while (!stopped.signal.aborted && (await isPostmaster(pid, embedded.cluster))) {
      await pause(lookEveryMs)
      if (performance.now() < askAt || stopped.signal.aborted) continue
      const answer = await askServer(port, answerWithinMs)
      silent = answer === "silent" ? silent + 1 : 0
      stopping = answer === "stopping" ? stopping + 1 : 0
      if (answer === "takes") parts.well(databasePart)
      else if (silent === 1)
        parts.restarting(databasePart, "The embedded PostgreSQL has not answered, and is continued.")
      else parts.ill(databasePart, `The embedded PostgreSQL is ${answer === "silent" ? "not answering" : answer}.`)
      // Harmless to a server that runs. It heals one that was stopped by hand or by a debugger.
      if (silent > 0) sendSignal(pid, "SIGCONT")
      if (stopping > stoppingAtMost) sendSignal(pid, "SIGINT")
      if (silent > silentAtMost) sendSignal(pid, silent % 2 === 0 ? "SIGQUIT" : "SIGKILL")
      // PostgreSQL notices within a minute that its files are gone. Until then it takes bookings that nobody keeps.
      if (await isGone(embedded.cluster)) sendSignal(pid, "SIGQUIT")
      askAt = performance.now() + askEveryMs
    }
  }

  /** The started server; undefined when the watch has ended, or the server cannot be started. */
  async function startAgain(): Promise<Postmaster | undefined> {
    for (let attempt = 0; ; ) {
      await pause(delaysMs[Math.min(attempt + startsLately(), delaysMs.length - 1)] ?? 0)
      if (stopped.signal.aborted) return undefined
      try {
        const server = await embedded.revive()
        starts.push(performance.now())
        if (startsLately() <= startsAtMost || (await isFull(embedded.cluster))) return server
        return lost(
          new EmbeddedUnavailable("failed", `The embedded PostgreSQL ended ${startsAtMost} times in a minute.`),
        )
      } catch (error) {
        const reason = error instanceof EmbeddedUnavailable ? error : new EmbeddedUnavailable("failed", String(error))
        if (reason.reason === "gone") return lost(reason)
        if (await isFull(embedded.cluster)) {
          parts.ill(databasePart, "The disk of the database is full.", "storage_full")
          await pause(fullDelayMs)
          continue
        }
        attempt++
        if (attempt === delaysMs.length) return lost(reason)
      }
    }
  }

  function lost(reason: EmbeddedUnavailable): undefined {
    parts.ill(databasePart, "The embedded PostgreSQL cannot be started again.")
    if (!stopped.signal.aborted) onLost(reason)
    return undefined
  }

  const watching = watch().catch((error: unknown) => {
    lost(error instanceof EmbeddedUnavailable ? error : new EmbeddedUnavailable("failed", String(error)))
  })
  return async () => {
    stopped.abort()
    await watching
    parts.forget(databasePart)
  }
}

const isGone = (cluster: string) =>
  stat(join(cluster, "PG_VERSION")).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  )

/** Whether the server's user has too little room, beside the data or beside the log of changes. */
async function isFull(cluster: string): Promise<boolean> {
  const rooms = await Promise.all(
    [cluster, join(cluster, "pg_wal")].map((place) => statfs(place).catch(() => undefined)),
  )
  return rooms.some((room) => room !== undefined && room.bavail * room.bsize < leastRoomBytes)
}

function pauseUnlessStopped(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) return Promise.resolve()
  const end = () => resolve()
  const timer = setTimeout(end, ms)
  signal.addEventListener("abort", end)
  return promise.finally(() => {
    clearTimeout(timer)
    signal.removeEventListener("abort", end)
  })
}
