// Sends frames to many WebSocket clients of one channel, and compares SlotBase with bare Bun publish(). Both send the
// same frames to the same number of subscribers, in turns. A burst of SlotBase lasts from the commit to the last
// client's socket: its events are recorded, dispatched, read by the broadcaster and published. A burst of bare Bun is
// the calls of publish() alone.

import { join } from "node:path"
import { connect } from "#base/database/db.ts"
import { connectHints } from "#base/hints.ts"
import { median, round } from "#scripts/statistics.ts"
import { clientOf, makeClub } from "#test/harness/api/client.ts"
import type { Arrivals, ClientsOrder } from "./fanout/clients.ts"
import { makeStaff, recordBurst, socketsPerUser } from "./fanout/club.ts"
import { type Figure, type Paid, perEvent } from "./figure.ts"
import { type LineProcess, startLineProcess } from "./line-process.ts"
import { type Bench, meter, startBench } from "./measure.ts"
import type { Part } from "./part.ts"
import { owned, startProgram } from "./running.ts"

/** Frames of one burst, for all clients together. */
const framesPerBurst = 200_000
export const fanout: Part = {
  name: "fanout",
  description: "frames to 1,000 and 10,000 WebSocket clients of one channel, beside bare Bun publish()",
  run: async ({ short, progress }) => {
    const figures: Figure[] = []
    for (const clients of [1_000, 10_000]) {
      const bursts = short ? 3 : 12
      const { slotbase, bare } = await compare(clients, bursts, progress)
      figures.push({
        ...figureOf(`slotbase, ${clients} clients`, slotbase),
        ratio: round(rateOf(slotbase) / rateOf(bare)),
      })
      figures.push(figureOf(`bare Bun, ${clients} clients`, bare))
    }
    return figures
  },
}

interface Burst extends Paid {
  readonly frames: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly bytes: number
}

/** One side of the comparison: a server with its clients. */
interface Side {
  readonly pid: number
  /** False: the work of PostgreSQL is not part of the costs. */
  readonly usesDatabase: boolean
  readonly clients: LineProcess
  /** Sends a burst; answers when it began, milliseconds on the wall clock. */
  readonly send: (events: number) => Promise<number>
}

async function compare(clients: number, bursts: number, progress: (line: string) => void) {
  const bench = await startBench()
  const ends: (() => unknown)[] = [bench.stop]
  try {
    const slotbase = await startSlotbase(bench, clients, ends)
    const { bytes } = await burst(bench, slotbase, 1, clients)
    const bare = await startBare(clients, Math.round(bytes), ends)
    progress(`${clients} clients have joined each side; a frame has ${Math.round(bytes)} bytes`)
    const events = Math.max(1, Math.round(framesPerBurst / clients))
    const measured: Record<"slotbase" | "bare", Burst[]> = { slotbase: [], bare: [] }
    for (let n = -1; n < bursts; n++) {
      const [a, b] = [await burst(bench, slotbase, events, clients), await burst(bench, bare, events, clients)]
      if (n < 0) continue // the first burst warms both sides
      measured.slotbase.push(a)
      measured.bare.push(b)
    }
    return measured
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

async function burst(bench: Bench, side: Side, events: number, count: number): Promise<Burst> {
  const { pid, clients, send, usesDatabase } = side
  const frames = events * count
  const read = await meter(bench, [pid])
  const arrived = clients.ask<Arrivals>({ expect: frames } satisfies ClientsOrder)
  const [began, { p50At, p99At, lastAt, bytes }] = await Promise.all([send(events), arrived])
  const cost = await read()
  const none = { postgresCpuSeconds: undefined, walBytes: 0, deadTuples: 0 }
  return {
    events,
    frames,
    bytes,
    seconds: (lastAt - began) / 1000,
    p50Ms: p50At - began,
    p99Ms: p99At - began,
    cost: usesDatabase ? cost : { ...cost, ...none },
  }
}

async function startSlotbase(bench: Bench, count: number, ends: (() => unknown)[]): Promise<Side> {
  const system = await startProgram({ url: bench.url, role: "server" })
  ends.push(() => system.end())
  const club = await makeClub(clientOf(system.address), { courts: 1 })
  const tokens = await makeStaff(bench, club.facilityId, Math.ceil(count / socketsPerUser))
  const db = connect(bench.url, { max: 2, applicationName: "slotbase bench" })
  ends.push(() => db.end())
  ends.push(await connectHints(db))
  const clients = startLineProcess(join(import.meta.dir, "fanout/clients.ts"))
  ends.push(clients.end)
  const channel = `facility:${club.facilityId}:bookings`
  await clients.ask({
    join: count,
    port: Number(new URL(system.address).port),
    path: "/v1/live",
    tokens,
    socketsPerToken: socketsPerUser,
    hello: [{ type: "subscribe", channel }],
    answers: 2, // ready, subscribed
  } satisfies ClientsOrder)
  const send = (events: number) => recordBurst(db, club.facilityId, events)
  return { pid: system.pid, usesDatabase: true, clients, send }
}

async function startBare(count: number, frameBytes: number, ends: (() => unknown)[]): Promise<Side> {
  const file = join(import.meta.dir, "fanout/bare-server.ts")
  const child = owned(Bun.spawn([process.execPath, file], { stdin: "ignore", stdout: "pipe", stderr: "inherit" }))
  ends.push(async () => {
    child.kill()
    await child.exited
  })
  const { value } = await child.stdout.getReader().read()
  const port = Number(new TextDecoder().decode(value))
  const clients = startLineProcess(join(import.meta.dir, "fanout/clients.ts"))
  ends.push(clients.end)
  const order: ClientsOrder = {
    join: count,
    port,
    path: "/live",
    tokens: [],
    socketsPerToken: 1,
    hello: [],
    answers: 0,
  }
  await clients.ask(order)
  const head = frameBytes > 129 ? 4 : 2
  const body = "x".repeat(frameBytes - head)
  const send = async (frames: number) => {
    const answer = await fetch(`http://127.0.0.1:${port}/publish?frames=${frames}`, { method: "POST", body })
    return ((await answer.json()) as { began: number }).began
  }
  return { pid: child.pid, usesDatabase: false, clients, send }
}

function figureOf(name: string, bursts: readonly Burst[]): Figure {
  return {
    name,
    eventsPerSecond: round(median(bursts.map(({ events, seconds }) => events / seconds))),
    p50Ms: round(median(bursts.map((each) => each.p50Ms))),
    p99Ms: round(median(bursts.map((each) => each.p99Ms))),
    ...perEvent(bursts),
    framesPerSecond: Math.round(rateOf(bursts)),
    frameBytes: Math.round(median(bursts.map((each) => each.bytes))),
  }
}

const rateOf = (bursts: readonly Burst[]) => median(bursts.map(({ frames, seconds }) => frames / seconds))
