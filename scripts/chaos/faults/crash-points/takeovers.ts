// Provokes the crash points of the takeover: another process, the bystander, dies with work under way.

import { untilDead } from "#scripts/chaos/faults/rounds.ts"
import type { SupervisedProcess } from "#scripts/chaos/supervised-process.ts"
import type { World } from "#scripts/chaos/world.ts"
import { slowMail } from "./handlers.ts"
import { NotInflicted, type Provoke, waitFor } from "./provocation.ts"

/** The bystander dies with requests under way, so that their outcome is unknown. */
export const deathDuringRequests: Provoke = (world) => ({
  before: async (targets) => {
    world.receivers.setBehaviour("hang")
    const actors = world.processes.of("actors").length
    await waitFor("a request that hangs for each", () => world.receivers.waiting() >= actors)
    await bystanderDies(world, targets)
  },
  after: async () => world.receivers.setBehaviour("answer"),
})

/** The bystander dies with runs under way: their mails are being sent. */
export const deathDuringRuns: Provoke = (world) => {
  const slow = slowMail(world)
  return {
    before: async (targets) => {
      const bystander = bystanderOf(world, targets)
      await waitFor("a claimed run of the bystander", async () => {
        const [row] = await world.database.db<[{ runs: number }]>`
          select count(*) as runs from slotbase.handler_claims c join slotbase.processes p on p.id = c.owner
          where p.pid = ${bystander.pid()} and c.handler = 'NotificationHandler'`
        return row.runs > 0
      })
      await bystanderDies(world, targets)
    },
    after: async () => void (await slow.after?.()),
  }
}

function bystanderOf({ processes }: World, targets: readonly SupervisedProcess[]): SupervisedProcess {
  const bystander = processes.of("actors").findLast((each) => !targets.includes(each))
  if (bystander === undefined) throw new NotInflicted("every actor process is a target, and none is left as bystander")
  return bystander
}

async function bystanderDies(world: World, targets: readonly SupervisedProcess[]): Promise<void> {
  const bystander = bystanderOf(world, targets)
  await untilDead([bystander], () => bystander.signal("SIGKILL"))
}
