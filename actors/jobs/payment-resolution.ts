/**
 * The scheduled job payment-resolution: resolves payments and refunds that nobody waits for any more, by asking the
 * provider under the same key. It also sends refunds that are marked and not sent, and tries due renewals again.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { App } from "#base/app.ts"
import { resolvePayments } from "#domain/payments/resolve.ts"
import { forgetOldStripeEvents } from "#domain/payments/stripe-events.ts"

/** Of each kind per pass, one after the other. Each is up to three calls to the provider, with a limit of 8 seconds. */
const batch = 8
/** Rows of Stripe's old events per pass. */
const forgottenAtOnce = 1_000

export const paymentResolution = (app: App): Actor => ({
  name: "payment-resolution",
  description: "Resolve payments and refunds whose outcome is not known, and try renewals again",
  cron: "* * * * *",
  deadlineMs: 600_000,
  pass: () => pass(app),
})

async function pass(app: App): Promise<Pass> {
  const { more, ...did } = await resolvePayments(app, batch)
  await forgetOldStripeEvents(app.db, forgottenAtOnce)
  return { more, did }
}
