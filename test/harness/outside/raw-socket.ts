// A WebSocket client by hand, on a bare TCP connection. It shows the handshake's raw answer, it can stop reading, and
// it sends frames that no library sends.

import { randomBytes } from "node:crypto"
import { connect } from "node:net"
import type { ServerFrame } from "#test/harness/pipeline/live.ts"

export interface RawSocket {
  readonly status: number
  readonly headers: Headers
  readonly send: (frame: unknown) => void
  readonly write: (bytes: Uint8Array) => void
  /** The next text frame, which must have this type. */
  readonly next: (type: string) => Promise<ServerFrame>
  /** The code of the server's close frame. */
  readonly closeCode: () => Promise<number>
  readonly stopReading: () => void
  readonly end: () => void
}

/** @param host Sent as `Host`; default: that of the address. @param origin Sent as `Origin`; default: none */
export async function handshake(
  url: string,
  protocols: readonly string[],
  host?: string,
  origin?: string,
): Promise<RawSocket> {
  const { hostname, port, pathname } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  const request = [
    `GET ${pathname} HTTP/1.1`,
    `Host: ${host ?? `${hostname}:${port}`}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    ...(origin === undefined ? [] : [`Origin: ${origin}`]),
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
  const nextFrame = async () => {
    for (;;) {
      const frame = frameOf(bytes)
      if (frame) {
        bytes = bytes.subarray(frame.length)
        return frame
      }
      await more()
    }
  }
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
    write: (written) => socket.write(written),
    async next(type) {
      for (;;) {
        const { text } = await nextFrame()
        const read = JSON.parse(text.toString()) as ServerFrame
        if (read.type === type) return read
      }
    },
    async closeCode() {
      for (;;) {
        const { opcode, text } = await nextFrame()
        if (opcode === 8) return text.readUInt16BE(0)
      }
    },
    stopReading: () => socket.pause(),
    end: () => socket.destroy(),
  }
}

/**
 * A text frame as clients send it (RFC 6455, 5.2), with a mask of zeros.
 * @param first the first byte: left out, a whole text
 */
export function masked(content: string | Uint8Array, first = 0x81): Buffer {
  const payload = Buffer.from(content as string)
  const head = Buffer.alloc(payload.length < 126 ? 6 : payload.length < 65_536 ? 8 : 14)
  head[0] = first
  head[1] = 0x80 | (head.length === 6 ? payload.length : head.length === 8 ? 126 : 127)
  if (head.length === 8) head.writeUInt16BE(payload.length, 2)
  if (head.length === 14) head.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([head, payload])
}

/** The first whole frame in the server's bytes. All frames here are below 64 KiB. */
function frameOf(bytes: Buffer): { opcode: number; text: Buffer; length: number } | undefined {
  if (bytes.length < 2) return undefined
  const short = (bytes[1] ?? 0) & 127
  const start = short === 126 ? 4 : 2
  if (bytes.length < start) return undefined
  const length = start + (short === 126 ? bytes.readUInt16BE(2) : short)
  if (bytes.length < length) return undefined
  return { opcode: (bytes[0] ?? 0) & 15, text: bytes.subarray(start, length), length }
}
