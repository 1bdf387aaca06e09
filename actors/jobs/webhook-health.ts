/**
 * The scheduled job webhook-health: tells facilities in stages that an endpoint of theirs fails, that a webhook was
 * switched off, and that it works again. Each is an event, from which the mail to the administrators follows, and a
 * line in the log. The stages follow from tables alone, so any process may look, and a crash loses none.
 */
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { reached } from "#base/crash-points.ts"
import type { Tx } from "#base/database/transaction.ts"
import { log } from "#base/log.ts"
import { transact } from "#events/outbox.ts"
import { noteFailures, type Told, tellDisabled, tellFailing, tellRecovered } from "#outbound/webhooks/health.ts"
import { type JobTools, jobContext } from "./job-context.ts"

/** Webhooks told of in one transaction. */
const batch = 100

export const webhookHealth = (tools: JobTools): Actor => ({
  name: "webhook-health",
  description: "Tell facilities about failing webhooks",
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: () => pass(tools),
})

const messages = {
  failing: "webhook fails, facility told",
  disabled: "webhook is off, facility told",
  recovered: "webhook works again, facility told",
} as const satisfies Record<Told["what"], string>

async function pass(tools: JobTools): Promise<Pass> {
  const telling = async (tell: (tx: Tx, limit: number) => Promise<readonly Told[]>) => {
    const { result: told } = await transact(tools.db, jobContext(tools), (tx) => tell(tx, batch))
    for (const { what, webhookId, facilityId, stage, reason } of told)
      log.warn(messages[what], { webhook: webhookId, facility: facilityId, stage, reason })
    if (told.length > 0) reached("endpoints-told")
    return told.length
  }
  const recovered = await telling(tellRecovered)
  await transact(tools.db, jobContext(tools), noteFailures)
  const disabled = await telling(tellDisabled)
  const failing = await telling(tellFailing)
  const did = Object.fromEntries(Object.entries({ recovered, disabled, failing }).filter(([, count]) => count > 0))
  return { more: [recovered, disabled, failing].includes(batch), did }
}
