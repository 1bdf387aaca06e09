// The strangers of the benchmark, in a process of their own. They come from one address of the loopback, send as much
// as an order says, and leave. Each order names one kind of crowd.

import { randomBytes } from "node:crypto"
import { Agent, request } from "node:http"
import { connect, type Socket } from "node:net"
import { answerLines } from "#scripts/benchmarks/line-process.ts"

export interface Crowd {
  readonly port: number
  /** The strangers' address. */
  readonly from: string
  /** Sign-ins at once, each for another account. */
  readonly signIns?: number
  /** Connections that send one body of `bodyBytes` after the other. */
  readonly connections?: number
  readonly bodyBytes?: number
  /** Sockets of the live channel that say nothing. */
  readonly sockets?: number
}

const answers: Record<string, number> = {}
const count = (status: number | string) => {
  answers[status] = (answers[status] ?? 0) + 1
}
let staying = false
/** Requests without an answer yet. */
let waiting = 0
let work: Promise<unknown>[] = []
const open: Socket[] = []

await answerLines<Crowd | { readonly leave: true } | { readonly ask: true }>(async (order) => {
  if ("leave" in order) return leave()
  if ("ask" in order) return { isThere: waiting > 0 || open.length > 0 }
  staying = true
  const { signIns = 0, connections = 0, bodyBytes = 0, sockets = 0 } = order
  const agent = new Agent({ maxSockets: signIns + connections, keepAlive: connections > 0 })
  const sent = Array.from({ length: signIns }, (_, n) => {
    const body = JSON.stringify({ email: `stranger-${n}@example.com`, password: "a wrong password" })
    const { isSent, status } = post(order, agent, body)
    work.push(status.then(count))
    return isSent
  })
  await Promise.all(sent)
  const body = bodyOf(bodyBytes)
  for (let n = 0; n < connections; n++) work.push(keepSending(order, agent, body))
  // The first bodies are under way.
  if (connections > 0) await post(order, agent, "{}").status
  await Promise.all(Array.from({ length: sockets }, () => silentSocket(order)))
  return { arrived: true }
})

async function leave(): Promise<object> {
  staying = false
  for (const socket of open.splice(0)) socket.destroy()
  await Promise.all(work)
  work = []
  const all = { ...answers }
  for (const key of Object.keys(answers)) delete answers[key]
  return all
}

async function keepSending(order: Crowd, agent: Agent, body: string): Promise<void> {
  while (staying) count(await post(order, agent, body).status)
}

function post({ port, from }: Crowd, agent: Agent, body: string) {
  const { promise: isSent, resolve: sent } = Promise.withResolvers<void>()
  const { promise: status, resolve: answered } = Promise.withResolvers<number | string>()
  const headers = { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) }
  waiting++
  void status.then(() => waiting--)
  const place = { host: "127.0.0.1", port, localAddress: from, path: "/v1/sessions", method: "POST", headers, agent }
  const sending = request(place, (answer) => {
    answer.resume()
    answer.on("end", () => answered(answer.statusCode ?? 0))
    answer.on("error", () => answered("broken"))
  })
  sending.on("error", () => {
    sent()
    answered("broken")
  })
  sending.on("finish", () => sent())
  sending.end(body)
  return { isSent, status }
}

/** JSON of about this length, of fields that no route knows. */
function bodyOf(bytes: number): string {
  const fields: string[] = []
  for (let length = 0; length < bytes - 20; length += 17) fields.push(`"f${String(fields.length).padStart(8, "0")}":0`)
  return `{${fields.join(",\n")}}`
}

/** Resolves when the server has answered the handshake, or has ended the connection. */
function silentSocket({ port, from }: Crowd): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = connect({ host: "127.0.0.1", port, localAddress: from })
  open.push(socket)
  const lines = [
    "GET /v1/live HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
  ]
  socket.on("connect", () => socket.write(`${lines.join("\r\n")}\r\n\r\n`))
  socket.once("data", (first: Buffer) => {
    count(first.toString("latin1", 9, 12))
    resolve()
  })
  for (const event of ["error", "close"] as const) socket.on(event, () => resolve())
  return promise
}
