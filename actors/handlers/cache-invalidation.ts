/**
 * CacheInvalidationHandler: marks the days that an event changed as older than it, so that they are built again. What it
 * writes is the highest position per day, so order and repetition change nothing.
 */
import { forgetFacility, invalidatingEvents, invalidator, touchDays } from "../../src/availability/cache.ts"
import type { Tx } from "../../src/database/db.ts"
import type { EventData } from "../../src/events/catalogue.ts"
import { localDatesOf } from "../../src/local-days.ts"
import { facilityZone } from "./facility-zone.ts"
import type { HandledEvent, Outcome, TransactionalHandler } from "./handler.ts"

export const cacheInvalidationHandler = (): TransactionalHandler => ({
  kind: "transactional",
  name: invalidator,
  events: invalidatingEvents,
  handle: invalidate,
})

async function invalidate(tx: Tx, event: HandledEvent): Promise<Outcome> {
  if (event.type === "facility.settings_updated") {
    await forgetFacility(tx, event.facility_id)
    return
  }
  const { resourceId, startAt, endAt } = event.data as EventData<
    "booking.hold.created" | "booking.hold.released" | "booking.confirmed" | "booking.cancelled"
  >
  const timezone = await facilityZone(tx, event.facility_id)
  if (timezone === undefined) return { skipped: "the facility does not exist" }
  const dates = localDatesOf(timezone, { start: Date.parse(startAt), end: Date.parse(endAt) })
  await touchDays(tx, event.facility_id, resourceId, dates, event.position)
}
