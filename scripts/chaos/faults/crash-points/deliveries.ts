// Provokes the crash points of deliveries, by the behaviour of the faulty receiver and by claims whose answer is lost.

import { within } from "#scripts/chaos/fault.ts"
import { whileDispatchIsHeld } from "#scripts/chaos/faults/held-dispatch.ts"
import type { World } from "#scripts/chaos/world.ts"
import { clientOf } from "#test/harness/api/client.ts"
import { type Provoke, waitFor } from "./provocation.ts"

/** The faulty receiver answers 410, and its webhook is switched on again and again. */
export const goneReceiver: Provoke = (world) => {
  world.receivers.setBehaviour("gone")
  return {
    again: () => switchOn(world),
    after: async () => {
      world.receivers.setBehaviour("answer")
      // A 410 that is still being settled may switch the webhook off once more.
      await within(lastAnswersMs, () => switchOn(world).then(() => false))
    },
  }
}
const lastAnswersMs = 2_000

async function switchOn({ database: { db }, receivers, customers, processes }: World): Promise<void> {
  const [off] = await db<{ id: string }[]>`
    select id from slotbase.webhooks where url = ${receivers.faultyUrl} and not is_active`
  const server = processes.of("server").find((each) => each.isReady())
  if (off && server) await clientOf(server.address).patch(`${customers.at}/webhooks/${off.id}`, { isActive: true })
}

/** Many deliveries to a receiver that hangs become due at once, so that some are claimed ahead. */
export const hangingBurst: Provoke = (world) => ({
  before: async () => {
    await whileDispatchIsHeld(world, async () => {
      world.customers.setPace(Number.POSITIVE_INFINITY)
      const booked = world.customers.booked()
      await waitFor("a burst of bookings", () => world.customers.booked() > booked + burst)
      world.receivers.setBehaviour("hang")
    })
    await waitFor("a request that hangs", () => world.receivers.waiting() > 0)
  },
  after: async () => {
    world.customers.setPace(world.pace)
    world.receivers.setBehaviour("answer")
  },
})
const burst = 100

/** The faulty receiver refuses while the healthy one answers, and both get many requests. */
export const refusingReceiver: Provoke = (world) => ({
  before: async () => {
    world.receivers.setBehaviour("refuse")
    world.customers.setPace(Number.POSITIVE_INFINITY)
  },
  after: async () => {
    world.customers.setPace(world.pace)
    world.receivers.setBehaviour("answer")
  },
})

/**
 * Each target gets a claim of deliveries that was committed, and whose answer it never received. Rows stand under its
 * name that it does not know. It finds them the next time that it looks for orphaned claims.
 */
export const lostClaims: Provoke = (world) => ({
  before: async (targets) => {
    world.receivers.setBehaviour("refuse")
    const deaths = new Map(targets.map((target) => [target, target.deaths()]))
    for (const target of targets)
      await waitFor("a claim whose answer is lost", async () => {
        const { count } = await world.database.db`
          update slotbase.delivery_queue q
          set lease = nextval('slotbase.lease_seq'), owner = p.id, started_at = slotbase.now()
          from slotbase.processes p
          where p.pid = ${target.pid()} and p.alive_until > clock_timestamp()
            and q.ctid = (select ctid from slotbase.delivery_queue where lease is null and waits_for is null limit 1 for update skip locked)`
        return count === 1
      })
    world.receivers.setBehaviour("answer")
    await within(orphansFoundMs, () => targets.some((target) => target.deaths() > (deaths.get(target) ?? 0)))
  },
  after: async () => world.receivers.setBehaviour("answer"),
})
/** A process looks for orphaned claims every thirty seconds. */
const orphansFoundMs = 35_000
