/**
 * One lane per webhook: what this process knows of it, and how much of it may be claimed. A webhook that answers fast is
 * claimed ahead of its requests, so that they never wait for the database; one that is slow gets no more than it can have
 * under way, and all slow ones together no more than half of the requests: the others are not delayed. In memory only,
 * and only a hint: what is forgotten is found again in the queue.
 */
import type { Want } from "./claim.ts"
import type { Delivery } from "./delivery.ts"
import { isOpen, newPace, type Pace, paceLimits } from "./pace.ts"

export const limits = {
  /** Requests under way at once. Bun's fetch has 256 per process for everything; the rest of the program needs some. */
  requests: 128,
  /** Claimed and not yet settled, of all webhooks. */
  claimed: 512,
  /** Requests that all slow webhooks together may have under way. */
  slowRequests: 64,
  /** An average above it is slow, milliseconds. */
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
  /** Every fresh delivery up to here has been claimed. */
  after: number
  /** There may be something to claim. */
  ready: boolean
  /** Claimed and not yet settled: waiting to be sent, under way, or waiting to be settled. */
  busy: number
  /** Claimed and not yet sent. */
  waiting: Delivery[]
  requests: number
  /** The webhook's max_concurrency, as of the last claim. */
  maxRequests: number | undefined
  /** A moving average, milliseconds; undefined: it has not answered yet. */
  averageMs: number | undefined
  readonly pace: Pace
  /** When the retries that we know of are due, on the program's clock, to `limits.dueStepMs`. */
  readonly dues: Set<number>
}

const laneOf = (id: string, after: number): Lane => ({
  id,
  after,
  ready: true,
  busy: 0,
  waiting: [],
  requests: 0,
  maxRequests: undefined,
  averageMs: undefined,
  pace: newPace(),
  dues: new Set(),
})

export const isSlow = (lane: Lane) => (lane.averageMs ?? 0) >= limits.slowMs

/** Requests that the lane may have under way now. */
export const requestsOf = (lane: Lane) => Math.min(lane.maxRequests ?? 1, lane.pace.requests)

export function noteDuration(lane: Lane, durationMs: number): void {
  lane.averageMs = lane.averageMs === undefined ? durationMs : lane.averageMs * 0.8 + durationMs * 0.2
}

export class Lanes {
  /** In the order in which their turn comes. */
  readonly #lanes = new Map<string, Lane>()

  get(id: string): Lane | undefined {
    return this.#lanes.get(id)
  }

  all(): Iterable<Lane> {
    return this.#lanes.values()
  }

  /** There may be something to claim. @param after where a webhook that is not remembered starts. */
  markReady(id: string, after: number): Lane {
    const lane = this.#lanes.get(id) ?? laneOf(id, after)
    lane.ready = true
    this.#lanes.set(id, lane)
    return lane
  }

  noteDue(id: string, at: number): void {
    const lane = this.#lanes.get(id)
    if (lane && lane.dues.size < limits.dues) lane.dues.add(Math.ceil(at / limits.dueStepMs) * limits.dueStepMs)
  }

  /** Those whose retry has come are ready. */
  markDue(now: number): void {
    for (const lane of this.#lanes.values()) {
      for (const due of lane.dues) {
        if (due > now) continue
        lane.dues.delete(due)
        lane.ready = true
      }
    }
  }

  nextDue(): number | undefined {
    let next = Number.POSITIVE_INFINITY
    for (const { dues } of this.#lanes.values()) for (const due of dues) next = Math.min(next, due)
    return Number.isFinite(next) ? next : undefined
  }

  /** Starts every scan from the front again, for what others may have left below; drops the lanes that are idle. */
  forget(): void {
    for (const lane of this.#lanes.values()) {
      const idle = !lane.ready && lane.busy === 0 && lane.dues.size === 0 && lane.pace.openMs === 0
      if (idle && this.#lanes.size > limits.lanes) this.#lanes.delete(lane.id)
      else lane.after = 0
    }
  }

  /** What may be claimed now, from the lanes whose turn it is. */
  wants(now: number): Want[] {
    const wants: Want[] = []
    const ready = [...this.#lanes.values()].filter((lane) => lane.ready && !isOpen(lane.pace, now))
    let slowLeft = limits.slowRequests
    for (const lane of this.#lanes.values()) if (isSlow(lane)) slowLeft -= lane.busy
    let slowLanes = ready.filter(isSlow).length
    for (const lane of ready) {
      if (wants.length === limits.wants) break
      const slow = isSlow(lane)
      const share = slow ? Math.max(0, Math.ceil(slowLeft / slowLanes--)) : limits.claimed
      const ahead = timesAhead(lane)
      const cap = Math.min(slow ? lane.busy + share : limits.claimed, lane.pace.requests * ahead)
      const free = slotsOf(lane, ahead, cap)
      if (free <= 0) continue
      // A fast lane is refilled when it is half empty: many small claims would cost more than they bring.
      if (ahead > 1 && lane.busy > free) continue
      if (slow) slowLeft -= free
      wants.push({ webhookId: lane.id, after: lane.after, busy: lane.busy, ahead, cap })
    }
    return wants
  }

  /** Takes in what a claim has brought. @param full its total was reached: what did not come may still be there. */
  took(wants: readonly Want[], deliveries: readonly Delivery[], full: boolean): void {
    const taken = Map.groupBy(deliveries, (delivery) => delivery.webhook_id)
    for (const want of wants) {
      const lane = this.#lanes.get(want.webhookId)
      if (!lane) continue
      const got = taken.get(want.webhookId) ?? []
      lane.maxRequests = got[0]?.webhook.max_concurrency ?? lane.maxRequests
      if (!full && got.length < slotsOf({ ...lane, busy: want.busy }, want.ahead, want.cap)) lane.ready = false
      for (const delivery of got) if (delivery.fresh) lane.after = Math.max(lane.after, delivery.position)
      lane.busy += got.length
      lane.waiting.push(...got)
      // Its turn is over: the others come first the next time.
      this.#lanes.delete(lane.id)
      this.#lanes.set(lane.id, lane)
    }
  }
}

/** Only what answers fast and does not fail is claimed ahead of its requests. */
function timesAhead({ averageMs, pace }: Lane): number {
  if (averageMs === undefined || averageMs >= limits.slowMs || pace.failures > 0) return 1
  return Math.min(limits.aheadTimes, Math.max(1, Math.floor(limits.aheadMs / averageMs)))
}

const slotsOf = (lane: Lane, ahead: number, cap: number) =>
  Math.min((lane.maxRequests ?? paceLimits.first) * ahead, cap) - lane.busy
