/**
 * An endpoint holds the facts that this process knows about one webhook, and the limits of its requests and claims.
 * Deliveries of a fast webhook are claimed ahead, so that its requests never wait for the database. Those of a slow or
 * untried webhook are not.
 */

import { type Breaker, breakerLimits, newBreaker } from "./breaker.ts"
import type { ClaimedDelivery, TargetWebhook } from "./delivery.ts"

export const deliveryLimits = {
  /** Requests under way at once. Bun's fetch has 256 per process for everything; the rest of the program needs some. */
  requests: 128,
  /** Of these, the requests of all slow and untried webhooks together, and of one facility. */
  requestsOfSlow: 64,
  requestsOfFacility: 64,
  /** Claimed and not yet settled: of all webhooks, and of one facility. */
  claimed: 512,
  claimedOfFacility: 256,
  /** A webhook is slow when its average, or a request under way, takes so long; milliseconds. */
  slowMs: 500,
  /** Claimed ahead: so much work of a fast webhook, milliseconds, and at most so many times its places. */
  aheadMs: 50,
  aheadTimes: 16,
  /** Webhooks per claim. */
  webhooksPerClaim: 200,
  /** Fewer free places than this are not worth a claim, while others are under way. */
  worthClaiming: 32,
  /** Webhooks remembered, and instants of retries per webhook. The scan of the queue finds the others. */
  endpoints: 20_000,
  dues: 500,
  dueStepMs: 10,
}

export interface Endpoint {
  readonly id: string
  readonly facilityId: string
  /** Every fresh delivery up to this position has been claimed. */
  claimedUpTo: number
  /** There may be something to claim. */
  ready: boolean
  /** Deliveries claimed and not yet settled: waiting to be sent, under way, or waiting to be settled. */
  busy: number
  /** Claimed and not yet sent. */
  waiting: ClaimedDelivery[]
  /** Requests under way, oldest first: lease → monotonic instant at which it was sent. */
  readonly underWay: Map<number, number>
  /** This process's share of the webhook's max_concurrency, as of the last claim. */
  maxRequests: number | undefined
  /** The row of the webhook, as the last claim read it. A turn claims for it while the row has this version. */
  target: TargetWebhook | undefined
  /** It has a rate, or is ordered. A request is sent when it is claimed: nothing is claimed ahead. */
  paced: boolean
  /** Its receiver asked for a pause. Until then nothing is claimed, on the monotonic timer; then the row decides. */
  heldUntil: number
  /** Pauses asked for since the last success, and when the last one began, Unix milliseconds. */
  pauses: number
  pausedAt: number
  /** A moving average, milliseconds; undefined: it has not answered yet. */
  averageMs: number | undefined
  readonly breaker: Breaker
  /** When its known retries are due, on the program's clock, rounded to `deliveryLimits.dueStepMs`. */
  readonly dues: Set<number>
}

export const newEndpoint = (id: string, facilityId: string, claimedUpTo: number): Endpoint => ({
  id,
  facilityId,
  claimedUpTo,
  ready: true,
  busy: 0,
  waiting: [],
  underWay: new Map(),
  maxRequests: undefined,
  target: undefined,
  paced: false,
  heldUntil: 0,
  pauses: 0,
  pausedAt: 0,
  averageMs: undefined,
  breaker: newBreaker(),
  dues: new Set(),
})

/** It was slow, or is slow just now: a receiver that hangs has not answered in time, however fast it was before. */
export function isSlow({ averageMs = 0, underWay }: Endpoint, now: number): boolean {
  if (averageMs >= deliveryLimits.slowMs) return true
  const [oldest = now] = underWay.values()
  return now - oldest >= deliveryLimits.slowMs
}

/** A webhook that has not answered yet may never answer. */
export const isTrusted = (endpoint: Endpoint, now: number) => endpoint.averageMs !== undefined && !isSlow(endpoint, now)

/** Requests that the endpoint may have under way now. */
export const allowedRequests = (endpoint: Endpoint) => Math.min(endpoint.maxRequests ?? 1, endpoint.breaker.requests)

export function noteDuration(endpoint: Endpoint, durationMs: number): void {
  endpoint.averageMs = endpoint.averageMs === undefined ? durationMs : endpoint.averageMs * 0.8 + durationMs * 0.2
}

/**
 * How many times its concurrency may be claimed. Only for a fast webhook that does not fail, deliveries are claimed
 * ahead.
 */
export function timesAhead(endpoint: Endpoint, now: number): number {
  const { aheadMs, aheadTimes } = deliveryLimits
  if (endpoint.paced || !isTrusted(endpoint, now) || endpoint.breaker.failures > 0) return 1
  return Math.min(aheadTimes, Math.max(1, Math.floor(aheadMs / (endpoint.averageMs ?? aheadMs))))
}

/** Places that a claim finds free. */
export const freePlaces = (endpoint: Endpoint, ahead: number, cap: number) =>
  Math.min((endpoint.maxRequests ?? breakerLimits.first) * ahead, cap) - endpoint.busy
