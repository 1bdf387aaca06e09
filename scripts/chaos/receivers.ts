// The receivers of the webhooks. The healthy one answers at once. The faulty one works on bytes, and can hang, reset
// the connection, answer byte by byte, refuse, or be gone. Both keep every request with its attempt.

import type { Socket } from "node:net"
import { startRawServer } from "#test/harness/outside/raw-server.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"

/** How the faulty receiver treats requests. */
export type Behaviour = "answer" | "hang" | "reset" | "drip" | "refuse" | "gone"

export interface ReceivedRequest {
  /** X-SlotBase-Delivery-ID: one per attempt. */
  readonly attempt: string
  readonly event: string
  /** A whole answer of 200 has been written. */
  answered: boolean
}

export interface Receivers {
  readonly healthyUrl: string
  readonly faultyUrl: string
  /** Changes the faulty receiver, and cuts the connections that were hanging or dripping. */
  readonly setBehaviour: (behaviour: Behaviour) => void
  /** Requests at the faulty receiver that are waiting for an answer. */
  readonly waiting: () => number
  /** All requests since the last call. */
  readonly take: () => ReceivedRequest[]
  /**
   * The delay of each request to the healthy receiver since the last call: from the event's timestamp, milliseconds.
   */
  readonly takeDelays: () => number[]
  readonly stop: () => Promise<void>
}

/** A whole answer at this pace takes longer than a request may. */
const dripEveryMs = 250
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

export async function startReceivers(): Promise<Receivers> {
  let requests: ReceivedRequest[] = []
  let delays: number[] = []
  let behaviour: Behaviour = "answer"
  const held = new Set<Socket>()
  const note = (header: (name: string) => string): ReceivedRequest => {
    const request = { attempt: header("x-slotbase-delivery-id"), event: header("x-slotbase-event-id"), answered: false }
    requests.push(request)
    return request
  }

  const healthy = startReceiver(({ headers, body }) => {
    const { timestamp } = JSON.parse(body) as { timestamp: string }
    delays.push(Date.now() - Date.parse(timestamp))
    note((name) => headers.get(name) ?? "").answered = true
    return new Response("ok")
  })

  const faulty = await startRawServer((socket, first) => {
    let text = first
    const answerWhenComplete = () => {
      const [head = "", body = ""] = text.split("\r\n\r\n")
      const header = (name: string) => new RegExp(`^${name}: *(.*?)\r?$`, "im").exec(head)?.[1] ?? ""
      if (Buffer.byteLength(body) < Number(header("content-length") || "1")) return
      socket.removeAllListeners("data")
      answer(socket, note(header))
    }
    socket.on("data", (data: Buffer) => {
      text += data.toString()
      answerWhenComplete()
    })
    answerWhenComplete()
  })

  function answer(socket: Socket, request: ReceivedRequest): void {
    const end = () => {
      request.answered = !socket.destroyed
      socket.end(ok)
    }
    if (behaviour === "reset") return void socket.resetAndDestroy()
    if (behaviour === "refuse") return void socket.end(ok.replace("200 OK", "503 Unavailable"))
    if (behaviour === "gone") return void socket.end(ok.replace("200 OK", "410 Gone"))
    if (behaviour === "answer") return void end()
    held.add(socket)
    socket.on("close", () => held.delete(socket))
    if (behaviour === "hang") return
    let sent = 0
    const timer = setInterval(() => socket.write(ok[sent++] ?? ""), dripEveryMs)
    socket.on("close", () => clearInterval(timer))
  }

  return {
    healthyUrl: healthy.url,
    faultyUrl: `http://127.0.0.1:${faulty.port}/hook`,
    setBehaviour(next) {
      behaviour = next
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
      faulty.stop()
      await healthy.stop()
    },
  }
}
