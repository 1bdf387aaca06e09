/**
 * The scheduled job subscription-renewal-check. It renews due subscriptions, ends cancelled ones with their period,
 * finds unpaid ones, and asks for the payment of new invoices after their commit. Each subscription has a transaction
 * of its own, and a failed one does not delay the others. Several processes share the work: each skips subscriptions
 * that another has locked.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { payAutomatically } from "#domain/payments/automatic.ts"
import type { PaymentTools } from "#domain/payments/tools.ts"
import { claimUntried, markTried, openAmount } from "#domain/subscriptions/invoices.ts"
import { advanceDue, type DueKey, findDueRenewals } from "#domain/subscriptions/renew.ts"
import { transact } from "#events/outbox.ts"
import { jobContext } from "./job-context.ts"

/** Subscriptions read at once. */
const batch = 100
/** Steps of one subscription in one pass: ten years of months. */
const maxSteps = 120

export const subscriptionRenewalCheck = (tools: PaymentTools): Actor => ({
  name: "subscription-renewal-check",
  description: "Process subscription renewals",
  cron: "0 * * * *",
  deadlineMs: 300_000,
  pass: (stopping) => pass(tools, stopping),
})

async function pass(tools: PaymentTools, stopping: AbortSignal): Promise<Pass> {
  const did = { renewed: 0, ended: 0, pastDue: 0, cancelled: 0, asked: 0 }
  const failures: unknown[] = []
  let after: string | undefined
  for (
    let due = await findDueRenewals(tools.db, after, batch);
    due.length > 0;
    due = await findDueRenewals(tools.db, after, batch)
  ) {
    for (const key of due) {
      if (stopping.aborted) return { more: false, did }
      await attempt(failures, () => advanceAll(tools, key, did))
    }
    after = due.at(-1)?.id
  }
  await attempt(failures, () => askForPayments(tools, stopping, did, failures))
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} subscriptions failed: ${failures[0]}`)
  return { more: false, did }
}

type Counts = Record<"renewed" | "ended" | "pastDue" | "cancelled" | "asked", number>

async function advanceAll(tools: PaymentTools, key: DueKey, did: Counts): Promise<void> {
  for (let step = 0; step < maxSteps; step++) {
    const { result } = await transact(tools.db, jobContext(tools), (tx) => advanceDue(tx, key))
    if (result === undefined) return
    did[result]++
  }
}

/** At least once per invoice: after a crash another process asks again. A paid invoice is not asked for. */
async function askForPayments(
  tools: PaymentTools,
  stopping: AbortSignal,
  did: Counts,
  failures: unknown[],
): Promise<void> {
  while (!stopping.aborted) {
    const untried = await claimUntried(tools.db)
    if (untried === undefined) return
    await attempt(failures, async () => {
      const { facility_id: facilityId, subscription_id: referenceId } = untried
      // Only the open amount: a period that was refunded by hand is due by the books, and is not charged again.
      const amount = await openAmount(tools.db, untried)
      await payAutomatically(
        tools,
        { facilityId, referenceType: "subscription", referenceId, amount },
        jobContext(tools),
      )
      await markTried(tools.db, untried)
      did.asked++
    })
  }
}

async function attempt(failures: unknown[], work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    failures.push(error)
  }
}
