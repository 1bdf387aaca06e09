// The same backlog drained by 1, 2 and 4 actor processes on one database, each run on a fresh PostgreSQL. More processes can only
// help while there are idle cores, so the CPU in use stands beside each figure: at the number of cores the machine is full.

import { availableParallelism } from "node:os"
import type { Figure, Part } from "./main.ts"
import { round } from "./measure.ts"
import { run } from "./pipeline/run.ts"
import { slotbase } from "./pipeline/slotbase.ts"

export const scale: Part = {
  name: "scale",
  description: `a backlog drained by 1, 2 and 4 actor processes on one database; ${availableParallelism()} cores here`,
  run: async ({ short, progress }) => {
    const backlog = short ? 4_000 : 30_000
    const figures: Figure[] = []
    for (const processes of [1, 2, 4]) {
      const name = `${processes} ${processes === 1 ? "process" : "processes"}`
      const { drain } = await run(slotbase(name, "set", processes), { backlog, ratePerSecond: 0, seconds: 0 })
      const { cost, events } = drain
      const cpuSeconds = (cost.programCpuSeconds ?? Number.NaN) + (cost.postgresCpuSeconds ?? Number.NaN)
      figures.push({
        name,
        eventsPerSecond: Math.round(drain.eventsPerSecond),
        timesOne: round(drain.eventsPerSecond / (figures[0]?.eventsPerSecond ?? drain.eventsPerSecond)),
        cpuSecondsProgram: cost.programCpuSeconds,
        cpuSecondsPostgres: cost.postgresCpuSeconds,
        coresInUse: round(cpuSeconds / cost.seconds),
        walBytesPerEvent: Math.round(cost.walBytes / events),
        deadTuplesPerEvent: round(cost.deadTuples / events),
      })
      progress(`${name}: ${figures.at(-1)?.eventsPerSecond} events/s`)
    }
    return figures
  },
}
