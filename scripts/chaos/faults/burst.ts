// Bookings that are committed while nobody can dispatch, so that all of their events come at once.

import type { World } from "#scripts/chaos/world.ts"

const size = 400
const together = 8

/** Comes back when all are committed and dispatch goes on. */
export async function commitBurst(world: World): Promise<void> {
  const session = world.database.session()
  try {
    await session.unsafe("begin")
    await session`select pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'))`
    for (let left = size; left > 0; left -= together)
      await Promise.all(Array.from({ length: Math.min(left, together) }, () => world.customers.bookOnce()))
  } finally {
    await session.unsafe("commit")
    await session.end()
  }
}
