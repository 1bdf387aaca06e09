// Measures the cost of the event on the request path: bookings over HTTP, with their event and without. Both servers
// are processes of the whole program on one database. In the second one an empty module replaces src/events/outbox.ts
// (request/without-events.ts). The servers take turns within one run, because other work on two cores never stands
// still. The first rounds run without actors, so that only the request is measured. The last ones run beside an actors
// process.

import { join } from "node:path"
import { median, percentile, round } from "#scripts/statistics.ts"
import { type Client, clientOf, makeClub } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { startCountingProxy } from "#test/harness/outside/counting-proxy.ts"
import type { System, SystemOptions } from "#test/harness/setup/system.ts"
import { drained } from "./drained.ts"
import { type Figure, perEvent } from "./figure.ts"
import { type LineProcess, startLineProcess } from "./line-process.ts"
import { type Bench, type Cost, meter, startBench } from "./measure.ts"
import type { Part } from "./part.ts"
import type { LoadOrder, LoadResult } from "./request/load.ts"
import { makePeople, type Person } from "./request/people.ts"
import { measureRules } from "./request/rules.ts"
import { startProgram } from "./running.ts"

const courts = 100
/** Bookings, one at a time, of which statements and round trips are counted. */
const counted = 200
const withoutEvents = { BUN_OPTIONS: `--preload=${join(import.meta.dir, "request/without-events.ts")}` }

export const request: Part = {
  name: "request",
  description: "a booking over HTTP with its event, beside the same booking without one; medians of alternating rounds",
  run: async ({ short, progress }) => {
    const bench = await startBench()
    const ends: (() => unknown)[] = [bench.stop]
    const [rounds, seconds, connections] = short ? [2, 1, [16]] : [7, 4, [16, 64]]
    const start = async (what: SystemOptions) => {
      const system = await startProgram(what)
      ends.push(() => system.end())
      return system
    }
    try {
      const figures: Figure[] = []
      const withEvents = await start({ url: bench.url, role: "server" })
      const without = await start({ url: bench.url, role: "server", env: withoutEvents })
      const client = clientOf(withEvents.address)
      const club = await makeClub(client, { courts })
      const people = await makePeople(client, withEvents.address, club.facilityId, Math.max(...connections))
      const load = startLineProcess(join(import.meta.dir, "request/load.ts"))
      ends.push(load.end)
      const rival: Rivals = { bench, load, club, people, servers: { with: withEvents, without }, from: 0, progress }

      await compare(rival, { connections: 16, rounds: 1, seconds: short ? 1 : 5, actors: [] }) // warms both servers
      // Autovacuum would do this within a minute. So neither server keeps plans for empty tables.
      await bench.sql`vacuum (analyze)`
      for (const each of connections) {
        figures.push(...(await compare(rival, { connections: each, rounds, seconds, actors: [] })))
      }
      figures.push(...(await countStatements(bench, start, "with its event", {})))
      figures.push(...(await countStatements(bench, start, "without", withoutEvents)))

      figures.push(...(await measureRules(bench, { short, progress })))

      progress("an actors process joins and dispatches the events in the outbox")
      const actors = await start({ url: bench.url, role: "actors" })
      await drained(bench)
      figures.push(...(await compare(rival, { connections: 16, rounds, seconds, actors: [actors] })))
      return figures
    } finally {
      for (const end of ends.reverse()) await end()
    }
  },
}

interface Rivals {
  readonly bench: Bench
  readonly load: LineProcess
  readonly club: Awaited<ReturnType<typeof makeClub>>
  readonly people: readonly Person[]
  readonly servers: { readonly with: System; readonly without: System }
  readonly progress: (line: string) => void
  /** The first free slot. */
  from: number
}
type Which = "with" | "without"
type Measured = LoadResult & Cost

interface Comparison {
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  readonly actors: readonly System[]
}

