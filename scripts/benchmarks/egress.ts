// Compares the HTTP clients that outgoing requests could use, in turns and in one process. Each posts webhook-sized
// bodies to one healthy receiver in another process, 32 at a time, and then one after the other for the latency.

import { join } from "node:path"
import { median, round } from "#scripts/statistics.ts"
import { type Client, clients } from "./egress/clients.ts"
import type { Figure } from "./figure.ts"
import type { Part } from "./part.ts"
import { owned } from "./running.ts"

const atOnce = 32

export const egress: Part = {
  name: "egress",
  description: "POSTs to one healthy receiver by the guard and by other HTTP clients; p50 and p99 one after the other",
  run: async ({ short, progress }) => {
    const file = join(import.meta.dir, "egress/receiver.ts")
    const child = owned(Bun.spawn([process.execPath, file], { stdin: "ignore", stdout: "pipe", stderr: "inherit" }))
    const { value } = await child.stdout.getReader().read()
    const url = new TextDecoder().decode(value).trim()
    const [rounds, count] = short ? [3, 3_000] : [7, 20_000]
    const measured = new Map<string, Turn[]>(clients.map(({ name }) => [name, []]))
    for (let n = -1; n < rounds; n++) {
      for (const client of clients) {
        const turn = await takeTurn(client, url, count)
        if (n >= 0) measured.get(client.name)?.push(turn) // the first round warms each of them
      }
      if (n >= 0) progress(`round ${n + 1} of ${rounds}`)
    }
    child.kill()
    await child.exited
    return clients.map(({ name }) => figureOf(name, measured.get(name) ?? []))
  },
}

interface Turn {
  readonly perSecond: number
  readonly cpuMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

async function takeTurn(client: Client, url: string, count: number): Promise<Turn> {
  let left = count
  const work = async () => {
    while (left-- > 0) await client.post(url, headers, body)
  }
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: atOnce }, work))
  const ms = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpu)
  const delays: number[] = []
  for (let n = 0; n < count / 20; n++) {
    const sentAt = performance.now()
    await client.post(url, headers, body)
    delays.push(performance.now() - sentAt)
  }
  delays.sort((a, b) => a - b)
  const at = (share: number) => delays[Math.floor(delays.length * share)] ?? Number.NaN
  return { perSecond: (count / ms) * 1_000, cpuMs: (user + system) / 1_000 / count, p50Ms: at(0.5), p99Ms: at(0.99) }
}

function figureOf(name: string, turns: readonly Turn[]): Figure {
  return {
    name,
    eventsPerSecond: Math.round(median(turns.map((each) => each.perSecond))),
    p50Ms: round(median(turns.map((each) => each.p50Ms))),
    p99Ms: round(median(turns.map((each) => each.p99Ms))),
    cpuMsProgram: round(median(turns.map((each) => each.cpuMs))),
  }
}

const body = JSON.stringify({ id: crypto.randomUUID(), type: "booking.confirmed", data: { text: "x".repeat(900) } })
const headers = {
  "Content-Type": "application/json",
  "User-Agent": "SlotBase-Webhooks/1.0",
  "X-SlotBase-Event": "booking.confirmed",
  "X-SlotBase-Event-ID": crypto.randomUUID(),
  "X-SlotBase-Signature": "a".repeat(64),
}
