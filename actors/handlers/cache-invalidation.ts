/**
 * CacheInvalidationHandler: marks the days that an event changed as older than it, so that they are built again. What it
 * writes is the highest position per day, so order and repetition change nothing. Set-based: a batch is one statement.
 */
import {
  forgetFacilities,
  invalidatingEvents,
  invalidator,
  type Touch,
  touchDays,
} from "../../src/availability/cache.ts"
import type { Tx } from "../../src/database/db.ts"
import type { EventData } from "../../src/events/catalogue.ts"
import { localDatesOf } from "../../src/local-days.ts"
import { facilityZones } from "./facility-zones.ts"
import type { HandledEvent, Outcome, SetBasedHandler } from "./handler.ts"

export const cacheInvalidationHandler = (): SetBasedHandler => ({
  kind: "transactional",
  name: invalidator,
  events: invalidatingEvents,
  handleAll: invalidate,
})

async function invalidate(tx: Tx, events: readonly HandledEvent[]): Promise<readonly Outcome[]> {
  const changed = events.filter((event) => event.type === "facility.settings_updated")
  const zones = await facilityZones(tx, events)
  const touches = new Map<string, Touch>()
  const outcomes = events.map((event) => {
    if (event.type === "facility.settings_updated") return undefined
    const timezone = zones.get(event.facility_id)
    if (timezone === undefined) return { skipped: "the facility does not exist" }
    for (const touch of touchesOf(event, timezone)) {
      const key = `${touch.facilityId} ${touch.resourceId} ${touch.day}`
      if (touch.position > (touches.get(key)?.position ?? 0)) touches.set(key, touch)
    }
    return undefined
  })
  if (changed.length > 0) await forgetFacilities(tx, [...new Set(changed.map((event) => event.facility_id))])
  if (touches.size > 0) await touchDays(tx, [...touches.values()])
  return outcomes
}

function touchesOf(event: HandledEvent, timezone: string): readonly Touch[] {
  const { resourceId, startAt, endAt } = event.data as EventData<
    "booking.hold.created" | "booking.hold.released" | "booking.confirmed" | "booking.cancelled"
  >
  const days = localDatesOf(timezone, { start: Date.parse(startAt), end: Date.parse(endAt) })
  return days.map((day) => ({ facilityId: event.facility_id, resourceId, day, position: event.position }))
}
