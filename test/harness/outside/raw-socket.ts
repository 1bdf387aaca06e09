// A WebSocket client by hand, on a bare TCP connection. It shows the handshake's raw answer, and it can stop reading.

import { randomBytes } from "node:crypto"
import { connect } from "node:net"
import type { ServerFrame } from "#test/harness/pipeline/live.ts"

export interface RawSocket {
  readonly status: number
  readonly headers: Headers
  readonly send: (frame: unknown) => void
  /** The next text frame, which must have this type. */
  readonly next: (type: string) => Promise<ServerFrame>
  readonly stopReading: () => void
  readonly end: () => void
}

/** @param host Sent as `Host`; default: that of the address. */
export async function handshake(url: string, protocols: readonly string[], host?: string): Promise<RawSocket> {
  const { hostname, port, pathname } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  const request = [
    `GET ${pathname} HTTP/1.1`,
    `Host: ${host ?? `${hostname}:${port}`}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    ...(protocols.length > 0 ? [`Sec-WebSocket-Protocol: ${protocols.join(", ")}`] : []),
  ]
  let bytes = Buffer.alloc(0)
  let arrived = Promise.withResolvers<void>()
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    arrived.resolve()
    arrived = Promise.withResolvers()
  })
  socket.on("error", () => {})
  const more = () => arrived.promise
  socket.write(`${request.join("\r\n")}\r\n\r\n`)
  while (!bytes.includes("\r\n\r\n")) await more()
  const end = bytes.indexOf("\r\n\r\n")
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n")
  bytes = bytes.subarray(end + 4)
  return {
    status: Number(first.split(" ")[1]),
    headers: new Headers(
      lines.map((line): [string, string] => [
        line.slice(0, line.indexOf(":")),
        line.slice(line.indexOf(":") + 1).trim(),
      ]),
    ),
    send: (frame) => socket.write(masked(JSON.stringify(frame))),
    async next(type) {
      for (;;) {
        const frame = textFrame(bytes)
        if (frame === undefined) {
          await more()
          continue
        }
        bytes = bytes.subarray(frame.length)
        const read = JSON.parse(frame.text) as ServerFrame
        if (read.type === type) return read
      }
    },
    stopReading: () => socket.pause(),
    end: () => socket.destroy(),
  }
}

/** A short text frame as clients send it (RFC 6455, 5.2), with a mask of zeros. */
function masked(text: string): Buffer {
  const payload = Buffer.from(text)
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 255]
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), payload])
}

/** The first whole frame in the server's bytes. All frames here are texts below 64 KiB. */
function textFrame(bytes: Buffer): { text: string; length: number } | undefined {
  if (bytes.length < 4) return undefined
  const short = (bytes[1] ?? 0) & 127
  const [start, size] = short === 126 ? [4, bytes.readUInt16BE(2)] : [2, short]
  if (bytes.length < start + size) return undefined
  return { text: bytes.toString("utf8", start, start + size), length: start + size }
}
