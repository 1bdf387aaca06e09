// Measures the latency from the commit to three effects: the webhook's first byte, the WebSocket frame, the settled
// handler. The system is idle first, then at half load. The instant of the commit is the server's own
// (track_commit_timestamp). The other instants are read in this process, on the same machine's clock. The program under
// test is another process. The costs per event are those of a booking and its request; they are the same in the three
// lines of a stretch.

import { percentile, round } from "#scripts/statistics.ts"
import { type Client, clientOf, hour, makeClub } from "#test/harness/api/client.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { rootKey } from "#test/harness/setup/system.ts"
import { type Figure, perEvent } from "./figure.ts"
import { type Bench, meter, startBench } from "./measure.ts"
import type { Part } from "./part.ts"
import { startProgram } from "./running.ts"

const courts = 24
/** Pause after each booking of the idle stretch, so that the system is idle when the next one begins. */
const pauseMs = 40
/** Clients that book as fast as they are answered. Their rate is full load. */
const crowd = 16

interface Stage {
  readonly bench: Bench
  /** Process id of the program. */
  readonly program: number
  readonly book: () => Promise<string>
  readonly receivedAt: ReadonlyMap<string, number>
  readonly framedAt: ReadonlyMap<string, number>
}

export const latency: Part = {
  name: "latency",
  description: "commit → webhook byte, WebSocket frame, settled handler; idle, and at half load",
  run: async ({ short, progress }) => {
    const bench = await startBench({ track_commit_timestamp: "on" })
    const receivedAt = new Map<string, number>()
    const framedAt = new Map<string, number>()
    const receiver = startReceiver(({ headers }) => {
      receivedAt.set(headers.get("x-slotbase-event-id") ?? "", wallClock())
      return new Response("ok")
    })
    const ends: (() => Promise<unknown>)[] = [bench.stop, receiver.stop]
    try {
      const system = await startProgram({ url: bench.url })
      ends.push(() => system.end())
      const client = clientOf(system.address)
      const club = await makeClub(client, { courts })
      await client.post(`${club.at}/webhooks`, {
        name: "bench",
        url: receiver.url,
        authType: "signature",
        events: ["booking.confirmed"],
      })
      const socket = await subscribe(system.address, `facility:${club.facilityId}:bookings`, (eventId) =>
        framedAt.set(eventId, wallClock()),
      )
      const stage: Stage = { bench, program: system.pid, book: booking(client, club), receivedAt, framedAt }
      await oneByOne(stage, 50) // only warms up

      const idle = await stretch(stage, "idle", () => oneByOne(stage, short ? 200 : 1_000))
      progress(`idle: ${idle[0]?.n} bookings`)
      const full = await fullLoad(stage, short ? 2_000 : 5_000)
      progress(`full load: ${round(full)} bookings a second, webhooks delivered`)
      const half = await stretch(stage, "half load", () => atRate(stage, full / 2, short ? 3_000 : 10_000))
      socket.close()
      return [...idle, ...half]
    } finally {
      for (const end of ends.reverse()) await end()
    }
  },
}

/** Makes a function that books the next free hour and answers the booking's id. */
function booking(client: Client, club: Awaited<ReturnType<typeof makeClub>>): () => Promise<string> {
  let n = 0
  return async () => {
    const at = n++
    const slot = {
      resourceId: club.resourceIds[at % courts],
      bookerId: club.bookerId,
      paymentMethod: "waived",
      ...hour(Math.floor(at / courts)),
    }
    const answer = await client.post<{ id: string }>(`${club.at}/bookings`, slot)
    if (answer.status !== 201) throw new Error(`booking ${at}: ${JSON.stringify(answer.body)}`)
    return answer.body.id
  }
}

async function oneByOne({ book }: Stage, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    ids.push(await book())
    await Bun.sleep(pauseMs)
  }
  return ids
}

