/** Where an event happened, for its messages: the facility, and the court or room. */
import type { Queryable } from "#base/database/db.ts"
import { platformFacilityId } from "#base/ids.ts"
import type { Language } from "#base/languages.ts"
import type { Concerned } from "./recipients.ts"

export interface MessagePlace {
  readonly facility: { readonly name: string; readonly timezone: string; readonly currency: string }
  /** Of people who have chosen none. */
  readonly language: Language
  /** No place of its own: times are those of the reader. */
  readonly isPlatform: boolean
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
  const rows = await db<PlaceRow[]>`
    select e.nth, f.name, f.timezone, f.currency, f.language, r.name as resource
    from unnest(${events.map((each) => each.facility_id)}::uuid[], ${resources}::uuid[],
                ${about.map(({ bookingId = null }) => bookingId)}::uuid[]) with ordinality as e (facility_id, resource_id, booking_id, nth)
    join slotbase.facilities f on f.id = e.facility_id
    left join slotbase.bookings b on b.id = e.booking_id and b.facility_id = f.id
    left join slotbase.resources r on r.id = coalesce(e.resource_id, b.resource_id) and r.facility_id = f.id`
  const places: (MessagePlace | undefined)[] = events.map(() => undefined)
  for (const { nth, name, timezone, currency, language, resource } of rows) {
    const isPlatform = events[nth - 1]?.facility_id === platformFacilityId
    const facility = { name: isPlatform ? "SlotBase" : name, timezone, currency }
    places[nth - 1] = { facility, language, isPlatform, resource: resource ?? "" }
  }
  return places
}

interface PlaceRow {
  readonly nth: number
  readonly name: string
  readonly timezone: string
  readonly currency: string
  readonly language: Language
  readonly resource: string | null
}
