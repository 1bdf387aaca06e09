/**
 * Jobs whose acts follow from the clock and cannot be taken back. A no-show costs a strike and a fee, a renewal costs
 * money, and an entry of the waitlist loses its place. Under a clock that leapt ahead by weeks they wait, until it is
 * believed. The job retention, and the deletions of housekeeping and payment-resolution, ask for themselves and wait
 * after a leap of a day. Other jobs need no guard. A hold ends by the clock whether or not a job releases it. A
 * reminder is only sent before the start of its booking.
 */
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { clockDoubt } from "#base/clock-watch.ts"
import type { Db } from "#base/database/db.ts"
import { log } from "#base/log.ts"

/** The same job, which does nothing while the clock is doubted. Its run then says `held: 1`. */
export function guardedByClock(db: Db, actor: Actor): Actor {
  const guarded = async (pass: () => Promise<Pass>): Promise<Pass> => {
    const doubt = await clockDoubt(db, "business")
    if (doubt === undefined) return pass()
    log.error("job held", { job: actor.name, doubt })
    return { more: false, did: { held: 1 } }
  }
  const { passIn } = actor
  return {
    ...actor,
    pass: (stopping) => guarded(() => actor.pass(stopping)),
    ...(passIn && { passIn: (facilityId, stopping) => guarded(() => passIn(facilityId, stopping)) }),
  }
}
