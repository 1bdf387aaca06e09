/**
 * What this process knows of one webhook, and how much of it may be under way: what answers fast is claimed ahead of its
 * requests, so that they never wait for the database. What is slow, or has not been tried yet, is not.
 */

import { newPace, type Pace, paceLimits } from "./breaker.ts"
import type { Delivery } from "./delivery.ts"

export const limits = {
  /** Requests under way at once. Bun's fetch has 256 per process for everything; the rest of the program needs some. */
  requests: 128,
  /** Of these, what all webhooks that are slow or untried may have together, and what one facility may have. */
  requestsOfSlow: 64,
  requestsOfFacility: 64,
  /** Claimed and not yet settled: of all webhooks, and of one facility's. */
  claimed: 512,
  claimedOfFacility: 256,
  /** An average above it is slow, and so is a request that is under way for so long; milliseconds. */
  slowMs: 500,
  /** Claimed ahead: so much work of a fast webhook, milliseconds, and at most so many times its max_concurrency. */
  aheadMs: 50,
  aheadTimes: 16,
  /** Webhooks per claim. */
  wants: 200,
  /** Fewer free places than this are not worth a claim, while others are under way. */
  worthClaiming: 32,
  /** Webhooks remembered, and instants of retries per webhook; what is beyond is found by the look at the whole queue. */
  lanes: 20_000,
  dues: 500,
  dueStepMs: 10,
}

export interface Lane {
  readonly id: string
  readonly facilityId: string
  /** Every fresh delivery up to here has been claimed. */
  after: number
  /** There may be something to claim. */
  ready: boolean
  /** Claimed and not yet settled: waiting to be sent, under way, or waiting to be settled. */
  busy: number
  /** Claimed and not yet sent. */
  waiting: Delivery[]
  /** Requests under way, oldest first: lease → monotonic instant at which it was sent. */
  readonly underWay: Map<number, number>
  /** The webhook's max_concurrency, as of the last claim. */
  maxRequests: number | undefined
  /** A moving average, milliseconds; undefined: it has not answered yet. */
  averageMs: number | undefined
  readonly pace: Pace
  /** When the retries that we know of are due, on the program's clock, to `limits.dueStepMs`. */
  readonly dues: Set<number>
}

export const newLane = (id: string, facilityId: string, after: number): Lane => ({
  id,
  facilityId,
  after,
  ready: true,
  busy: 0,
  waiting: [],
  underWay: new Map(),
  maxRequests: undefined,
  averageMs: undefined,
  pace: newPace(),
  dues: new Set(),
})

/** It was slow, or is just now: a receiver that hangs has not answered in time, whatever it did before. */
export function isSlow({ averageMs = 0, underWay }: Lane, now: number): boolean {
  if (averageMs >= limits.slowMs) return true
  const [oldest = now] = underWay.values()
  return now - oldest >= limits.slowMs
}

/** Of what has not answered yet nobody knows whether it ever will. */
export const isTrusted = (lane: Lane, now: number) => lane.averageMs !== undefined && !isSlow(lane, now)

/** Requests that the lane may have under way now. */
export const requestsOf = (lane: Lane) => Math.min(lane.maxRequests ?? 1, lane.pace.requests)

export function noteDuration(lane: Lane, durationMs: number): void {
  lane.averageMs = lane.averageMs === undefined ? durationMs : lane.averageMs * 0.8 + durationMs * 0.2
}

/** How many times its concurrency may be claimed: only what answers fast and does not fail is claimed ahead of its requests. */
export function timesAhead(lane: Lane, now: number): number {
  if (!isTrusted(lane, now) || lane.pace.failures > 0) return 1
  return Math.min(limits.aheadTimes, Math.max(1, Math.floor(limits.aheadMs / (lane.averageMs ?? limits.aheadMs))))
}

/** Places that a claim finds free. */
export const slotsOf = (lane: Lane, ahead: number, cap: number) =>
  Math.min((lane.maxRequests ?? paceLimits.first) * ahead, cap) - lane.busy
