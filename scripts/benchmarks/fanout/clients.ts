// The subscribers, all in one process. Their sockets speak just enough of RFC 6455 to join a channel and to count the
// frames that arrive. A WebSocket object per client would cost more than the server's sending, and would hide the
// measured work.

import type { Socket } from "bun"
import { answerLines } from "#scripts/benchmarks/line-process.ts"
import { FrameReader } from "./frame-reader.ts"

export type ClientsOrder =
  | {
      readonly join: number
      readonly port: number
      readonly path: string
      /** Each token is used by `socketsPerToken` sockets, the limit of one user. */
      readonly tokens: readonly string[]
      readonly socketsPerToken: number
      /** The frames that each socket sends after the handshake. */
      readonly hello: readonly object[]
      /** How many frames a socket gets before it is ready. */
      readonly answers: number
    }
  | { readonly expect: number }
  | { readonly leave: true }

/** The frames that an `expect` waited for. Instants are milliseconds on the wall clock. */
export interface Arrivals {
  readonly p50At: number
  readonly p99At: number
  readonly lastAt: number
  /** Mean size of a frame. */
  readonly bytes: number
}

interface Client {
  readonly reader: FrameReader
  /** Frames that the socket still awaits before it is ready. */
  waiting: number
  readonly ready: PromiseWithResolvers<void>
}

const joinedAtOnce = 100
const joinWithinMs = 30_000
const expectWithinMs = 60_000

const sockets: Socket<Client>[] = []
/** When frames arrived, in order. Frames of one read share an instant. */
let arrivals: { at: number; frames: number }[] = []
let arrived = 0
let bytes = 0
let lost = 0
let reached: { count: number; resolve: () => void } | undefined

await answerLines<ClientsOrder>(async (order) => {
  if ("join" in order) return join(order)
  if ("expect" in order) return expect(order.expect)
  for (const socket of sockets.splice(0)) socket.end()
  return {}
})

async function join(order: Extract<ClientsOrder, { join: number }>): Promise<object> {
  for (let n = 0; n < order.join; n += joinedAtOnce) {
    const some = Array.from({ length: Math.min(joinedAtOnce, order.join - n) }, (_, each) => connect(order, n + each))
    await within(joinWithinMs, Promise.all(some), `sockets ${n} to ${n + some.length} to join`)
  }
  return { joined: sockets.length }
}

async function expect(count: number): Promise<Arrivals> {
  const { promise, resolve } = Promise.withResolvers<void>()
  reached = { count, resolve }
  if (arrived >= count) resolve()
  await within(expectWithinMs, promise, `${count} frames (${arrived} came, ${lost} sockets were closed)`)
  const answer = { p50At: at(0.5), p99At: at(0.99), lastAt: at(1), bytes: bytes / arrived }
  reached = undefined
  arrivals = []
  arrived = 0
  bytes = 0
  return answer
}

/** When the given share of the frames had arrived. */
function at(share: number): number {
  let frames = 0
  for (const each of arrivals) {
    frames += each.frames
    if (frames >= arrived * share) return each.at
  }
  return Number.NaN
}

async function connect(order: Extract<ClientsOrder, { join: number }>, n: number): Promise<void> {
  const token = order.tokens[Math.floor(n / order.socketsPerToken) % order.tokens.length]
  const protocol = token === undefined ? "" : `Sec-WebSocket-Protocol: slotbase.v1, bearer.${token}\r\n`
  const socket = await Bun.connect<Client>({
    hostname: "127.0.0.1",
    port: order.port,
    socket: {
      open: (socket) => {
        socket.data = { reader: new FrameReader(), waiting: order.answers, ready: Promise.withResolvers() }
        socket.write(
          `GET ${order.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
            `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${btoa(String(n).padStart(16))}\r\n${protocol}\r\n`,
        )
        for (const frame of order.hello) socket.write(textFrame(JSON.stringify(frame)))
      },
      data: (socket, chunk) => {
        const { data } = socket
        const frames = data.reader.read(chunk)
        if (data.waiting > 0) {
          data.waiting -= frames
          if (data.waiting <= 0 && data.reader.isOpen) data.ready.resolve()
          return
        }
        if (data.reader.isOpen) data.ready.resolve()
        if (frames > 0) count(frames, chunk.length)
      },
      close: (socket) => {
        lost += 1
        socket.data.ready.reject(new Error("the server closed a socket"))
      },
      error: () => {},
    },
  })
  sockets.push(socket)
  await socket.data.ready.promise
}

function count(frames: number, length: number): void {
  const now = performance.timeOrigin + performance.now()
  arrivals.push({ at: now, frames })
  arrived += frames
  bytes += length
  if (reached !== undefined && arrived >= reached.count) reached.resolve()
}

/** A client's frames are masked; a mask of zeros leaves the text as it is. */
function textFrame(text: string): Uint8Array {
  const payload = Buffer.from(text)
  if (payload.length > 125) {
    return Buffer.concat([
      Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 255, 0, 0, 0, 0]),
      payload,
    ])
  }
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload])
}

async function within<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`waited too long for ${what}`)), ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
