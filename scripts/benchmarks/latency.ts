// Measures the latency from the commit to three effects: the webhook's first byte, the WebSocket frame, the settled
// handler. The system is idle first, then at half load. The instant of the commit is the server's own
// (track_commit_timestamp). The other instants are read in this process, on the same machine's clock. The program under
// test is another process. The costs per event are those of a booking and its request; they are the same in the three
// lines of a stretch. Last come bookings a second with all actors at work, and all of their work counted.
// With SLOTBASE_BENCH_BEFORE=<folder of an earlier checkout>, that program takes turns.

import { round } from "#scripts/statistics.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import type { Figure } from "./figure.ts"
import { bookingsAtWork } from "./latency/bookings-at-work.ts"
import { atRate, missing, openStage, type Stage, stretch } from "./latency/stage.ts"
import { startBench } from "./measure.ts"
import type { Part } from "./part.ts"
import { type Program, programsInTurn } from "./programs.ts"
import { startProgram } from "./running.ts"

/** Pause after each booking of the idle stretch, so that the system is idle when the next one begins. */
const pauseMs = 40
/** Clients that book as fast as they are answered. Their rate is full load. */
const crowd = 16

export const latency: Part = {
  name: "latency",
  description:
    "commit → webhook byte, WebSocket frame, settled handler; idle, and at half load; bookings/s with actors",
  run: async ({ short, progress }) => {
    const figures: Figure[] = []
    for (const program of programsInTurn())
      figures.push(...(await latencyOf(program, short, (line) => progress(`${program.name}: ${line}`))))
    return [...figures, ...(await bookingsAtWork({ short, progress }))]
  },
}

async function latencyOf({ name, folder }: Program, short: boolean, progress: (line: string) => void) {
  const bench = await startBench({ track_commit_timestamp: "on" })
  const ends: (() => Promise<unknown>)[] = [bench.stop]
  try {
    const system = await startProgram({ url: bench.url, ...(folder !== undefined && { folder }) })
    ends.push(() => system.end())
    const stage = await openStage(bench, system)
    ends.push(stage.close)
    await oneByOne(stage, 50) // only warms up

    const idle = await stretch(stage, `${name}, idle`, () => oneByOne(stage, short ? 200 : 1_000))
    progress(`idle: ${idle[0]?.n} bookings`)
    const full = await fullLoad(stage, short ? 2_000 : 5_000)
    progress(`full load: ${round(full)} bookings a second, webhooks delivered`)
    const half = await stretch(stage, `${name}, half load`, () => atRate(stage, full / 2, short ? 3_000 : 10_000))
    return [...idle, ...half]
  } finally {
    for (const end of ends.reverse()) await end()
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
