/**
 * Who may have how much of what a process can do at once. Webhooks that are slow or untried share one half, and no facility
 * has more than a half: whatever hangs, the others find places. Turns go round the facilities first, and then their webhooks.
 */
import { isTrusted, type Lane, limits } from "./endpoint.ts"

/**
 * Whether the lane may send one more request.
 * @param active the lanes that have requests under way.
 */
export function maySend(lane: Lane, active: Iterable<Lane>, now: number): boolean {
  const trusted = isTrusted(lane, now)
  let [all, ofFacility, ofSlow] = [0, 0, 0]
  for (const each of active) {
    const requests = each.underWay.size
    all += requests
    if (each.facilityId === lane.facilityId) ofFacility += requests
    if (!trusted && !isTrusted(each, now)) ofSlow += requests
  }
  return all < limits.requests && ofFacility < limits.requestsOfFacility && ofSlow < limits.requestsOfSlow
}

/** What may still be claimed. */
export interface Shares {
  /** Of all that are slow or untried. */
  slow: number
  readonly ofFacility: (facilityId: string) => number
  readonly take: (facilityId: string, count: number) => void
}

export function sharesLeft(lanes: Iterable<Lane>, now: number): Shares {
  const taken = new Map<string, number>()
  const take = (facilityId: string, count: number) => void taken.set(facilityId, (taken.get(facilityId) ?? 0) + count)
  let slow = limits.requestsOfSlow
  for (const lane of lanes) {
    if (lane.busy === 0) continue
    take(lane.facilityId, lane.busy)
    if (!isTrusted(lane, now)) slow -= lane.busy
  }
  return { slow, take, ofFacility: (facilityId) => limits.claimedOfFacility - (taken.get(facilityId) ?? 0) }
}

/** The first lane of each facility, then the second of each, …; among those the order is kept. */
export function inTurns(lanes: readonly Lane[]): readonly Lane[] {
  const counts = new Map<string, number>()
  const rounds = Map.groupBy(lanes, ({ facilityId }) => {
    const nth = counts.get(facilityId) ?? 0
    counts.set(facilityId, nth + 1)
    return nth
  })
  return [...rounds.values()].flat()
}
