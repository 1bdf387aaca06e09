// A server with nothing but the WebSocket, and two clients: Bun's own, and a handshake by hand.

import { Elysia } from "elysia"
import { broadcastOnce } from "#actors/live/broadcaster.ts"
import type { Db } from "#base/database/db.ts"
import { type LiveLimits, webSocketOptions } from "#outbound/live/limits.ts"
import { Live } from "#outbound/live/live.ts"
import { liveRoutes } from "#outbound/live/routes.ts"
import { liveStreamRoutes } from "#outbound/live/stream-routes.ts"
import type { StreamSocket } from "#outbound/live/streams.ts"
import { dispatchAll } from "./pipeline.ts"

export interface LiveServer {
  readonly live: Live
  /** ws://127.0.0.1:port/v1/live */
  readonly url: string
  /** Dispatches all recorded events and publishes them. */
  readonly pass: () => Promise<void>
  /** The place of a position, as frames name it; default: the present position. */
  readonly place: (position?: number) => { readonly position: string; readonly epoch: string }
  /** The open streams, which a test may close as the server does. */
  readonly streams: () => readonly StreamSocket[]
  /** The requests that are not answered to the end. */
  readonly requests: () => number
  /** The number of open sockets on the server's side. */
  readonly sockets: () => number
  readonly connect: (options?: ConnectOptions) => Promise<LiveClient>
  readonly stop: () => Promise<void>
}

export interface ConnectOptions {
  /** Sent among the protocols, or in a first frame with `firstFrame`; then the answer is awaited. */
  readonly token?: string
  readonly firstFrame?: true
}

export async function liveServer(
  db: Db,
  limits: Partial<LiveLimits> = {},
  { port = 0, liveOrigins = [] }: { readonly port?: number; readonly liveOrigins?: readonly string[] } = {},
): Promise<LiveServer> {
  const live = new Live(db, limits)
  const app = new Elysia({ websocket: webSocketOptions })
    .use(liveRoutes(live, { trustedProxies: [], liveOrigins }))
    .use(liveStreamRoutes(live))
    .listen({ port, hostname: "127.0.0.1" })
  const url = `ws://127.0.0.1:${app.server?.port}/v1/live`
  await broadcastOnce(db, live)
  return {
    live,
    url,
    async pass() {
      await dispatchAll(db)
      while ((await broadcastOnce(db, live)).more) {}
    },
    place: (position = live.position ?? 0) => ({ position: String(position), epoch: live.epoch ?? "" }),
    streams: () => live.streams.open,
    requests: () => app.server?.pendingRequests ?? 0,
    sockets: () => app.server?.pendingWebSockets ?? 0,
    async connect({ token, firstFrame } = {}) {
      const client = await LiveClient.open(
        url,
        token === undefined || firstFrame ? [] : ["slotbase.v1", `bearer.${token}`],
      )
      if (token === undefined) return client
      if (firstFrame) client.send({ type: "auth", token })
      await client.next("ready")
      return client
    },
    async stop() {
      live.closeAll()
      await app.stop(true)
    },
  }
}

export interface ServerFrame {
  readonly type: string
  readonly channel: string
  readonly position: string
  readonly eventId: string
  readonly payload: Record<string, unknown>
  readonly code: string
  readonly replayed: number
  readonly [more: string]: unknown
}

export class LiveClient {
  /** Every frame so far. */
  readonly frames: ServerFrame[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #socket: WebSocket
  #unread: ServerFrame[] = []
  #waiting: ((frame: ServerFrame) => void) | undefined

  static open(url: string, protocols: string[]): Promise<LiveClient> {
    const socket = new WebSocket(url, protocols)
    const client = new LiveClient(socket)
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve(client)
      socket.onerror = (event) => reject(new Error(`no WebSocket: ${(event as ErrorEvent).message}`))
    })
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket
    const { promise, resolve } = Promise.withResolvers<{ code: number; reason: string }>()
    this.closed = promise
    socket.onclose = ({ code, reason }) => resolve({ code, reason })
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as ServerFrame
      this.frames.push(frame)
      const waiting = this.#waiting
      this.#waiting = undefined
      if (waiting) waiting(frame)
      else this.#unread.push(frame)
    }
  }

  get protocol(): string {
    return this.#socket.protocol
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame))
  }

  /** The next frame; with a type given, the frame must have it. */
  async next(type?: string): Promise<ServerFrame> {
    const frame =
      this.#unread.shift() ??
      (await new Promise<ServerFrame>((resolve) => {
        this.#waiting = resolve
      }))
    if (type !== undefined && frame.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(frame)}`)
    return frame
  }

  async subscribe(channel: string, after?: string): Promise<ServerFrame> {
    this.send({ type: "subscribe", channel, ...(after !== undefined && { after }) })
    return this.next("subscribed")
  }

  /** All frames that were sent before this call: the answer to a ping comes after them. */
  async drain(): Promise<ServerFrame[]> {
    this.send({ type: "ping" })
    const frames: ServerFrame[] = []
    for (let frame = await this.next(); frame.type !== "pong"; frame = await this.next()) frames.push(frame)
    return frames
  }

  close(): void {
    this.#socket.close()
  }
}
