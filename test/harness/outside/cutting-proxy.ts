// A proxy between the driver and PostgreSQL that cuts or freezes a connection after any message of the server. Before
// the cut it may send a FATAL error, as a terminated backend does, or a server without a free connection.

import { connect, createServer, type Socket } from "node:net"

/** The fate of a connection: it is cut after this many messages of the server. */
export interface Cut {
  readonly after: number
  /** The SQLSTATE of an ErrorResponse that the proxy sends last. */
  readonly says?: string
  /** The server keeps answering after that error, as after a cancelled statement; only the session is lost. */
  readonly stays?: true
  /** From here on the proxy forwards nothing in either direction and closes nothing, like a frozen process. */
  readonly freezes?: true
}

export interface CuttingProxy {
  readonly url: string
  /** The types of the server's messages on the last connection. */
  readonly messages: () => string
  readonly stop: () => void
}

/** @param cuts one for each of the first connections; later connections are not cut. */
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

/** The end of the first message: a byte for the type, then the length, which counts itself. Undefined: incomplete. */
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
