/**
 * The supervisor of the HTTP listener: it asks the server whether it listens, and connects to its address as a client
 * would. A closed listener is opened again on the same port. When that fails, `onLost` ends the process.
 */
import { connect } from "node:net"
import { parts } from "#base/parts.ts"

export interface WatchedListener {
  readonly host: string
  /** The port that is listened on now. */
  readonly port: number
  /** Whether the server itself believes that it listens. */
  readonly isOpen: () => boolean
  /** Opens the listener again; throws when it cannot. */
  readonly reopen: () => void
  readonly onLost: (reason: Error) => void
}

export const listenerPart = "listener"

const lookEveryMs = 1_000
const answerWithinMs = 2_000
/** Another program may have the port for a moment. After so many attempts the process ends, within six seconds. */
const attemptsAtMost = 5

/** Watches until the returned function is called. */
export function watchListener({ host, port, isOpen, reopen, onLost }: WatchedListener): () => void {
  let [looking, ended, failed] = [false, false, 0]
  parts.well(listenerPart)

  function heal(): void {
    parts.ill(listenerPart, "The HTTP listener was closed, and is opened again.")
    try {
      reopen()
      failed = 0
      parts.restarted(listenerPart)
      parts.well(listenerPart)
    } catch (cause) {
      failed++
      if (failed < attemptsAtMost) return
      stop()
      onLost(new Error(`The HTTP listener on port ${port} was closed and cannot be opened again.`, { cause }))
    }
  }

  const timer = setInterval(async () => {
    if (looking) return
    looking = true
    const isWell = isOpen() && (await accepts(host, port))
    looking = false
    if (!ended && !isWell) heal()
  }, lookEveryMs)
  const stop = () => {
    ended = true
    clearInterval(timer)
  }
  return stop
}

/** False only when the address refuses. A busy process or a full queue is no closed listener. */
function accepts(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ port, host: anyAddress[host] ?? host })
  const timer = setTimeout(() => resolve(true), answerWithinMs)
  socket.once("connect", () => resolve(true))
  socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"))
  return promise.finally(() => {
    clearTimeout(timer)
    socket.destroy()
  })
}

const anyAddress: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" }
