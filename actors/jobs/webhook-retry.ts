/**
 * The scheduled job webhook-retry: goes on with deliveries whose quick tries are used up. It makes a few per webhook
 * due, to see whether the receiver is back. Each that succeeds lets more follow (actors/deliveries/settle-ordered.ts).
 * A delivery whose time is over, and that nobody tried meanwhile, becomes a dead letter.
 * It also lets deliveries of ordered webhooks go whose predecessor left with its month.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { sendHint } from "#base/hints.ts"
import type { JobTools } from "./job-context.ts"

/** Deliveries per webhook and tick. */
const few = 3
/** Webhooks read at once. */
const maxWebhooks = 500
/** Dead letters per statement. */
const batch = 500

export const webhookRetry = ({ db }: Pick<JobTools, "db">): Actor => ({
  name: "webhook-retry",
  description: "Retry failed webhook deliveries",
  cron: "*/5 * * * *",
  deadlineMs: 240_000,
  pass: (stopping) => pass(db, stopping),
  passIn: (facilityId, stopping) => pass(db, stopping, facilityId),
})

interface WaitingWebhook {
  readonly webhook_id: string
  readonly facility_id: string
  /** The first of its waiting deliveries is due. */
  readonly due: boolean
}

async function pass(db: Db, stopping: AbortSignal, facilityId?: string): Promise<Pass> {
  let [tried, gaveUp] = [0, 0]
  if (facilityId === undefined) await db`select slotbase.let_heads_go()`
  let after = "00000000-0000-0000-0000-000000000000"
  while (!stopping.aborted) {
    const webhooks = await db<WaitingWebhook[]>`
      select webhook_id, facility_id, due <= slotbase.now() as due from slotbase.webhooks_to_retry(${after}, ${maxWebhooks})
      order by webhook_id`
    for (const { webhook_id, facility_id, due } of webhooks) {
      after = webhook_id
      if (stopping.aborted) break
      if (facilityId !== undefined && facility_id !== facilityId) continue
      gaveUp += await endOverdue(db, webhook_id, stopping)
      if (due) tried += await release(db, webhook_id)
    }
    if (webhooks.length < maxWebhooks) break
  }
  if (tried > 0 || gaveUp > 0) sendHint("subscriptions")
  return { more: false, did: { tried, gaveUp } }
}

async function release(db: Db, webhookId: string): Promise<number> {
  const [row] = await db<[{ count: number }]>`select slotbase.release_deliveries(${webhookId}, ${few}) as count`
  reached("retries-due")
  return row.count
}

async function endOverdue(db: Db, webhookId: string, stopping: AbortSignal): Promise<number> {
  let ended = 0
  for (;;) {
    const [row] = await db<[{ count: number }]>`
      select slotbase.end_overdue_deliveries(${webhookId}, ${batch}) as count`
    ended += row.count
    if (row.count > 0) reached("overdue-ended")
    if (row.count < batch || stopping.aborted) return ended
  }
}
