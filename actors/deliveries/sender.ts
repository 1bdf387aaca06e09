/**
 * Sends what was claimed, as far as each webhook's own limit and the shares of the process allow; whatever ends makes room
 * for the next.
 */
import { reached } from "#base/crash-points.ts"
import type { Delivery, Result } from "./delivery.ts"
import { type Lane, noteDuration, requestsOf } from "./endpoint.ts"
import { maySend } from "./fairness.ts"

export interface SendingTools {
  readonly send: (delivery: Delivery) => Promise<Result>
  /** Claimed too long ago to be sent. */
  readonly isStale: (delivery: Delivery) => boolean
  readonly giveBack: (lane: Lane) => void
  /** Told of every attempt that has ended, before the next is begun. */
  readonly ended: (lane: Lane, result: Result) => void
}

/** Answers how to begin with what was claimed for a lane. */
export function createSending({ send, isStale, giveBack, ended }: SendingTools): (lane: Lane) => void {
  /** Lanes with requests under way. */
  const active = new Set<Lane>()
  /** Lanes that could send, if not so many requests were under way; the first comes first. */
  const starved = new Set<Lane>()

  function begin(lane: Lane): void {
    const [first] = lane.waiting
    if (first && isStale(first)) giveBack(lane)
    while (lane.waiting.length > 0 && lane.underWay.size < requestsOf(lane)) {
      if (!maySend(lane, active, performance.now())) return void starved.add(lane)
      const delivery = lane.waiting.shift()
      if (delivery) void request(lane, delivery)
    }
  }

  async function request(lane: Lane, delivery: Delivery): Promise<void> {
    lane.underWay.set(delivery.lease, performance.now())
    active.add(lane)
    reached("request-next", delivery.event_id)
    const result = await send(delivery)
    reached("answer-received", delivery.event_id)
    lane.underWay.delete(delivery.lease)
    if (lane.underWay.size === 0) active.delete(lane)
    noteDuration(lane, result.durationMs)
    ended(lane, result)
    if (lane.waiting.length > 0) starved.add(lane)
    for (const next of [...starved]) {
      starved.delete(next)
      begin(next)
    }
  }

  return begin
}
