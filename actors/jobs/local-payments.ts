/**
 * The actor local-payments: the built-in payment provider's own voice. A card that takes its time is confirmed here when
 * its time has come, as Stripe would say by a webhook. A confirmation that is lost in between is found by payment-resolution.
 */

import type { Actor } from "#actors/runtime/actor.ts"
import { contextOfPayment, findPayment } from "#domain/ledger/payment-rows.ts"
import { confirmDue } from "#domain/payments/providers/local.ts"
import { settle } from "#domain/payments/settle.ts"
import type { JobTools } from "./job-tools.ts"

const batch = 100
/** One look-up by an index that holds nothing else. */
const everyMs = 1_000

export const localPayments = ({ db, config }: JobTools): Actor => ({
  name: "local-payments",
  description: "Confirm payments by test cards that take their time",
  everyMs,
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: async () => {
    const confirmed = await confirmDue(db, batch)
    for (const { key, facilityId, answer } of confirmed) {
      const payment = await findPayment(db, facilityId, key)
      if (payment) await settle(db, payment, answer, contextOfPayment(payment, config.environment))
    }
    return { more: confirmed.length === batch }
  },
})
