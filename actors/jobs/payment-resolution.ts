/**
 * The scheduled job payment-resolution: what becomes of payments and refunds that nobody is waiting for any more, by asking
 * the provider under the same key; refunds that were marked and not sent; renewals whose time to be tried again has come.
 */

import type { Actor } from "#actors/runtime/actor.ts"
import { resolvePayments } from "#domain/payments/resolve.ts"
import { forgetOldStripeEvents } from "#domain/payments/stripe-events.ts"
import type { PaymentTools } from "#domain/payments/tools.ts"

/** Of each kind per pass, one after the other; each is up to three calls to the outside with a time limit of 8 seconds. */
const batch = 8
/** Rows of Stripe's old events per pass. */
const forgottenAtOnce = 1_000

export const paymentResolution = (tools: PaymentTools): Actor => ({
  name: "payment-resolution",
  description: "Resolve payments and refunds whose outcome is not known, and try renewals again",
  cron: "* * * * *",
  deadlineMs: 600_000,
  pass: async () => {
    const { more, ...did } = await resolvePayments(tools, batch)
    await forgetOldStripeEvents(tools.db, forgottenAtOnce)
    return { more, did }
  },
})
