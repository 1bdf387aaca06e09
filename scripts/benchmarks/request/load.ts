// The load generator, a process of its own. It books slot after slot over keep-alive connections, one request at a time
// on each. It writes requests and reads answers itself: on two cores a heavy client would take the server's CPU, and
// hide the measured cost. It gets one line of JSON, and answers with one.

import type { Socket } from "bun"
import { answerLines } from "#scripts/benchmarks/line-process.ts"
import type { Person } from "./people.ts"

export interface LoadOrder {
  readonly port: number
  readonly facilityId: string
  /** They book in turn, each for themself. */
  readonly people: readonly Person[]
  readonly resourceIds: readonly string[]
  /** Number of the first slot: slot n is court n mod courts, hour n / courts. */
  readonly from: number
  readonly connections: number
  readonly seconds: number
  readonly paymentMethod?: "online" | "waived"
}

export interface LoadResult {
  readonly bookings: number
  readonly seconds: number
  /** Milliseconds, ascending. */
  readonly latencies: readonly number[]
  /** Answers other than 201, at most three of them. */
  readonly failures: readonly string[]
}

const hourMs = 3_600_000
const epoch = Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 86_400_000

async function run(order: LoadOrder): Promise<LoadResult> {
  const latencies: number[] = []
  const failures: string[] = []
  let next = order.from
  const began = performance.now()
  const until = began + order.seconds * 1000
  await Promise.all(Array.from({ length: order.connections }, () => one()))
  return {
    bookings: latencies.length,
    seconds: (performance.now() - began) / 1000,
    latencies: latencies.sort((a, b) => a - b),
    failures: failures.slice(0, 3),
  }

  async function one(): Promise<void> {
    const done = Promise.withResolvers<void>()
    let sentAt = 0
    let answer = ""
    const send = (socket: Socket) => {
      answer = ""
      sentAt = performance.now()
      const person = order.people[next % order.people.length] as Person
      if (sentAt < until) socket.write(requestOf(order, person, next++))
      else socket.end()
    }
    await Bun.connect({
      hostname: "127.0.0.1",
      port: order.port,
      socket: {
        open: send,
        data: (socket, bytes) => {
          answer += bytes.toString("latin1")
          if (!isComplete(answer)) return
          if (answer.startsWith("HTTP/1.1 201")) latencies.push(performance.now() - sentAt)
          else failures.push(answer)
          send(socket)
        },
        close: () => done.resolve(),
        error: (_, error) => done.reject(error),
      },
    })
    await done.promise
  }
}

function requestOf(order: LoadOrder, person: Person, n: number): string {
  const courts = order.resourceIds.length
  const startMs = epoch + Math.floor(n / courts) * hourMs
  const body = JSON.stringify({
    resourceId: order.resourceIds[n % courts],
    bookerId: person.id,
    paymentMethod: order.paymentMethod ?? "waived",
    startAt: new Date(startMs).toISOString(),
    endAt: new Date(startMs + hourMs).toISOString(),
  })
  return [
    `POST /v1/facilities/${order.facilityId}/bookings HTTP/1.1`,
    `Host: 127.0.0.1:${order.port}`,
    `Authorization: Bearer ${person.token}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n")
}

/** Every answer of the server has a Content-Length. */
function isComplete(answer: string): boolean {
  const head = answer.indexOf("\r\n\r\n")
  const length = /content-length: (\d+)/i.exec(answer)?.[1]
  return head >= 0 && length !== undefined && answer.length >= head + 4 + Number(length)
}

await answerLines(run)
