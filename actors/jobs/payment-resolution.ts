/**
 * The scheduled job payment-resolution: resolves payments and refunds that nobody waits for any more, by asking the
 * provider under the same key. It also sends refunds that are marked and not sent, and tries due renewals again.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { clockDoubt } from "#base/clock-watch.ts"
import { type Resolved, resolvePayments } from "#domain/payments/resolve.ts"
import { forgetOldStripeEvents } from "#domain/payments/stripe-events.ts"
import type { PaymentTools } from "#domain/payments/tools.ts"

/** Of each kind per pass, one after the other. Each is up to three calls to the provider, with a limit of 8 seconds. */
const batch = 8
/** Rows of Stripe's old events per pass. */
const forgottenAtOnce = 1_000

export const paymentResolution = (tools: PaymentTools): Actor => {
  let retriesFrom: Resolved["retriesFrom"]
  return {
    name: "payment-resolution",
    description: "Resolve payments and refunds whose outcome is not known, and try renewals again",
    cron: "* * * * *",
    deadlineMs: 600_000,
    pass: async () => {
      const { retriesFrom: next, ...done } = await resolvePayments(tools, batch, retriesFrom)
      retriesFrom = next
      return pass(tools, done)
    },
  }
}

async function pass(tools: PaymentTools, { more, ...did }: Omit<Resolved, "retriesFrom">): Promise<Pass> {
  // An old event that comes again would be settled again.
  if ((await clockDoubt(tools.db, "deletions")) === undefined) await forgetOldStripeEvents(tools.db, forgottenAtOnce)
  return { more, did }
}
