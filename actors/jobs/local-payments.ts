/**
 * The actor local-payments: confirms payments of the built-in provider. A test card that takes its time is confirmed
 * here when its time has come; Stripe would send a webhook. The job payment-resolution finds a confirmation that is
 * lost.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { contextOfPayment, findPayment } from "#domain/ledger/payment-rows.ts"
import { confirmDue } from "#domain/payments/providers/local.ts"
import { settleInOwnTransaction } from "#domain/payments/settle.ts"
import type { JobTools } from "./job-context.ts"

const batch = 100
/** Cheap: a pass is one look-up in an index that holds nothing else. */
const pollEveryMs = 1_000

export const localPayments = (tools: JobTools): Actor => ({
  name: "local-payments",
  description: "Confirm payments by test cards that take their time",
  pollEveryMs,
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: () => pass(tools),
})

async function pass(tools: JobTools): Promise<Pass> {
  const confirmed = await confirmDue(tools.db, batch)
  const failures: unknown[] = []
  for (const { key, facilityId, answer } of confirmed) {
    const payment = await findPayment(tools.db, facilityId, key)
    if (payment === undefined) continue
    try {
      await settleInOwnTransaction(tools.db, payment, answer, contextOfPayment(payment, tools.config.environment))
    } catch (error) {
      // The job payment-resolution asks for its outcome again. The others are settled now.
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return { more: confirmed.length === batch }
}
