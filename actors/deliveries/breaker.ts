/**
 * The circuit breaker of a webhook, with an adaptive limit of its requests. The limit starts low; each success adds
 * one, each failure halves it. After many failures in a row the breaker opens for a while. Then one request probes the
 * webhook, and the first success closes the breaker. Without the breaker, an endpoint that resets every connection was
 * tried as fast as one that works. So the others waited up to seven times as long. Deliveries that wait meanwhile use
 * up no attempt. In memory, per process. Pure.
 */
import type { AttemptResult } from "./delivery.ts"

export const breakerLimits = {
  /** Requests to a webhook that has not answered yet. */
  first: 2,
  /** Failures in a row that open the breaker: more than one delivery has at most by default. */
  opensAfter: 10,
  /** How long it is open, milliseconds: doubled with each failure, back to nothing with a success. */
  shortestMs: 250,
  longestMs: 5_000,
}

export interface Breaker {
  /** Requests that may be under way; the process's share of max_concurrency is the upper limit. */
  requests: number
  /** Since the last success. */
  failures: number
  openMs: number
  /** The breaker is open until then, on the monotonic timer, milliseconds. */
  openUntil: number
}

export const newBreaker = (): Breaker => ({ requests: breakerLimits.first, failures: 0, openMs: 0, openUntil: 0 })

export const isBreakerOpen = (breaker: Breaker, now: number) => breaker.openUntil > now

/**
 * Takes in the end of an attempt; answers whether the breaker has opened (again) or closed.
 * @param most the process's share of max_concurrency.
 */
export function noteOutcome(
  breaker: Breaker,
  outcome: AttemptResult["outcome"],
  { now, most }: { readonly now: number; readonly most: number },
): "opened" | "closed" | undefined {
  if (outcome === "unknown") return undefined
  if (outcome === "delivered") {
    const wasOpen = breaker.openMs > 0
    breaker.requests = Math.max(1, Math.min(most, breaker.requests + 1))
    breaker.failures = 0
    breaker.openMs = 0
    breaker.openUntil = 0
    return wasOpen ? "closed" : undefined
  }
  breaker.failures++
  breaker.requests = Math.max(1, Math.floor(breaker.requests / 2))
  // A request that was under way when the breaker opened says nothing new.
  if (breaker.failures < breakerLimits.opensAfter || isBreakerOpen(breaker, now)) return undefined
  breaker.openMs = Math.min(breakerLimits.longestMs, Math.max(breakerLimits.shortestMs, breaker.openMs * 2))
  breaker.openUntil = now + breaker.openMs
  return "opened"
}
