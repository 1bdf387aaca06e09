/**
 * Sample payloads for a program that is being set up: the facility's newest events of the type, as they were sent. The
 * catalogue's sample stands in while there is none. Reads only.
 */
import type { Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { type EventType, facilityWebhookEvents } from "#events/catalogue.ts"
import { samplesEvent } from "#events/describe.ts"
import { type EventRow, toDomainEvent } from "#events/envelope.ts"
import { type ZapierPayload, zapierPayload } from "#outbound/webhooks/formats/zapier.ts"

/** People choose among a few; more would only be more personal data in another system. */
const maxSamples = 3
/** The newest events of the facility that are looked at, so that a rare type costs no long scan. */
const reach = 5_000

export async function readHookSamples(db: Queryable, facilityId: string, type: string): Promise<ZapierPayload[]> {
  if (!facilityWebhookEvents.includes(type as EventType)) throw new NotFound("event type for webhooks", type)
  const [facility] = await db<{ name: string }[]>`select name from slotbase.facilities where id = ${facilityId}`
  if (!facility) throw new NotFound("facility", facilityId)
  const rows = await db<EventRow[]>`
    with looked as materialized (
      select position, event_id, facility_id, type from slotbase.event_positions
      where facility_id = ${facilityId} order by position desc limit ${reach}
    ), newest as (
      select position, event_id, facility_id from looked where type = ${type} order by position desc limit ${maxSamples}
    )
    select e.* from newest n join slotbase.events e on e.id = n.event_id and e.facility_id = n.facility_id
    order by n.position desc`
  const events = rows.length > 0 ? rows.map(toDomainEvent) : [catalogueSample(type as EventType, facilityId)]
  return events.map((event) => zapierPayload(event, { id: facilityId, name: facility.name }))
}

/** The catalogue's sample, in this facility. */
function catalogueSample(type: EventType, facilityId: string) {
  const event = samplesEvent(type)
  return { ...event, data: "facilityId" in event.data ? { ...event.data, facilityId } : event.data }
}
