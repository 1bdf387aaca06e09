// A burst: bookings that are committed while dispatch is held, so that all of their events come at once.

import type { World } from "#scripts/chaos/world.ts"
import { whileDispatchIsHeld } from "./held-dispatch.ts"

const size = 400
const together = 8

/** Resolves when all bookings are committed and dispatch goes on. */
export const commitBurst = (world: World): Promise<void> =>
  whileDispatchIsHeld(world, async () => {
    for (let left = size; left > 0; left -= together)
      await Promise.all(Array.from({ length: Math.min(left, together) }, () => world.customers.bookOnce()))
  })
