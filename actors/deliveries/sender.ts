/**
 * The sender sends claimed deliveries, within each webhook's own limit and the fairness of the process. Each end of a
 * request makes room for the next one.
 */
import { reached } from "#base/crash-points.ts"
import type { AttemptResult, ClaimedDelivery } from "./delivery.ts"
import { allowedRequests, type Endpoint, noteDuration } from "./endpoint.ts"
import { maySend } from "./fairness.ts"

export interface SenderTools {
  readonly send: (delivery: ClaimedDelivery) => Promise<AttemptResult>
  /** Claimed too long ago to be sent. */
  readonly isStale: (delivery: ClaimedDelivery) => boolean
  readonly returnWaiting: (endpoint: Endpoint) => void
  /** Called at the end of each attempt, before the next one begins. */
  readonly onEnded: (endpoint: Endpoint, result: AttemptResult) => void
}

export class Sender {
  readonly #tools: SenderTools
  /** Endpoints with requests under way. */
  readonly #active = new Set<Endpoint>()
  /** Endpoints that wait because too many requests are under way; the first comes first. */
  readonly #throttled = new Set<Endpoint>()

  constructor(tools: SenderTools) {
    this.#tools = tools
  }

  /** Begins to send the deliveries that were claimed for the endpoint. */
  begin(endpoint: Endpoint): void {
    const [first] = endpoint.waiting
    if (first && this.#tools.isStale(first)) this.#tools.returnWaiting(endpoint)
    while (endpoint.waiting.length > 0 && endpoint.underWay.size < allowedRequests(endpoint)) {
      if (!maySend(endpoint, this.#active, performance.now())) return void this.#throttled.add(endpoint)
      const delivery = endpoint.waiting.shift()
      if (delivery) void this.#request(endpoint, delivery)
    }
  }

  async #request(endpoint: Endpoint, delivery: ClaimedDelivery): Promise<void> {
    endpoint.underWay.set(delivery.lease, performance.now())
    this.#active.add(endpoint)
    reached("request-next", delivery.event_id)
    const result = await this.#tools.send(delivery)
    reached("answer-received", delivery.event_id)
    endpoint.underWay.delete(delivery.lease)
    if (endpoint.underWay.size === 0) this.#active.delete(endpoint)
    noteDuration(endpoint, result.durationMs)
    this.#tools.onEnded(endpoint, result)
    if (endpoint.waiting.length > 0) this.#throttled.add(endpoint)
    for (const next of [...this.#throttled]) {
      this.#throttled.delete(next)
      this.begin(next)
    }
  }
}
