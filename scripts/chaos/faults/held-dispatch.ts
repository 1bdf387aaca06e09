// Holds the dispatcher back, so that events stay in the outbox until the campaign lets go.

import type { World } from "#scripts/chaos/world.ts"

/** Does the work while no process can dispatch. Dispatch goes on afterwards, even when the work throws. */
export async function whileDispatchIsHeld<T>({ database }: World, work: () => Promise<T>): Promise<T> {
  const session = database.session()
  try {
    await session.unsafe("begin")
    await session`select pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'))`
    return await work()
  } finally {
    await session.unsafe("commit")
    await session.end()
  }
}
