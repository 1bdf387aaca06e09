// What idle browsers cost one server process, and what one browser that stops reading costs the others.
// - 10,000 sockets with a token and one subscription each: resident memory per socket.
// - 100,000 subscriptions, of 2,000 sockets at 50 courts: the same per subscription.
// - A burst to 1,000 browsers, with and without one that has stopped reading, in turns.

import { join } from "node:path"
import { connect } from "#base/database/db.ts"
import { connectHints } from "#base/hints.ts"
import { median, round } from "#scripts/statistics.ts"
import { clientOf, makeClub } from "#test/harness/api/client.ts"
import { handshake } from "#test/harness/outside/raw-socket.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import type { Arrivals, ClientsOrder } from "./fanout/clients.ts"
import { makeStaff, recordBurst, socketsPerUser } from "./fanout/club.ts"
import type { Figure } from "./figure.ts"
import { type LineProcess, startLineProcess } from "./line-process.ts"
import { startBench } from "./measure.ts"
import { resident } from "./memory/resident.ts"
import type { Part } from "./part.ts"
import { startProgram } from "./running.ts"

const kibPerMib = 1_024
const courts = 50
/** The target for an idle socket, KiB. */
const mostKib = 10

export const connections: Part = {
  name: "connections",
  description: "resident memory of idle sockets and subscriptions; a burst beside a browser that has stopped reading",
  run: async ({ short, progress }) => [
    ...(await onServer(progress, (stage) => idle(stage, short ? 2_000 : 10_000))),
    ...(await onServer(progress, (stage) => subscribed(stage, short ? 20_000 : 100_000))),
    ...(await onServer(progress, (stage) => besideStalled(stage, short ? 3 : 12))),
  ],
}

interface Stage {
  readonly pid: number
  readonly port: number
  readonly facilityId: string
  readonly resourceIds: readonly string[]
  readonly tokens: (count: number) => Promise<readonly string[]>
  readonly join: (count: number, channels: readonly string[]) => Promise<LineProcess>
  readonly record: (events: number) => Promise<number>
}

async function idle(stage: Stage, count: number): Promise<readonly Figure[]> {
  // The first sockets also cost what the process needs once.
  const first = await stage.join(500, [bookingsOf(stage)])
  const before = await settled(stage.pid)
  await stage.join(count, [bookingsOf(stage)])
  const after = await settled(stage.pid)
  await first.end()
  const kib = round(((after - before) * kibPerMib) / count)
  return [{ name: `${count} idle sockets`, n: count, kibEach: kib, mostKib, mib: round(after) }]
}

async function subscribed(stage: Stage, count: number): Promise<readonly Figure[]> {
  await stage.join(500, [bookingsOf(stage)])
  const before = await settled(stage.pid)
  const sockets = count / courts
  const channels = stage.resourceIds.map((id) => `resource:${id}:availability`)
  const began = performance.now()
  await stage.join(sockets, channels)
  const seconds = round((performance.now() - began) / 1_000)
  const after = await settled(stage.pid)
  const kib = round(((after - before) * kibPerMib) / count)
  return [{ name: `${count} subscriptions of ${sockets} sockets`, n: count, kibEach: kib, mib: round(after), seconds }]
}

async function besideStalled(stage: Stage, rounds: number): Promise<readonly Figure[]> {
  const [readers, events] = [1_000, 1_000]
  const clients = await stage.join(readers, [bookingsOf(stage)])
  const [token = ""] = await stage.tokens(1)
  const burst = async () => {
    const arrived = clients.ask<Arrivals>({ expect: readers * events } satisfies ClientsOrder)
    const began = await stage.record(events)
    const { p50At, lastAt } = await arrived
    return { p50Ms: p50At - began, lastMs: lastAt - began }
  }
  await burst()
  const [alone, beside]: [Awaited<ReturnType<typeof burst>>[], Awaited<ReturnType<typeof burst>>[]] = [[], []]
  for (let n = 0; n < rounds; n++) {
    alone.push(await burst())
    const stalled = await handshake(`ws://127.0.0.1:${stage.port}/v1/live`, ["slotbase.v1", `bearer.${token}`])
    stalled.send({ type: "subscribe", channel: bookingsOf(stage) })
    await stalled.next("subscribed")
    stalled.stopReading()
    beside.push(await burst())
    stalled.end()
  }
  const figureOf = (name: string, all: typeof alone): Figure => ({
    name: `${events} events to ${readers} browsers, ${name}`,
    p50Ms: round(median(all.map(({ p50Ms }) => p50Ms))),
    lastMs: round(median(all.map(({ lastMs }) => lastMs))),
    n: readers * events * rounds,
  })
  const lastOf = (all: typeof alone) => median(all.map(({ lastMs }) => lastMs))
  const ratio = round(lastOf(beside) / lastOf(alone))
  return [figureOf("alone", alone), { ...figureOf("beside one that has stopped reading", beside), ratio }]
}

const bookingsOf = ({ facilityId }: Stage) => `facility:${facilityId}:bookings`

/** A server with nobody on it yet, which ends afterwards with all its clients. */
async function onServer(
  progress: (line: string) => void,
  measure: (stage: Stage) => Promise<readonly Figure[]>,
): Promise<readonly Figure[]> {
  await using open = new AsyncDisposableStack()
  const bench = await startBench()
  open.defer(bench.stop)
  const system = await startProgram({ url: bench.url, role: "server" })
  open.defer(async () => void (await system.end()))
  const club = await makeClub(clientOf(system.address), { courts })
  const db = connect(bench.url, { max: 2, applicationName: "slotbase bench" })
  open.defer(() => db.end())
  open.defer(await connectHints(db))
  const { facilityId } = club
  const port = Number(new URL(system.address).port)
  const tokens = (count: number) => makeStaff(bench, facilityId, count)
  const figures = await measure({
    ...{ pid: system.pid, port, facilityId, resourceIds: club.resourceIds, tokens },
    record: (events) => recordBurst(db, facilityId, events),
    join: async (count, channels) => {
      const clients = startLineProcess(join(import.meta.dir, "fanout/clients.ts"))
      open.defer(clients.end)
      await clients.ask({
        ...{ join: count, port, path: "/v1/live", socketsPerToken: socketsPerUser },
        tokens: await tokens(Math.ceil(count / socketsPerUser)),
        hello: channels.map((channel) => ({ type: "subscribe", channel })),
        answers: 1 + channels.length, // ready, and a `subscribed` for each
      } satisfies ClientsOrder)
      return clients
    },
  })
  for (const { name, kibEach, ratio } of figures) progress(`${name}: ${kibEach ?? ratio ?? "measured"}`)
  return figures
}

/** Resident memory in MiB, once it no longer falls: the garbage of joining is gone. */
async function settled(pid: number): Promise<number> {
  let last = Number.POSITIVE_INFINITY
  await eventually(
    async () => {
      await Bun.sleep(2_000)
      const now = await resident(pid)
      const isFalling = now < last - 1
      last = now
      if (isFalling) throw new Error("still falling")
    },
    { withinMs: 60_000 },
  )
  return last
}
