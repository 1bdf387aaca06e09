// What the measurements of latency share: a club that books, and a stretch of bookings with its figures. A receiver and
// a socket note when an event arrives.

import { type Figure, perEvent } from "#scripts/benchmarks/figure.ts"
import { type Bench, meter } from "#scripts/benchmarks/measure.ts"
import { percentile, round } from "#scripts/statistics.ts"
import { type Client, clientOf, makeClub } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { subscribeFrames } from "./subscribe-frames.ts"

const courts = 24

export interface Stage {
  readonly bench: Bench
  /** Process id of the program. */
  readonly program: number
  readonly book: () => Promise<string>
  readonly receivedAt: ReadonlyMap<string, number>
  readonly framedAt: ReadonlyMap<string, number>
  readonly close: () => Promise<void>
}

/** @param firstHour the hour from now at which the first booking begins, at least a day ahead */
export async function openStage(
  bench: Bench,
  system: { readonly address: string; readonly pid: number },
  { firstHour = 0 } = {},
): Promise<Stage> {
  const receivedAt = new Map<string, number>()
  const framedAt = new Map<string, number>()
  const receiver = startReceiver(({ headers }) => {
    receivedAt.set(headers.get("x-slotbase-event-id") ?? "", wallClock())
    return new Response("ok")
  })
  const client = clientOf(system.address)
  const club = await makeClub(client, { courts })
  await client.post(`${club.at}/webhooks`, {
    name: "bench",
    url: receiver.url,
    authType: "signature",
    events: ["booking.confirmed"],
  })
  const socket = await subscribeFrames(system.address, `facility:${club.facilityId}:bookings`, (eventId) =>
    framedAt.set(eventId, wallClock()),
  )
  return {
    bench,
    program: system.pid,
    book: booking(client, club, firstHour),
    receivedAt,
    framedAt,
    close: async () => {
      socket.close()
      await receiver.stop()
    },
  }
}

/** Books at a steady rate, whether or not the earlier bookings are answered. */
export async function atRate({ book }: Stage, perSecond: number, forMs: number): Promise<string[]> {
  const begun = performance.now()
  const under: Promise<string>[] = []
  for (let n = 0; n < (perSecond * forMs) / 1000; n++) {
    const waitMs = begun + (n * 1000) / perSecond - performance.now()
    if (waitMs > 0) await Bun.sleep(waitMs)
    under.push(book())
  }
  return Promise.all(under)
}

export async function stretch(stage: Stage, name: string, bookAll: () => Promise<string[]>): Promise<Figure[]> {
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

export function missing(count: number): void {
  if (count > 0) throw new Error(`${count} bookings have not arrived`)
}

/** Makes a function that books the next free hour and answers the booking's id. */
function booking(client: Client, club: Awaited<ReturnType<typeof makeClub>>, firstHour: number): () => Promise<string> {
  let n = firstHour * courts
  return async () => {
    const at = n++
    const slot = {
      resourceId: club.resourceIds[at % courts],
      bookerId: club.bookerId,
      paymentMethod: "waived",
      ...atHour(Math.floor(at / courts)),
    }
    const answer = await client.post<{ id: string }>(`${club.at}/bookings`, slot)
    if (answer.status !== 201) throw new Error(`booking ${at}: ${JSON.stringify(answer.body)}`)
    return answer.body.id
  }
}

const wallClock = () => performance.timeOrigin + performance.now()
