/**
 * One lane per webhook, and what may be claimed for which of them. In memory only, and only a hint: what is forgotten is
 * found again in the queue.
 */

import { isOpen } from "./breaker.ts"
import type { Want } from "./claim-rows.ts"
import type { Delivery } from "./delivery.ts"
import { isSlow, isTrusted, type Lane, limits, newLane, requestsOf, slotsOf, timesAhead } from "./endpoint.ts"
import { inTurns, sharesLeft } from "./fairness.ts"

export class Lanes {
  /** In the order in which their turn comes. */
  readonly #lanes = new Map<string, Lane>()
  /** Those of which was heard since the last claim was put together: it may have come too early for what they have. */
  readonly #heard = new Set<string>()

  get(id: string): Lane | undefined {
    return this.#lanes.get(id)
  }

  all(): Iterable<Lane> {
    return this.#lanes.values()
  }

  /** There may be something to claim. @param after where a webhook that is not remembered starts. */
  markReady({ id, facilityId }: { readonly id: string; readonly facilityId: string }, after: number): Lane {
    const lane = this.#lanes.get(id) ?? newLane(id, facilityId, after)
    this.#lanes.set(id, lane)
    this.#hear(lane)
    return lane
  }

  #hear(lane: Lane): void {
    lane.ready = true
    this.#heard.add(lane.id)
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
        this.#hear(lane)
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

  /** Those that hang while more is claimed for them than they may have under way. */
  hanging(now: number): readonly Lane[] {
    const hangs = (lane: Lane) => lane.waiting.length > requestsOf(lane) - lane.underWay.size && isSlow(lane, now)
    return [...this.#lanes.values()].filter((lane) => lane.waiting.length > 0 && hangs(lane))
  }

  /** Takes away what was claimed for the lane and not sent. */
  takeWaiting(lane: Lane): readonly Delivery[] {
    const waiting = lane.waiting
    lane.waiting = []
    lane.busy -= waiting.length
    if (waiting.length > 0) this.#hear(lane)
    return waiting
  }

  /** What may be claimed now, from the lanes whose turn it is. */
  wants(now: number): Want[] {
    const wants: Want[] = []
    this.#heard.clear()
    const ready = inTurns([...this.#lanes.values()].filter((lane) => lane.ready && !isOpen(lane.pace, now)))
    const left = sharesLeft(this.#lanes.values(), now)
    let untrusted = ready.filter((lane) => !isTrusted(lane, now)).length
    for (const lane of ready) {
      if (wants.length === limits.wants) break
      const trusted = isTrusted(lane, now)
      const share = trusted ? limits.claimed : Math.max(0, Math.ceil(left.slow / untrusted--))
      const ahead = timesAhead(lane, now)
      const most = lane.busy + Math.min(share, left.ofFacility(lane.facilityId))
      const cap = Math.min(most, lane.pace.requests * ahead)
      const free = slotsOf(lane, ahead, cap)
      if (free <= 0) continue
      // A fast lane is refilled when it is half empty: many small claims would cost more than they bring.
      if (ahead > 1 && lane.busy > free) continue
      if (!trusted) left.slow -= free
      left.take(lane.facilityId, free)
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
      const short = !full && got.length < slotsOf({ ...lane, busy: want.busy }, want.ahead, want.cap)
      if (short && !this.#heard.has(lane.id)) lane.ready = false
      // Unless the lane was told to start from the front again meanwhile.
      const upTo = lane.after < want.after ? [] : got.filter(({ fresh }) => fresh)
      for (const { position } of upTo) lane.after = Math.max(lane.after, position)
      lane.busy += got.length
      lane.waiting.push(...got)
      // Its turn is over: the others come first the next time.
      this.#lanes.delete(lane.id)
      this.#lanes.set(lane.id, lane)
    }
  }
}
