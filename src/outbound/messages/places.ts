/** Where an event happened, for its messages: the facility, and the court or room. */
import type { Queryable } from "#base/database/db.ts"
import { platformFacilityId } from "#base/ids.ts"
import type { Concerned } from "./recipients.ts"

export interface MessagePlace {
  readonly facility: { readonly name: string; readonly timezone: string; readonly currency: string }
  /** Empty: none is known. */
  readonly resource: string
}

/** The place of each event, in the same order; undefined where there is no such facility. */
export async function placesOf(
  db: Queryable,
  events: readonly (Concerned & { readonly resource_id: string | null })[],
): Promise<readonly (MessagePlace | undefined)[]> {
  if (events.length === 0) return []
  const about = events.map(({ data }) => data as { resourceId?: string; bookingId?: string })
  const resources = events.map((event, nth) => about[nth]?.resourceId ?? event.resource_id)
  const rows = await db<{ nth: number; name: string; timezone: string; currency: string; resource: string | null }[]>`
    select e.nth, f.name, f.timezone, f.currency, r.name as resource
    from unnest(${events.map((each) => each.facility_id)}::uuid[], ${resources}::uuid[],
                ${about.map(({ bookingId = null }) => bookingId)}::uuid[]) with ordinality as e (facility_id, resource_id, booking_id, nth)
    join slotbase.facilities f on f.id = e.facility_id
    left join slotbase.bookings b on b.id = e.booking_id and b.facility_id = f.id
    left join slotbase.resources r on r.id = coalesce(e.resource_id, b.resource_id) and r.facility_id = f.id`
  const places: (MessagePlace | undefined)[] = events.map(() => undefined)
  for (const { nth, name, timezone, currency, resource } of rows) {
    const shown = events[nth - 1]?.facility_id === platformFacilityId ? "SlotBase" : name
    places[nth - 1] = { facility: { name: shown, timezone, currency }, resource: resource ?? "" }
  }
  return places
}
