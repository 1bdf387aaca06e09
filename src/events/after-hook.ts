/**
 * The hook points after:booking.confirmed and after:payment.succeeded, and the input of their hooks. The handler
 * AfterHooks runs them.
 */
import type { DomainEvent } from "./envelope.ts"

/** Runs at least once for each event; the key is the event's id and the hook's name. */
export interface AfterHook {
  readonly point: "after:booking.confirmed" | "after:payment.succeeded"
  readonly name: string
  readonly run: (
    event: DomainEvent,
    context: { readonly signal: AbortSignal; readonly idempotencyKey: string },
  ) => Promise<void>
}
