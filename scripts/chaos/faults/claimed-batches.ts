// Processes that die with whole batches claimed: hundreds of events come at once, and each process claims as many as it
// may.

import { type Fault, type Inflicted, within } from "#scripts/chaos/fault.ts"
import { heldBy, takenOver } from "#scripts/chaos/recovery.ts"
import { commitBurst } from "./burst.ts"
import { allButOne, killAtOnce, lastDeathAt } from "./rounds.ts"

/** The fewest runs and deliveries that the killed processes of a round should hold together. */
const enough = 100
const claimedWithinMs = 2_000

/** Without a limit for recovery: one process has to do the work that several had claimed, mails included. */
export const claimedBatches: Fault = {
  name: "killed-with-claimed-batches",
  sentence: "Hundreds of events come at once, and all actor processes but one are killed with whole batches claimed.",
  inflict: async (world, { short }): Promise<Inflicted> => {
    const recoveredMs: number[] = []
    const troubles: string[] = []
    const counts: number[] = []
    for (let round = 0; round < (short ? 1 : 5); round++) {
      await world.processes.allReady()
      const targets = allButOne(world.processes.of("actors"), round)
      const pids = targets.map((target) => ({ pid: target.pid() }))
      const deaths = world.processes.deaths.length
      await commitBurst(world)
      await within(claimedWithinMs, async () => countOf(await heldBy(world, pids)) >= enough)
      const { trouble } = await killAtOnce(targets)
      const dead = world.processes.deaths.slice(deaths)
      const inHand = await heldBy(world, dead)
      counts.push(countOf(inHand))
      if (trouble !== undefined) troubles.push(trouble)
      recoveredMs.push(await takenOver(world, lastDeathAt(world), dead, inHand))
    }
    const times = counts.filter((count) => count >= enough).length
    if (times === 0) troubles.push(`no round killed processes with ${enough} claimed runs and deliveries`)
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
