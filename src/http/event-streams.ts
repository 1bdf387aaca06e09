/**
 * Server-Sent Events over HTTP: the text of an answer that does not end, with a limit on what may wait for a slow
 * client. While the process starts or stops, a stream is not refused: a 503 ends some EventSource clients for good. It
 * is answered with 200, held for a moment, and ended, and the client comes back.
 */

/** Where a route writes its stream. */
export interface EventStream {
  readonly response: Response
  /** False when more than the limit waits for the client. The text is still queued. */
  readonly write: (text: string) => boolean
  /** How many bytes wait for the client. */
  readonly waiting: () => number
  /** Resolves when the client has read what was written, or has left. */
  readonly drained: () => Promise<void>
  readonly end: () => void
  /** Ends it, and closes the connection when the client does not even read what waits. */
  readonly cut: () => void
  /** Aborted when the stream has ended, by either side. */
  readonly ended: AbortSignal
}

export const eventStreamHeaders = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  // A proxy that collects an answer would never pass it on.
  "x-accel-buffering": "no",
} as const

/** The connection of a request, whose time limit for silence a stream changes. */
export interface Timed {
  readonly request: Request
  readonly server: { timeout(request: Request, seconds: number): void } | null
}

/** @param waitingBytes how much may wait for the client */
export function openEventStream({ request, server }: Timed, waitingBytes: number): EventStream {
  // A stream is silent for longer than a request.
  server?.timeout(request, 0)
  const encoder = new TextEncoder()
  const over = new AbortController()
  let waiting: (() => void)[] = []
  let sink!: ReadableStreamDefaultController<Uint8Array>
  const wake = () => {
    for (const go of waiting.splice(0)) go()
  }
  const finish = (how: () => void) => {
    if (over.signal.aborted) return
    over.abort()
    try {
      how()
    } catch {
      // The client has left in this moment.
    }
    wake()
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        sink = controller
      },
      pull: wake,
      cancel: () => finish(() => {}),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 1 }),
  )
  const waitingNow = () => Math.max(0, -(sink.desiredSize ?? 0))
  return {
    response: new Response(body, { headers: eventStreamHeaders }),
    ended: over.signal,
    write(text) {
      if (over.signal.aborted) return true
      sink.enqueue(encoder.encode(text))
      return waitingNow() <= waitingBytes
    },
    waiting: waitingNow,
    async drained() {
      while (!over.signal.aborted && (sink.desiredSize ?? 1) <= 0)
        await new Promise<void>((go) => {
          waiting = [...waiting, go]
        })
    },
    end: () => finish(() => sink.close()),
    // To fail the stream would close the connection at once, and print the failure.
    cut: () =>
      finish(() => {
        sink.close()
        server?.timeout(request, cutSeconds)
      }),
  }
}

/** The address of a stream: the frames of channels, or the events of a feed. */
export const isEventStream = (path: string): boolean => path === "/v1/live/stream" || path.endsWith("/events/stream")

/** For a client that reads nothing. */
const cutSeconds = 4

/** Holds the client until the promise is done, for a few seconds at most, and then lets it come back. */
export function comeBackLater(timed: Timed, until: Promise<unknown>): Response {
  const stream = openEventStream(timed, 0)
  const isHeld = timed.server !== null
  stream.write(`retry: ${Math.round(1_000 + Math.random() * 2_000)}\n\n`)
  const timer = setTimeout(stream.end, isHeld ? longestHoldMs : 0)
  void until.finally(() => {
    clearTimeout(timer)
    stream.end()
  })
  return stream.response
}

/** Shorter than the time after which a server or a proxy closes a silent connection. */
const longestHoldMs = 10_000
