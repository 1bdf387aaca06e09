// Drains the same backlog with 1, 2 and 4 actor processes on one database, each time on a fresh PostgreSQL. More
// processes help only while cores are idle. So the CPU in use stands beside each figure: at the number of cores the
// machine is full. p50 and p99 are measured at a steady rate afterwards, from the commit to the webhook's request at
// the receiver.

import { availableParallelism } from "node:os"
import { round } from "#scripts/statistics.ts"
import { type Figure, perEvent } from "./figure.ts"
import type { Part } from "./part.ts"
import { run } from "./pipeline/run.ts"
import { slotbase } from "./pipeline/slotbase.ts"

const ratePerSecond = 200

export const scale: Part = {
  name: "scale",
  description: `a backlog drained by 1, 2 and 4 actor processes on one database; ${availableParallelism()} cores here`,
  run: async ({ short, progress }) => {
    const backlog = short ? 4_000 : 30_000
    const figures: Figure[] = []
    for (const processes of [1, 2, 4]) {
      const name = `${processes} ${processes === 1 ? "process" : "processes"}`
      const load = { backlog, ratePerSecond, seconds: short ? 1 : 10 }
      const { drain, steady } = await run(slotbase(name, "set", processes), load)
      const { cost } = drain
      const cpuSeconds = (cost.programCpuSeconds ?? Number.NaN) + (cost.postgresCpuSeconds ?? Number.NaN)
      figures.push({
        name,
        eventsPerSecond: Math.round(drain.eventsPerSecond),
        ...(steady && { p50Ms: steady.webhookP50Ms, p99Ms: steady.webhookP99Ms }),
        ...perEvent([drain]),
        timesOne: round(drain.eventsPerSecond / (figures[0]?.eventsPerSecond ?? drain.eventsPerSecond)),
        coresInUse: round(cpuSeconds / cost.seconds),
      })
      progress(`${name}: ${figures.at(-1)?.eventsPerSecond} events/s`)
    }
    return figures
  },
}
