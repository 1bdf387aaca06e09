// Stands between the driver and PostgreSQL, and cuts a connection after any message of the server's, with or without a last
// word: a FATAL error, as a backend says it that is terminated, or a server that has no connection left. Or it falls silent.

import { connect, createServer, type Socket } from "node:net"

/** What happens to a connection: it is cut when so many messages have come from the server. */
export interface Cut {
  readonly after: number
  /** The SQLSTATE of an ErrorResponse that is the last message. */
  readonly says?: string
  /** The server goes on after its last word, as after a statement that was cancelled; only its session is lost. */
  readonly stays?: true
  /** Nothing is said from here on, in either direction, and nothing is closed: as by a process that is stopped. */
  readonly freezes?: true
}

export interface CuttingProxy {
  readonly url: string
  /** The types of the server's messages on the last connection. */
  readonly messages: () => string
  readonly stop: () => void
}

/** @param cuts of the first connections, one each; those after them are whole. */
export async function startCuttingProxy(serverUrl: string, ...cuts: Cut[]): Promise<CuttingProxy> {
  const [target, url] = [new URL(serverUrl), new URL(serverUrl)]
  const sockets = new Set<Socket>()
  let heard: string[] = []

  const server = createServer((client) => {
    const cut = cuts.shift()
    const backend = connect({ host: target.hostname, port: Number(target.port || 5432) })
    const types: string[] = []
    heard = types
    for (const socket of [client, backend]) {
      sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => {
        client.destroy()
        backend.destroy()
      })
    }
    let frozen = false
    client.on("data", (bytes) => {
      if (!frozen) backend.write(bytes)
    })

    let rest = Buffer.alloc(0)
    backend.on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes])
      for (let end = endOf(rest); end !== undefined && types.length !== cut?.after; end = endOf(rest)) {
        types.push(String.fromCharCode(rest[0] ?? 0))
        client.write(rest.subarray(0, end))
        rest = rest.subarray(end)
      }
      if (cut === undefined || types.length < cut.after) return
      backend.removeAllListeners("data")
      frozen = cut.freezes === true
      if (frozen) return
      const last = cut.says === undefined ? [] : [errorResponse(cut.says)]
      if (cut.stays) client.write(Buffer.concat([...last, readyForQuery]))
      else client.end(Buffer.concat(last))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  url.hostname = "127.0.0.1"
  url.port = String((server.address() as { port: number }).port)
  return {
    url: url.href,
    messages: () => heard.join(""),
    stop: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Where the first message ends: a byte for its type, then its length, which counts itself. Undefined: it is not whole. */
function endOf(bytes: Buffer): number | undefined {
  if (bytes.length < 5) return undefined
  const end = 1 + bytes.readUInt32BE(1)
  return end <= bytes.length ? end : undefined
}

function errorResponse(code: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0Mthe last word\0\0`)
  return Buffer.concat([Buffer.from("E"), lengthOf(fields), fields])
}

function lengthOf(fields: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(4 + fields.length)
  return length
}

const readyForQuery = Buffer.from("Z\0\0\0\x05I")
