/**
 * How much of a webhook is under way at once: it starts with little, each success adds one, each failure halves it. One that
 * fails many times in a row is left alone for a while (its breaker is open), then asked again with one request, and closes
 * with the first success: without it, an endpoint that resets every connection was tried as fast as one that works, and the
 * others waited up to seven times as long. What waits meanwhile burns no attempt. In memory, per process. Pure.
 */
import type { Result } from "./delivery.ts"

export const paceLimits = {
  /** A webhook that has not answered yet is tried with so many requests. */
  first: 2,
  /** Failures in a row that open the breaker: more than one delivery has at most by default. */
  opensAfter: 10,
  /** How long it is open, milliseconds: doubled with each failure, back to nothing with a success. */
  shortestMs: 250,
  longestMs: 5_000,
}

export interface Pace {
  /** Requests that may be under way; the webhook's own max_concurrency stands above it. */
  requests: number
  /** Since the last success. */
  failures: number
  openMs: number
  /** The breaker is open until then, on the monotonic timer, milliseconds. */
  openUntil: number
}

export const newPace = (): Pace => ({ requests: paceLimits.first, failures: 0, openMs: 0, openUntil: 0 })

export const isOpen = (pace: Pace, now: number) => pace.openUntil > now

/** Takes in the end of an attempt; answers whether the breaker has opened (again) or closed. @param most max_concurrency. */
export function noteOutcome(
  pace: Pace,
  outcome: Result["outcome"],
  { now, most }: { readonly now: number; readonly most: number },
): "opened" | "closed" | undefined {
  if (outcome === "unknown") return undefined
  if (outcome === "delivered") {
    const wasOpen = pace.openMs > 0
    pace.requests = Math.max(1, Math.min(most, pace.requests + 1))
    pace.failures = 0
    pace.openMs = 0
    pace.openUntil = 0
    return wasOpen ? "closed" : undefined
  }
  pace.failures++
  pace.requests = Math.max(1, Math.floor(pace.requests / 2))
  // What was still under way when it opened says nothing new.
  if (pace.failures < paceLimits.opensAfter || isOpen(pace, now)) return undefined
  pace.openMs = Math.min(paceLimits.longestMs, Math.max(paceLimits.shortestMs, pace.openMs * 2))
  pace.openUntil = now + pace.openMs
  return "opened"
}
