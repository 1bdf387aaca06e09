/**
 * A pause that the receiver asked for (Retry-After), as this process takes it in at once. The row of webhook_pace holds
 * the other processes back, from the settlement of the attempt on. Pure, but for the endpoint.
 */
import type { AttemptResult } from "./delivery.ts"
import type { Endpoint } from "./endpoint.ts"

export const pauseLimits = {
  /** Until the row of the pause is written, at the latest. After that the row decides. */
  untilWrittenMs: 2_000,
  /** The least length of the second pause in a row, doubled with each, for a receiver that asks for too short ones. */
  leastMs: 2_000,
  longestLeastMs: 300_000,
}

/**
 * Takes in the end of an attempt; answers the result with the length of its pause. Requests that left before a pause
 * began ask for the same pause.
 * @param now monotonic, milliseconds.
 */
export function notePause(endpoint: Endpoint, result: AttemptResult, now: number): AttemptResult {
  if (result.outcome === "delivered") endpoint.pauses = 0
  if (result.pauseMs === undefined) return result
  if (result.sentAt.getTime() >= endpoint.pausedAt) {
    endpoint.pauses++
    endpoint.pausedAt = Date.now()
  }
  const { leastMs, longestLeastMs, untilWrittenMs } = pauseLimits
  const least = endpoint.pauses < 2 ? 0 : Math.min(longestLeastMs, leastMs * 2 ** (endpoint.pauses - 2))
  const pauseMs = Math.max(result.pauseMs, least)
  endpoint.heldUntil = Math.max(endpoint.heldUntil, now + Math.min(pauseMs, untilWrittenMs))
  beginSlowly(endpoint)
  return { ...result, pauseMs }
}

/** One request at first; each success adds one, as after every failure. */
export function beginSlowly({ breaker }: Endpoint): void {
  breaker.requests = 1
}
