// Sends bytes to an HTTP server, and reads its bytes until the server closes the connection. It can send requests that
// no client library makes.

import { connect } from "node:net"

/** The answer's bytes as text, one character per byte. The bytes must make the server close. */
export function rawRequest(port: number, bytes: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect({ host: "127.0.0.1", port })
  let answer = ""
  socket.on("data", (data: Buffer) => {
    answer += data.toString("latin1")
  })
  socket.on("error", () => {})
  socket.on("close", () => resolve(answer))
  socket.write(Buffer.from(bytes, "latin1"))
  return promise
}

export interface RawAnswer {
  readonly status: number
  readonly body: string
}

/** The status and the body of an answer with a stated length. */
export function partsOf(answer: string): RawAnswer {
  const end = answer.indexOf("\r\n\r\n")
  return { status: Number(answer.split(" ")[1]), body: end < 0 ? "" : answer.slice(end + 4) }
}
