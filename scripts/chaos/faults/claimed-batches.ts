// Processes that die with whole batches in hand: hundreds of events come at once, and each has claimed what it can.

import { type Fault, type Inflicted, within } from "#scripts/chaos/fault.ts"
import { heldBy, takenOver } from "#scripts/chaos/recovery.ts"
import type { SupervisedProcess } from "#scripts/chaos/supervised-process.ts"
import { commitBurst } from "./burst.ts"
import { butOne, sinceLast, untilDead } from "./processes.ts"

/** Runs and deliveries of all who die. */
const full = 100
const fullWithinMs = 2_000

/** How soon is printed only: one process has to do what several had claimed, mails included. */
export const claimedBatches: Fault = {
  name: "killed-with-full-hands",
  sentence: "Hundreds of events come at once, and all actor processes but one are killed with whole batches in hand.",
  inflict: async (world, { short }): Promise<Inflicted> => {
    const recoveredMs: number[] = []
    const troubles: string[] = []
    const counts: number[] = []
    for (let round = 0; round < (short ? 1 : 5); round++) {
      await world.processes.allReady()
      const targets = butOne(world.processes.of("actors"), round)
      const deaths = world.processes.deaths.length
      await commitBurst(world)
      await within(fullWithinMs, async () => countOf(await heldBy(world, pidsOf(targets))) >= full)
      const { trouble } = await untilDead(targets, () => targets.forEach((target) => void target.signal("SIGKILL")))
      const dead = world.processes.deaths.slice(deaths)
      const inHand = await heldBy(world, dead)
      counts.push(countOf(inHand))
      if (trouble !== undefined) troubles.push(trouble)
      recoveredMs.push(await takenOver(world, sinceLast(world), dead, inHand))
    }
    const times = counts.filter((count) => count >= full).length
    if (times === 0) troubles.push("nobody died with full hands")
    return {
      times,
      recoveredMs,
      troubles,
      note: `${counts.join(", ")} runs and deliveries in hand`,
    }
  },
}

const countOf = ({ runs, deliveries }: Awaited<ReturnType<typeof heldBy>>) =>
  [...runs, ...deliveries].filter(({ pid }) => pid !== null).length
const pidsOf = (targets: readonly SupervisedProcess[]) => targets.map((target) => ({ pid: target.pid() }))