async function compare(rivals: Rivals, { connections, rounds, seconds, actors }: Comparison): Promise<Figure[]> {
  const measured: Record<Which, Measured[]> = { with: [], without: [] }
  for (let n = 0; n < rounds; n++) {
    // The order changes with each round, so that both servers pay for the leftovers of the other.
    for (const which of n % 2 === 0 ? (["with", "without"] as const) : (["without", "with"] as const)) {
      const { pid, address } = rivals.servers[which]
      const read = await meter(rivals.bench, [pid, ...actors.map((actor) => actor.pid)])
      const { facilityId, resourceIds } = rivals.club
      const port = Number(new URL(address).port)
      const slots = { facilityId, people: rivals.people, resourceIds, from: rivals.from }
      const order: LoadOrder = { port, ...slots, connections, seconds }
      const done = await rivals.load.ask<LoadResult>(order)
      if (done.failures.length > 0) throw new Error(`${done.failures.length} bookings failed: ${done.failures[0]}`)
      rivals.from += done.bookings + connections
      // The actors' work for this round's bookings is part of its cost.
      if (actors.length > 0) await drained(rivals.bench)
      measured[which].push({ ...done, ...(await read()) })
    }
    const [a, b] = [measured.with[n], measured.without[n]].map((each) => Math.round(rateOf(each)))
    rivals.progress(`${connections} connections, round ${n + 1} of ${rounds}: ${a}/s with the event, ${b}/s without`)
  }
  const where = `${connections} connections${actors.length > 0 ? ", actors at work" : ""}`
  const [a, b] = [median(measured.with.map(rateOf)), median(measured.without.map(rateOf))]
  const ratios = { ratio: round(a / b), cpuRatio: round(cpuOf(measured.without) / cpuOf(measured.with)) }
  return [
    { ...figureOf(`with its event, ${where}`, measured.with), ...ratios },
    figureOf(`without, ${where}`, measured.without),
  ]
}

function figureOf(name: string, rounds: readonly Measured[]): Figure {
  const latencies = rounds.flatMap((each) => each.latencies).sort((a, b) => a - b)
  return {
    name,
    eventsPerSecond: Math.round(median(rounds.map(rateOf))),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    ...perEvent(rounds.map((each) => ({ events: each.bookings, cost: each }))),
  }
}

/** Counts statements and round trips of one booking, by a proxy between the program and the database. */
async function countStatements(
  bench: Bench,
  start: (what: SystemOptions) => Promise<System>,
  name: string,
  env: Record<string, string>,
): Promise<Figure[]> {
  const proxy = await startCountingProxy(bench.url)
  const system = await start({ url: proxy.url, role: "server", env })
  const client = clientOf(system.address)
  const club = await makeClub(client, { courts: 1 })
  await book(client, club, 0, counted)
  proxy.take()
  const read = await meter(bench, [system.pid])
  const began = performance.now()
  const latencies = await book(client, club, counted, counted)
  const seconds = (performance.now() - began) / 1000
  const { roundTrips, statements } = proxy.take()
  const cost = await read()
  await system.end()
  proxy.stop()
  // Periodic statements (following the clock, the broadcaster's polling) are far fewer than one for each booking.
  const own = [...statements].filter(([, count]) => count >= counted).sort(([, a], [, b]) => b - a)
  const others = [...statements].filter(([, count]) => count < counted)
  const told = own.map(([text, count]) => `${round(count / counted)} × ${text.slice(0, 60)}`)
  console.log([`\none booking ${name}, statements:`, ...told].join("\n  "))
  return [
    {
      name: `${name}, one at a time`,
      eventsPerSecond: Math.round(counted / seconds),
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      ...perEvent([{ events: counted, cost }]),
      statements: round(own.reduce((sum, [, count]) => sum + count, 0) / counted),
      otherStatements: round(others.reduce((sum, [, count]) => sum + count, 0) / counted),
      roundTrips: round(roundTrips / counted),
    },
  ]
}

/** Books slot after slot; answers how long each booking took, milliseconds, ascending. */
async function book(client: Client, club: Rivals["club"], from: number, count: number): Promise<readonly number[]> {
  const latencies: number[] = []
  for (let n = from; n < from + count; n++) {
    const slot = { resourceId: club.resourceIds[0], bookerId: club.bookerId, paymentMethod: "waived", ...atHour(n) }
    const began = performance.now()
    const { status, body } = await client.post(`${club.at}/bookings`, slot)
    latencies.push(performance.now() - began)
    if (status !== 201) throw new Error(`booking ${n}: ${JSON.stringify(body)}`)
  }
  return latencies.sort((a, b) => a - b)
}

/** CPU seconds per booking, of the program and of PostgreSQL. Other work on the machine disturbs this figure least. */
const cpuOf = (rounds: readonly Measured[]) =>
  median(rounds.map((each) => ((each.programCpuSeconds ?? 0) + (each.postgresCpuSeconds ?? 0)) / each.bookings))
const rateOf = (each: LoadResult | undefined) => (each ? each.bookings / each.seconds : 0)
