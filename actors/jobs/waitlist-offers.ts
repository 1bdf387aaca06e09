/**
 * The scheduled job waitlist-offers: ends entries whose time has come without an offer, and offers free slots that are
 * waited for. It finds slots that became free in other ways: longer opening hours, a new court, more looks along the
 * queue than one transaction makes. A slot that is cancelled, released or expires does not wait for it.
 * It goes through every queue to its end, in transactions of bounded work. A facility that fails does not stop the
 * others.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { facilitiesWithOffers, type QueuePlace } from "#domain/booking/waitlist/candidates.ts"
import { endLapsed } from "#domain/booking/waitlist/lapse.ts"
import { type Looked, offerEverything } from "#domain/booking/waitlist/offers.ts"
import { transact } from "#events/outbox.ts"
import { type JobTools, jobContext } from "./job-context.ts"

/** Entries that end in one transaction. */
const batch = 200
/** Facilities read at once. */
const maxFacilities = 100
/** Well below the deadline. The next pass goes on where this one stopped. */
const passMs = 30_000

export const waitlistOffers = (tools: JobTools): Actor => {
  // A pass that had not the time for all begins there the next time. A new process begins with the first facility.
  let resume: string | undefined
  return {
    name: "waitlist-offers",
    description: "Offer what is free to those who wait for it",
    cron: "* * * * *",
    deadlineMs: 60_000,
    pass: async (stopping) => {
      const ended = await endWishes(tools)
      const until = performance.now() + passMs
      const failures: unknown[] = []
      let offered = 0
      for (;;) {
        const facilityIds = await facilitiesWithOffers(tools.db, maxFacilities, resume)
        for (const each of facilityIds) {
          if (stopping.aborted || performance.now() > until) {
            failIfAny(failures)
            return { more: !stopping.aborted, did: { ended, offered } }
          }
          resume = each
          offered += await attempt(failures, () => offerIn(tools, each, stopping))
        }
        if (facilityIds.length < maxFacilities) break
      }
      resume = undefined
      failIfAny(failures)
      return { more: ended === batch, did: { ended, offered } }
    },
    passIn: (facilityId, stopping) => passIn(tools, facilityId, stopping),
  }
}

async function passIn(tools: JobTools, facilityId: string, stopping: AbortSignal): Promise<Pass> {
  const ended = await endWishes(tools, facilityId)
  return { more: ended === batch, did: { ended, offered: await offerIn(tools, facilityId, stopping) } }
}

const endWishes = async (tools: JobTools, facilityId?: string): Promise<number> =>
  (await transact(tools.db, jobContext(tools), (tx) => endLapsed(tx, batch, facilityId))).result

/** To the end of the facility's queue. */
async function offerIn(tools: JobTools, facilityId: string, stopping: AbortSignal): Promise<number> {
  let offered = 0
  let from: QueuePlace | undefined
  do {
    const looked: Looked = (await transact(tools.db, jobContext(tools), (tx) => offerEverything(tx, facilityId, from)))
      .result
    offered += looked.offers
    from = looked.next
  } while (from !== undefined && !stopping.aborted)
  return offered
}

async function attempt(failures: unknown[], work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    failures.push(error)
    return 0
  }
}

function failIfAny(failures: readonly unknown[]): void {
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} facilities failed: ${failures[0]}`)
}
