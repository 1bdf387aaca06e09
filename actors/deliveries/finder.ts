/**
 * Looking for work: in the log, from where the last look ended, and every two seconds in the whole queue, which finds retries,
 * what others gave back and what any hint has missed (find-work.ts has the statements).
 */
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { abandonDeliveries } from "#outbound/webhooks/deliveries/abandon.ts"
import type { Breakers } from "./breaker-rows.ts"
import type { Lanes } from "./endpoints.ts"
import { allWork, workSince } from "./find-work.ts"

export interface LookingTools {
  readonly db: Db
  readonly lanes: Lanes
  readonly breakers: Breakers
  readonly draining: () => boolean
  /** Webhooks per step of a walk; for tests. */
  readonly step?: number
}

export interface Looking {
  /** Marks the webhooks that have something to send; true when there is more to look at. */
  readonly look: () => Promise<boolean>
  /** The next look walks through the whole queue, not only the log. */
  readonly everywhere: () => void
}

/** How often the whole queue is walked through, and the floors are forgotten, milliseconds. */
const walkEveryMs = 2_000
const forgetEveryMs = 30_000

export function createLooking({ db, lanes, breakers, draining, step }: LookingTools): Looking {
  let seen = 0
  let everywhere = true
  let walkedAt = Number.NEGATIVE_INFINITY
  let forgotAt = performance.now()
  /** A walk that is not at its end: what was dispatched up to `head` is found by it. */
  let walk: { readonly head: number; readonly after: string } | undefined

  async function look(): Promise<boolean> {
    lanes.markDue(clock.now())
    if (walk || everywhere || performance.now() - walkedAt >= walkEveryMs) {
      await walkOn()
      if (!walk) return everywhere
      // Before the first walk has ended, the log would be read from its beginning.
      if (seen === 0) return true
    }
    const found = await workSince(db, seen)
    // In the middle of a walk nobody knows yet what else one of them has waiting.
    for (const webhook of found.webhooks) lanes.markReady(webhook, walk ? 0 : seen)
    seen = found.seen
    return found.more || walk !== undefined
  }

  /** One step; one is enough unless thousands of webhooks have something queued. */
  async function walkOn(): Promise<void> {
    const begins = walk === undefined
    if (begins) beginWalk()
    const found = await allWork(db, walk?.after, step).catch((error: unknown) => {
      if (begins) everywhere = true
      throw error
    })
    for (const { webhook_id, facility_id, deleted, due } of found.webhooks) {
      if (deleted) {
        await abandonAll(webhook_id)
        if (lanes.get(webhook_id)?.pace.openMs) breakers.closed(webhook_id)
      } else lanes.markReady({ id: webhook_id, facilityId: facility_id }, 0)
      if (due) lanes.noteDue(webhook_id, due.getTime())
    }
    const head = walk?.head ?? found.head
    walk = found.after === undefined ? undefined : { head, after: found.after }
    if (walk) return
    walkedAt = performance.now()
    seen = Math.max(seen, head)
  }

  function beginWalk(): void {
    walkedAt = performance.now()
    // Webhooks may have come back with what stands below the floors.
    if (everywhere || walkedAt - forgotAt >= forgetEveryMs) {
      forgotAt = walkedAt
      lanes.forget()
    }
    everywhere = false
  }

  async function abandonAll(webhookId: string): Promise<void> {
    while (!draining() && (await db.begin((tx) => abandonDeliveries(tx, webhookId))) > 0);
  }

  return {
    look,
    everywhere: () => {
      everywhere = true
    },
  }
}
