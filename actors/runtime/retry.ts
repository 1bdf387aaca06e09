/** The specification's RETRY_CONFIG, and its arithmetic. There is no jitter: the instants are exact. Pure. */

import type { HandlerRetry } from "#hooks/extension.ts"

export interface RetryPolicy {
  /** Retries after the first attempt; 0: never retried by itself. */
  readonly maxRetries: number
  readonly delayMs: number
  readonly maxDelayMs: number
  readonly backoffMultiplier: number
}

export const retryConfig = {
  defaultMaxRetries: 3,
  defaultDelayMs: 1_000,
  maxDelayMs: 60_000,
  backoffMultiplier: 2,
  /** Per-handler overrides. */
  handlers: {
    NotificationHandler: { maxRetries: 5 },
    PaymentHandler: { maxRetries: 0 }, // no retry for payments
    WebhookHandler: { maxRetries: 5, maxDelayMs: 3_600_000 }, // 1 hour at most
  } as Readonly<Record<string, { readonly maxRetries?: number; readonly maxDelayMs?: number }>>,
}

/** @param own the policy of a company's own handler; what it leaves out has the default. */
export function retryPolicyOf(handler: string, own: HandlerRetry = {}): RetryPolicy {
  const override = { ...retryConfig.handlers[handler], ...own }
  return {
    maxRetries: override.maxRetries ?? retryConfig.defaultMaxRetries,
    delayMs: override.delayMs ?? retryConfig.defaultDelayMs,
    maxDelayMs: override.maxDelayMs ?? retryConfig.maxDelayMs,
    backoffMultiplier: override.backoffMultiplier ?? retryConfig.backoffMultiplier,
  }
}

/** Milliseconds to wait after the n-th failure (from 1), or undefined when the retries are used up. */
export function delayAfter(failures: number, policy: RetryPolicy): number | undefined {
  if (failures > policy.maxRetries) return undefined
  return Math.min(policy.maxDelayMs, policy.delayMs * policy.backoffMultiplier ** (failures - 1))
}
