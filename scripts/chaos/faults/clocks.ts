// Faults of clocks: the system's one clock, in the database, jumps, and so does the host clock, which no process may
// trust.

import type { Fault, Inflicted } from "#scripts/chaos/fault.ts"
import { caughtUp } from "#scripts/chaos/recovery.ts"

const hourMs = 3_600_000

export const clockFaults: readonly Fault[] = [
  {
    name: "clock-jumped",
    sentence: "The system's clock jumps an hour ahead under load, and back again.",
    inflict: async (world, { short }) => {
      const { db } = world.database
      const recoveredMs: number[] = []
      for (let round = 0; round < (short ? 1 : 3); round++) {
        for (const by of ["1 hour", "-1 hour"]) {
          await db`select slotbase.move_clock(${by}::interval)`
          await Bun.sleep(jumpedMs)
          recoveredMs.push(await caughtUp(world, performance.now()))
        }
      }
      return { times: recoveredMs.length, recoveredMs }
    },
  },
  {
    name: "host-clock-wrong",
    sentence: "The host clocks of half the processes jump a day back and a day ahead while they work.",
    short: true,
    inflict: async (world): Promise<Inflicted> => {
      const recoveredMs: number[] = []
      await world.processes.allReady()
      const misled = world.processes.all.filter((_, index) => index % 2 === 0)
      for (const aheadMs of [-24 * hourMs, 24 * hourMs, 0]) {
        for (const target of misled) target.setHostClock(aheadMs)
        await Bun.sleep(jumpedMs)
        recoveredMs.push(await caughtUp(world, performance.now()))
      }
      return { times: 2, recoveredMs }
    },
  },
]

const jumpedMs = 1_500
