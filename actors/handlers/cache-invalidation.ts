/**
 * CacheInvalidationHandler marks the cached days that an event changed as outdated, so that they are built again. It
 * writes the highest position per day, so order and repetition change nothing. Set-based: a batch is one statement.
 */

import type { Tx } from "#base/database/transaction.ts"
import { localDatesOf } from "#base/local-days.ts"
import {
  forgetFacilities,
  invalidatingEvents,
  invalidator,
  type Touch,
  touchDays,
} from "#domain/booking/availability/cache.ts"
import { type BlockedTime, blockedTimesOf } from "#domain/booking/block-of.ts"
import { longestBuffers, touchedBy } from "#domain/booking/buffers.ts"
import { facilityZones } from "#domain/club/facility-zones.ts"
import type { EventData } from "#events/catalogue.ts"
import type { HandledEvent, Outcome, SetBasedHandler } from "./handler.ts"

export const cacheInvalidationHandler = (): SetBasedHandler => ({
  kind: "transactional",
  name: invalidator,
  events: invalidatingEvents,
  handleAll: invalidate,
})

async function invalidate(tx: Tx, events: readonly HandledEvent[]): Promise<readonly Outcome[]> {
  const changed = events.filter((event) => event.type === "facility.settings_updated")
  const [zones, blocks, buffers] = await Promise.all([
    facilityZones(tx, events),
    blockedTimesOf(tx, decidedBlocks(events)),
    longestBuffers(
      tx,
      events.map((event) => event.facility_id),
    ),
  ])
  const touches = new Map<string, Touch>()
  const outcomes = events.map((event) => {
    if (event.type === "facility.settings_updated") return undefined
    const timezone = zones.get(event.facility_id)
    if (timezone === undefined) return { skipped: "the facility does not exist" }
    const stretches = stretchesOf(event, blocks)
    if (stretches.length === 0) return { skipped: "the block does not exist" }
    const buffer = buffers.get(event.facility_id) ?? 0
    for (const touch of stretches.flatMap((stretch) => touchesOf(event, stretch, timezone, buffer))) {
      const key = `${touch.facilityId} ${touch.resourceId} ${touch.day}`
      if (touch.position > (touches.get(key)?.position ?? 0)) touches.set(key, touch)
    }
    return undefined
  })
  if (changed.length > 0) await forgetFacilities(tx, [...new Set(changed.map((event) => event.facility_id))])
  if (touches.size > 0) await touchDays(tx, [...touches.values()])
  return outcomes
}

/** The blocks of decisions: such an event does not contain the time of its block. */
const decidedBlocks = (events: readonly HandledEvent[]) =>
  events
    .filter(({ type }) => decisions.has(type))
    .map(({ data }) => (data as EventData<"coach.block.approved">).blockId)

const decisions: ReadonlySet<string> = new Set(["coach.block.approved", "coach.block.rejected"])

/** The time that an event took from a resource or freed; for a move also the time before it. */
function stretchesOf(event: HandledEvent, blocks: ReadonlyMap<string, BlockedTime>): BlockedTime[] {
  if (decisions.has(event.type)) {
    const block = blocks.get((event.data as EventData<"coach.block.approved">).blockId)
    return block ? [block] : []
  }
  const { resourceId, startAt, endAt } = event.data as EventData<"booking.confirmed">
  const present = { resourceId, startAt, endAt }
  if (event.type !== "booking.rescheduled") return [present]
  const { previousResourceId, previousStartAt, previousEndAt } = event.data as EventData<"booking.rescheduled">
  return [present, { resourceId: previousResourceId, startAt: previousStartAt, endAt: previousEndAt }]
}

function touchesOf(
  event: HandledEvent,
  { resourceId, startAt, endAt }: BlockedTime,
  timezone: string,
  longestBuffer: number,
): Touch[] {
  const touched = touchedBy({ start: Date.parse(startAt), end: Date.parse(endAt) }, longestBuffer)
  const days = localDatesOf(timezone, touched)
  return days.map((day) => ({ facilityId: event.facility_id, resourceId, day, position: event.position }))
}
