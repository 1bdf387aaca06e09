// From commit to effect on an idle system: to the webhook's first byte, to the WebSocket frame, to the settled handler.
// The instant of the commit is the server's own (track_commit_timestamp), the others are read from the clock of the same
// machine, in this process: the program under test is a process of its own.

import { clientOf, hour, makeClub } from "../../test/harness/client.ts"
import { eventually } from "../../test/harness/eventually.ts"
import { startReceiver } from "../../test/harness/receiver.ts"
import { rootKey, startSystem } from "../../test/harness/system.ts"
import type { Figure, Part } from "./main.ts"
import { percentile, round, startBench } from "./measure.ts"

const courts = 24
/** Between two bookings: the system is idle when each begins. */
const pauseMs = 40

export const latency: Part = {
  name: "latency",
  description: "commit → webhook byte, WebSocket frame, settled handler; one booking at a time",
  run: async ({ short, progress }) => {
    const bookings = short ? 200 : 1_000
    const bench = await startBench({ track_commit_timestamp: "on" })
    const { sql } = bench
    const receivedAt = new Map<string, number>()
    const framedAt = new Map<string, number>()
    const receiver = startReceiver(({ headers }) => {
      receivedAt.set(headers.get("x-slotbase-event-id") ?? "", wallClock())
      return new Response("ok")
    })
    const system = await startSystem({ url: bench.url })
    try {
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

      const started = performance.now()
      for (let n = 0; n < bookings; n++) {
        const slot = {
          resourceId: club.resourceIds[n % courts],
          bookerId: club.bookerId,
          paymentMethod: "waived",
          ...hour(Math.floor(n / courts)),
        }
        const answer = await client.post(`${club.at}/bookings`, slot)
        if (answer.status !== 201) throw new Error(`booking ${n}: ${JSON.stringify(answer.body)}`)
        await Bun.sleep(pauseMs)
        if (n % 200 === 199) progress(`${n + 1} of ${bookings} bookings`)
      }
      const seconds = (performance.now() - started) / 1000
      await eventually(() => {
        if (receivedAt.size < bookings || framedAt.size < bookings)
          throw new Error(`${receivedAt.size} received, ${framedAt.size} framed`)
      })
      socket.close()

      const rows = await sql<{ id: string; committed: number; handled: number }[]>`
        select e.id, extract(epoch from pg_xact_commit_timestamp(e.xmin)) * 1000 as committed,
               extract(epoch from h.settled_at) * 1000 as handled
        from slotbase.events e
        join slotbase.handler_history h on h.event_id = e.id and h.handler = 'AnalyticsHandler'
        where e.type = 'booking.confirmed'`
      const figure = (name: string, at: (row: { id: string; handled: number }) => number): Figure => {
        const waits = rows.map((row) => at(row) - Number(row.committed)).sort((a, b) => a - b)
        return {
          name,
          eventsPerSecond: round(bookings / seconds),
          p50Ms: percentile(waits, 0.5),
          p99Ms: percentile(waits, 0.99),
          n: waits.length,
        }
      }
      return [
        figure("slotbase: webhook, first byte", ({ id }) => receivedAt.get(id) ?? Number.NaN),
        figure("slotbase: WebSocket frame", ({ id }) => framedAt.get(id) ?? Number.NaN),
        figure("slotbase: handler settled", ({ handled }) => Number(handled)),
      ]
    } finally {
      await system.end()
      await receiver.stop()
      await bench.stop()
    }
  },
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
