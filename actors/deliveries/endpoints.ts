/**
 * The endpoints of this process, one per webhook, and how much may be claimed for each. They are in memory only, and
 * only a hint: a forgotten endpoint is found again by the scan of the queue.
 */

import { isBreakerOpen } from "./breaker.ts"
import type { Want } from "./claim-rows.ts"
import type { ClaimedDelivery } from "./delivery.ts"
import {
  allowedRequests,
  deliveryLimits,
  type Endpoint,
  freePlaces,
  isSlow,
  isTrusted,
  newEndpoint,
  timesAhead,
} from "./endpoint.ts"
import { claimBudget, roundRobin } from "./fairness.ts"

export class Endpoints {
  /** In the order in which they are served next. */
  readonly #endpoints = new Map<string, Endpoint>()
  /**
   * Endpoints marked since the last claim was put together: that claim may have come too early for their deliveries.
   */
  readonly #markedSince = new Set<string>()

  get(id: string): Endpoint | undefined {
    return this.#endpoints.get(id)
  }

  all(): Iterable<Endpoint> {
    return this.#endpoints.values()
  }

  /** There may be something to claim. @param claimedUpTo where the claims of an unknown webhook start. */
  markReady({ id, facilityId }: { readonly id: string; readonly facilityId: string }, claimedUpTo: number): Endpoint {
    const endpoint = this.#endpoints.get(id) ?? newEndpoint(id, facilityId, claimedUpTo)
    this.#endpoints.set(id, endpoint)
    this.#mark(endpoint)
    return endpoint
  }

  /** There is more to claim for a known webhook. */
  markAgain(id: string): void {
    const endpoint = this.#endpoints.get(id)
    if (endpoint) this.#mark(endpoint)
  }

  #mark(endpoint: Endpoint): void {
    endpoint.ready = true
    this.#markedSince.add(endpoint.id)
  }

  /** A retry of the webhook is due then. */
  noteDue(id: string, at: number): void {
    const { dues, dueStepMs } = deliveryLimits
    const endpoint = this.#endpoints.get(id)
    if (endpoint && endpoint.dues.size < dues) endpoint.dues.add(Math.ceil(at / dueStepMs) * dueStepMs)
  }

  /** Marks the endpoints whose retry has come due. */
  markDue(now: number): void {
    for (const endpoint of this.#endpoints.values()) {
      for (const due of endpoint.dues) {
        if (due > now) continue
        endpoint.dues.delete(due)
        this.#mark(endpoint)
      }
    }
  }

  nextDue(): number | undefined {
    let next = Number.POSITIVE_INFINITY
    for (const { dues } of this.#endpoints.values()) for (const due of dues) next = Math.min(next, due)
    return Number.isFinite(next) ? next : undefined
  }

  /**
   * Every claim starts from the front of the queue again: other processes may have left deliveries below. Forgets idle
   * endpoints, if there are too many.
   */
  restartClaims(): void {
    for (const endpoint of this.#endpoints.values()) {
      const { ready, busy, dues, breaker } = endpoint
      const idle = !ready && busy === 0 && dues.size === 0 && breaker.openMs === 0
      if (idle && this.#endpoints.size > deliveryLimits.endpoints) this.#endpoints.delete(endpoint.id)
      else endpoint.claimedUpTo = 0
    }
  }

  /** Slow endpoints for which more is claimed than they may have under way. */
  hanging(now: number): readonly Endpoint[] {
    const hangs = (endpoint: Endpoint) =>
      endpoint.waiting.length > allowedRequests(endpoint) - endpoint.underWay.size && isSlow(endpoint, now)
    return [...this.#endpoints.values()].filter((endpoint) => endpoint.waiting.length > 0 && hangs(endpoint))
  }

  /** Takes the deliveries away that were claimed for the endpoint and not sent. */
  takeWaiting(endpoint: Endpoint): readonly ClaimedDelivery[] {
    const waiting = endpoint.waiting
    endpoint.waiting = []
    endpoint.busy -= waiting.length
    if (waiting.length > 0) this.#mark(endpoint)
    return waiting
  }

  /** The wants of the next claim, for the endpoints that come first. */
  wants(now: number): Want[] {
    const wants: Want[] = []
    this.#markedSince.clear()
    const isReady = (endpoint: Endpoint) =>
      endpoint.ready && !isBreakerOpen(endpoint.breaker, now) && endpoint.heldUntil <= now
    const ready = roundRobin([...this.#endpoints.values()].filter(isReady))
    const budget = claimBudget(this.#endpoints.values(), now)
    let untrusted = ready.filter((endpoint) => !isTrusted(endpoint, now)).length
    for (const endpoint of ready) {
      if (wants.length === deliveryLimits.webhooksPerClaim) break
      const trusted = isTrusted(endpoint, now)
      const share = trusted ? deliveryLimits.claimed : Math.max(0, Math.ceil(budget.slow / untrusted--))
      const ahead = timesAhead(endpoint, now)
      const most = endpoint.busy + Math.min(share, budget.ofFacility(endpoint.facilityId))
      const cap = Math.min(most, endpoint.breaker.requests * ahead)
      const free = freePlaces(endpoint, ahead, cap)
      if (free <= 0) continue
      // A fast endpoint is refilled when it is half empty: many small claims would cost more than they bring.
      if (ahead > 1 && endpoint.busy > free) continue
      if (!trusted) budget.slow -= free
      budget.take(endpoint.facilityId, free)
      wants.push({ webhookId: endpoint.id, after: endpoint.claimedUpTo, busy: endpoint.busy, ahead, cap })
    }
    return wants
  }

  /** Takes in the deliveries of a claim. @param full the claim was cut short: there may be more to claim. */
  took(wants: readonly Want[], deliveries: readonly ClaimedDelivery[], full: boolean): void {
    const taken = Map.groupBy(deliveries, (delivery) => delivery.webhook_id)
    for (const want of wants) {
      const endpoint = this.#endpoints.get(want.webhookId)
      if (!endpoint) continue
      const got = taken.get(want.webhookId) ?? []
      endpoint.maxRequests = got[0]?.places ?? endpoint.maxRequests
      endpoint.target = got[0]?.webhook ?? endpoint.target
      endpoint.paced = endpoint.target?.paced ?? endpoint.paced
      const short = !full && got.length < freePlaces({ ...endpoint, busy: want.busy }, want.ahead, want.cap)
      if (short && !this.#markedSince.has(endpoint.id)) endpoint.ready = false
      // Unless its claims were told to start from the front again meanwhile.
      const upTo = endpoint.claimedUpTo < want.after ? [] : got.filter(({ fresh }) => fresh)
      for (const { position } of upTo) endpoint.claimedUpTo = Math.max(endpoint.claimedUpTo, position)
      endpoint.busy += got.length
      endpoint.waiting.push(...got)
      // It was served: the others come first the next time.
      this.#endpoints.delete(endpoint.id)
      this.#endpoints.set(endpoint.id, endpoint)
    }
  }
}
