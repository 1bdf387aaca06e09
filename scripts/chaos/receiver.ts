// Where the events are sent: a steady endpoint that always answers at once, and a moody one that speaks bytes and can
// hang, reset the connection, answer byte by byte, refuse, or be gone. Both keep every request, by its attempt.

import type { Socket } from "node:net"
import { startRawServer } from "#test/harness/outside/raw-server.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"

export type Mood = "answer" | "hang" | "reset" | "drip" | "refuse" | "gone" | "slow"

export interface Request {
  /** X-SlotBase-Delivery-ID: one per attempt. */
  readonly attempt: string
  readonly event: string
  /** A whole answer of 200 has been written. */
  answered: boolean
}

export interface Receivers {
  readonly steadyUrl: string
  readonly moodyUrl: string
  /** Requests that were hung or dripped on are let go when the mood changes. */
  readonly setMood: (mood: Mood) => void
  /** Requests of the moody endpoint that wait for an answer now. */
  readonly waiting: () => number
  /** Everything since the last call. */
  readonly take: () => Request[]
  /** Of the requests to the steady endpoint since the last call: from the event's own timestamp to here, milliseconds. */
  readonly takeDelays: () => number[]
  readonly stop: () => Promise<void>
}

const slowMs = 800
/** All of the answer takes longer than a request may. */
const dripEveryMs = 250
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

export async function startReceivers(): Promise<Receivers> {
  let requests: Request[] = []
  let delays: number[] = []
  let mood: Mood = "answer"
  const held = new Set<Socket>()
  const note = (header: (name: string) => string): Request => {
    const request = { attempt: header("x-slotbase-delivery-id"), event: header("x-slotbase-event-id"), answered: false }
    requests.push(request)
    return request
  }

  const steady = startReceiver(({ headers, body }) => {
    const { timestamp } = JSON.parse(body) as { timestamp: string }
    delays.push(Date.now() - Date.parse(timestamp))
    note((name) => headers.get(name) ?? "").answered = true
    return new Response("ok")
  })

  const moody = await startRawServer((socket, first) => {
    let text = first
    const look = () => {
      const [head = "", body = ""] = text.split("\r\n\r\n")
      const header = (name: string) => new RegExp(`^${name}: *(.*?)\r?$`, "im").exec(head)?.[1] ?? ""
      if (Buffer.byteLength(body) < Number(header("content-length") || "1")) return
      socket.removeAllListeners("data")
      answer(socket, note(header))
    }
    socket.on("data", (data: Buffer) => {
      text += data.toString()
      look()
    })
    look()
  })

  function answer(socket: Socket, request: Request): void {
    const end = () => {
      request.answered = !socket.destroyed
      socket.end(ok)
    }
    if (mood === "reset") return void socket.resetAndDestroy()
    if (mood === "refuse") return void socket.end(ok.replace("200 OK", "503 Unavailable"))
    if (mood === "gone") return void socket.end(ok.replace("200 OK", "410 Gone"))
    if (mood === "slow") return void setTimeout(end, slowMs)
    if (mood === "answer") return void end()
    held.add(socket)
    socket.on("close", () => held.delete(socket))
    if (mood === "hang") return
    let sent = 0
    const timer = setInterval(() => socket.write(ok[sent++] ?? ""), dripEveryMs)
    socket.on("close", () => clearInterval(timer))
  }

  return {
    steadyUrl: steady.url,
    moodyUrl: `http://127.0.0.1:${moody.port}/hook`,
    setMood(next) {
      mood = next
      for (const socket of held) socket.destroy()
      held.clear()
    },
    waiting: () => held.size,
    take() {
      const taken = requests
      requests = []
      return taken
    },
    takeDelays() {
      const taken = delays
      delays = []
      return taken
    },
    async stop() {
      moody.stop()
      await steady.stop()
    },
  }
}
