/**
 * Asks a service outside within the facility's budget, once per event, agent and purpose. A run that is repeated after
 * a crash begins the same call again, or takes the answer that is kept. So the budget is never charged twice for it.
 */
import type { Db } from "#base/database/db.ts"
import { type AskOptions, type ServiceAnswer, ServiceBusy, ServiceRefused } from "#domain/agents/services/service.ts"
import { beginCall, endCall, failCall, type NewCall } from "./rows.ts"

/** Undefined: the month's budget is used up, and nothing left the system. Throws ServiceBusy, ServiceRefused. */
export async function askOnce<T>(
  db: Db,
  call: NewCall,
  signal: AbortSignal,
  ask: (options: AskOptions) => Promise<ServiceAnswer<T>>,
): Promise<T | undefined> {
  const begun = await db.begin((tx) => beginCall(tx, call))
  if (begun === undefined) return undefined
  if (begun.answer !== undefined) return (begun.answer as { readonly value: T }).value
  try {
    const { value, usedTokens } = await ask({ idempotencyKey: begun.id, signal })
    await endCall(db, begun, value, usedTokens)
    return value
  } catch (error) {
    if (error instanceof ServiceBusy || error instanceof ServiceRefused) {
      const isOver = error instanceof ServiceRefused
      const used = error instanceof ServiceRefused ? error.usedTokens : 0
      await failCall(db, begun, { failure: error.message, used, isOver })
    }
    throw error
  }
}
