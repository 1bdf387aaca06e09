/**
 * The scheduled job subscription-renewal-check: renews what is due, ends what was cancelled at its period's end, finds what is
 * unpaid, and asks for the payment of new invoices after their commit. Each subscription has a transaction of its own, and one
 * that fails does not keep the others; several processes share the work by skipping what another one has locked.
 */

import type { Actor } from "#actors/runtime/actor.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import { payAutomatically } from "#domain/payments/automatic.ts"
import type { PaymentTools } from "#domain/payments/tools.ts"
import { claimUntried, markTried, openAmount } from "#domain/subscriptions/invoices.ts"
import { advanceDue, type DueKey, findDue } from "#domain/subscriptions/renew.ts"
import { type EventContext, transact } from "#events/outbox.ts"

/** Subscriptions that are looked up at once. */
const batch = 100
/** Things that the clock does to one subscription in one pass: ten years of months. */
const maxSteps = 120

export const subscriptionRenewalCheck = (tools: PaymentTools): Actor => ({
  name: "subscription-renewal-check",
  description: "Process subscription renewals",
  cron: "0 * * * *",
  deadlineMs: 300_000,
  pass: async (stopping) => {
    const did = { renewed: 0, ended: 0, pastDue: 0, cancelled: 0, asked: 0 }
    const failures: unknown[] = []
    let after: string | undefined
    for (let due = await findDue(tools.db, after, batch); due.length > 0; due = await findDue(tools.db, after, batch)) {
      for (const key of due) {
        if (stopping.aborted) return { more: false, did }
        await attempt(failures, () => advanceAll(tools, key, did))
      }
      after = due.at(-1)?.id
    }
    await attempt(failures, () => askForPayments(tools, stopping, did, failures))
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} subscriptions failed: ${failures[0]}`)
    return { more: false, did }
  },
})

type Counts = Record<"renewed" | "ended" | "pastDue" | "cancelled" | "asked", number>

async function advanceAll(tools: PaymentTools, key: DueKey, did: Counts): Promise<void> {
  for (let step = 0; step < maxSteps; step++) {
    const { result } = await transact(tools.db, contextOf(tools), (tx) => advanceDue(tx, key))
    if (result === undefined) return
    did[result]++
  }
}

/** At least once per invoice: a process that dies in between is followed by another one, and what is paid is not asked for. */
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
      // What is open, and no more: a period that was given back by hand is due by the books, and is not taken again.
      const amount = await openAmount(tools.db, untried)
      await payAutomatically(
        tools,
        { facilityId, referenceType: "subscription", referenceId, amount },
        contextOf(tools),
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

/** Each piece of work is a story of its own. */
const contextOf = ({ config }: Pick<PaymentTools, "config">): EventContext => ({
  environment: config.environment,
  correlationId: newId(),
  userId: jobsUserId,
})