/** Bookings a second that the system accepts and delivers, with everything on this machine. */
async function fullLoad(stage: Stage, forMs: number): Promise<number> {
  const begun = performance.now()
  const before = stage.receivedAt.size
  const ids: string[] = []
  const client = async () => {
    while (performance.now() - begun < forMs) ids.push(await stage.book())
  }
  await Promise.all(Array.from({ length: crowd }, client))
  await eventually(() => missing(ids.length - (stage.receivedAt.size - before)), { withinMs: 60_000 })
  return ids.length / ((performance.now() - begun) / 1000)
}

/** Books at a steady rate, whether or not the earlier bookings are answered. */
async function atRate({ book }: Stage, perSecond: number, forMs: number): Promise<string[]> {
  const begun = performance.now()
  const under: Promise<string>[] = []
  for (let n = 0; n < (perSecond * forMs) / 1000; n++) {
    const waitMs = begun + (n * 1000) / perSecond - performance.now()
    if (waitMs > 0) await Bun.sleep(waitMs)
    under.push(book())
  }
  return Promise.all(under)
}

async function stretch(stage: Stage, name: string, bookAll: () => Promise<string[]>): Promise<Figure[]> {
  const { sql } = stage.bench
  const readCost = await meter(stage.bench, [stage.program])
  const started = performance.now()
  const ids = await bookAll()
  const seconds = (performance.now() - started) / 1000
  const read = () => sql<{ id: string; committed: number; handled: number }[]>`
    select e.id, extract(epoch from pg_xact_commit_timestamp(e.xmin)) * 1000 as committed,
           extract(epoch from h.settled_at) * 1000 as handled
    from slotbase.events e
    join slotbase.handler_runs h on h.event_id = e.id and h.handler = 'AnalyticsHandler'
    where e.type = 'booking.confirmed' and e.aggregate_id = any (${ids})`
  const arrived = async () => {
    const rows = await read()
    missing(ids.length - rows.filter(({ id }) => stage.receivedAt.has(id) && stage.framedAt.has(id)).length)
    return rows
  }
  const rows = await eventually(arrived, { withinMs: 60_000 })
  const cost = perEvent([{ events: ids.length, cost: await readCost() }])
  const figure = (what: string, at: (row: { id: string; handled: number }) => number): Figure => {
    const waits = rows.map((row) => at(row) - Number(row.committed)).sort((a, b) => a - b)
    return {
      name: `${name}: ${what}`,
      eventsPerSecond: round(ids.length / seconds),
      p50Ms: percentile(waits, 0.5),
      p99Ms: percentile(waits, 0.99),
      ...cost,
      n: waits.length,
    }
  }
  return [
    figure("webhook, first byte", ({ id }) => stage.receivedAt.get(id) ?? Number.NaN),
    figure("WebSocket frame", ({ id }) => stage.framedAt.get(id) ?? Number.NaN),
    figure("handler settled", ({ handled }) => Number(handled)),
  ]
}

function missing(count: number): void {
  if (count > 0) throw new Error(`${count} bookings have not arrived`)
}

async function subscribe(address: string, channel: string, onFrame: (eventId: string) => void): Promise<WebSocket> {
  const socket = new WebSocket(`${address.replace("http", "ws")}/v1/live`, ["slotbase.v1", `bearer.${rootKey}`])
  const subscribed = Promise.withResolvers<void>()
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(String(data)) as { type: string; eventId?: string }
    if (frame.type === "ready") socket.send(JSON.stringify({ type: "subscribe", channel }))
    else if (frame.type === "subscribed") subscribed.resolve()
    else if (frame.type === "booking.update" && frame.eventId) onFrame(frame.eventId)
    else if (frame.type === "error") subscribed.reject(new Error(String(data)))
  }
  socket.onerror = () => subscribed.reject(new Error("the WebSocket failed"))
  await subscribed.promise
  return socket
}

const wallClock = () => performance.timeOrigin + performance.now()
