/**
 * How a process shares its requests and claims. Slow and untried webhooks share one half, and no facility has more than
 * a half. So places remain for the others when a webhook or a facility hangs. Webhooks are served round-robin over
 * facilities, then over each facility's webhooks.
 */
import { deliveryLimits, type Endpoint, isTrusted } from "./endpoint.ts"

/**
 * Whether the endpoint may send one more request.
 * @param active the endpoints that have requests under way.
 */
export function maySend(endpoint: Endpoint, active: Iterable<Endpoint>, now: number): boolean {
  const trusted = isTrusted(endpoint, now)
  let [all, ofFacility, ofSlow] = [0, 0, 0]
  for (const each of active) {
    const requests = each.underWay.size
    all += requests
    if (each.facilityId === endpoint.facilityId) ofFacility += requests
    if (!trusted && !isTrusted(each, now)) ofSlow += requests
  }
  const { requests, requestsOfFacility, requestsOfSlow } = deliveryLimits
  return all < requests && ofFacility < requestsOfFacility && ofSlow < requestsOfSlow
}

/** The places that may still be claimed. */
export interface ClaimBudget {
  /** Of all slow and untried webhooks together. */
  slow: number
  readonly ofFacility: (facilityId: string) => number
  readonly take: (facilityId: string, count: number) => void
}

export function claimBudget(endpoints: Iterable<Endpoint>, now: number): ClaimBudget {
  const taken = new Map<string, number>()
  const take = (facilityId: string, count: number) => void taken.set(facilityId, (taken.get(facilityId) ?? 0) + count)
  let slow = deliveryLimits.requestsOfSlow
  for (const endpoint of endpoints) {
    if (endpoint.busy === 0) continue
    take(endpoint.facilityId, endpoint.busy)
    if (!isTrusted(endpoint, now)) slow -= endpoint.busy
  }
  return { slow, take, ofFacility: (facilityId) => deliveryLimits.claimedOfFacility - (taken.get(facilityId) ?? 0) }
}

/** The first endpoint of each facility, then the second of each, and so on; within a round the order is kept. */
export function roundRobin(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const counts = new Map<string, number>()
  const rounds = Map.groupBy(endpoints, ({ facilityId }) => {
    const nth = counts.get(facilityId) ?? 0
    counts.set(facilityId, nth + 1)
    return nth
  })
  return [...rounds.values()].flat()
}
