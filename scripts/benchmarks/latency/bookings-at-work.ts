// Bookings a second while all actors are at work on the same cores, and all of their work counts. Members of staff book
// over 16 connections for some seconds. A round ends when the last event of its bookings has been handled. The server
// and the actors are processes of their own. Two programs take turns, each on its own PostgreSQL.

import { join } from "node:path"
import { drained } from "#scripts/benchmarks/drained.ts"
import { type Figure, perEvent } from "#scripts/benchmarks/figure.ts"
import { type LineProcess, startLineProcess } from "#scripts/benchmarks/line-process.ts"
import { type Bench, type Cost, meter, startBench } from "#scripts/benchmarks/measure.ts"
import { type Program, programsInTurn } from "#scripts/benchmarks/programs.ts"
import type { LoadOrder, LoadResult } from "#scripts/benchmarks/request/load.ts"
import { makePeople } from "#scripts/benchmarks/request/people.ts"
import { startProgram } from "#scripts/benchmarks/running.ts"
import { median, percentile } from "#scripts/statistics.ts"
import { clientOf, makeClub } from "#test/harness/api/client.ts"

interface Contender {
  readonly program: Program
  readonly bench: Bench
  readonly pids: readonly number[]
  readonly order: Omit<LoadOrder, "from" | "seconds">
  readonly rounds: (LoadResult & Cost)[]
  /** The first free slot. */
  from: number
}

const courts = 100
const connections = 16

export async function bookingsAtWork({
  short,
  progress,
}: {
  readonly short: boolean
  readonly progress: (line: string) => void
}): Promise<readonly Figure[]> {
  const [rounds, seconds] = short ? [1, 2] : [5, 4]
  await using open = new AsyncDisposableStack()
  const load = startLineProcess(join(import.meta.dir, "../request/load.ts"))
  open.defer(load.end)
  const contenders: Contender[] = []
  for (const program of programsInTurn()) contenders.push(await contender(program, open))
  for (let n = -1; n < rounds; n++) {
    // The order changes with each round. The first round only warms up.
    for (const each of n % 2 === 0 ? contenders : contenders.toReversed()) {
      const measured = await bookFor(each, load, seconds)
      if (n < 0) await each.bench.sql`vacuum (analyze)`
      else each.rounds.push(measured)
    }
    if (n >= 0) progress(`bookings, round ${n + 1} of ${rounds}: ${contenders.map(shown).join(", ")}`)
  }
  return contenders.map(figureOf)
}

async function contender(program: Program, open: AsyncDisposableStack): Promise<Contender> {
  const { folder } = program
  const bench = await startBench()
  open.defer(bench.stop)
  const start = async (role: "server" | "actors") => {
    const system = await startProgram({ url: bench.url, role, ...(folder !== undefined && { folder }) })
    open.defer(async () => void (await system.end()))
    return system
  }
  const server = await start("server")
  const actors = await start("actors")
  const client = clientOf(server.address)
  const { facilityId, resourceIds } = await makeClub(client, { courts })
  const people = await makePeople(client, server.address, facilityId, connections)
  const port = Number(new URL(server.address).port)
  const order = { port, facilityId, resourceIds, people, connections }
  return { program, bench, pids: [server.pid, actors.pid], order, rounds: [], from: 0 }
}

async function bookFor(each: Contender, load: LineProcess, seconds: number): Promise<LoadResult & Cost> {
  const read = await meter(each.bench, each.pids)
  const done = await load.ask<LoadResult>({ ...each.order, from: each.from, seconds } satisfies LoadOrder)
  if (done.failures.length > 0) throw new Error(`${done.failures.length} bookings failed: ${done.failures[0]}`)
  each.from += done.bookings + connections
  await drained(each.bench)
  // The seconds of the cost include the actors' work after the last booking.
  return { ...done, ...(await read()) }
}

const rateOf = ({ bookings, seconds }: LoadResult) => bookings / seconds
const shown = ({ program, rounds }: Contender) => `${program.name} ${Math.round(rateOf(rounds.at(-1) as LoadResult))}/s`

function figureOf({ program, rounds }: Contender): Figure {
  const latencies = rounds.flatMap((each) => each.latencies).sort((a, b) => a - b)
  return {
    name: `${program.name}: bookings with all actors at work`,
    eventsPerSecond: Math.round(median(rounds.map(rateOf))),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    ...perEvent(rounds.map((each) => ({ events: each.bookings, cost: each }))),
    n: rounds.reduce((sum, each) => sum + each.bookings, 0),
  }
}
