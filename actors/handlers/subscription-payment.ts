/**
 * SubscriptionPaymentHandler: a payment for a subscription pays its invoices, in the transaction that settles the run,
 * so it counts exactly once. The payment has decided that the money is there; this handler decides which invoices it
 * pays.
 */

import { paymentArrived } from "#domain/subscriptions/paid.ts"
import type { EventData } from "#events/catalogue.ts"
import { GiveUp, type OneByOneHandler } from "./handler.ts"

export const subscriptionPaymentHandler = (): OneByOneHandler => ({
  kind: "transactional",
  name: "SubscriptionPaymentHandler",
  events: ["payment.succeeded"],
  handle: async (tx, event) => {
    const { referenceType, referenceId, amount } = event.data as EventData<"payment.succeeded">
    if (referenceType !== "subscription") return { skipped: "not for a subscription" }
    if (await paymentArrived(tx, event.facility_id, referenceId, amount)) return undefined
    throw new GiveUp(`there is no subscription ${referenceId}`, "no_such_subscription")
  },
})
