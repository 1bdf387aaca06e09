// Processes that die with whole batches in hand: hundreds of events come at once, and each has claimed what it can.

import type { Victim } from "#scripts/chaos/crew.ts"
import { type Fault, type Inflicted, within } from "#scripts/chaos/fault.ts"
import { heldBy, takenOver } from "#scripts/chaos/recovery.ts"
import { commitBurst } from "./burst.ts"
import { butOne, sinceLast, untilDead } from "./processes.ts"

/** Runs and deliveries of all who die. */
const full = 100
const fullWithinMs = 2_000

/** How soon is printed only: one process has to do what several had claimed, mails included. */
export const fullHands: Fault = {
  name: "killed-with-full-hands",
  sentence: "Hundreds of events come at once, and all actor processes but one are killed with whole batches in hand.",
  inflict: async (world, { short }): Promise<Inflicted> => {
    const recoveredMs: number[] = []
    const troubles: string[] = []
    const counts: number[] = []
    for (let round = 0; round < (short ? 1 : 5); round++) {
      await world.crew.allReady()
      const victims = butOne(world.crew.of("actors"), round)
      const deaths = world.crew.deaths.length
      await commitBurst(world)
      await within(fullWithinMs, async () => countOf(await heldBy(world, pidsOf(victims))) >= full)
      const { trouble } = await untilDead(victims, () => victims.forEach((victim) => void victim.signal("SIGKILL")))
      const dead = world.crew.deaths.slice(deaths)
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
const pidsOf = (victims: readonly Victim[]) => victims.map((victim) => ({ pid: victim.pid() }))
