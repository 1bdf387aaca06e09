/** The time zones of the facilities of a batch of events, by their ids; a facility that is not there is missing. */
import type { Queryable } from "#base/database/db.ts"
import type { EventRow } from "#events/envelope.ts"

export async function facilityZones(
  tx: Queryable,
  events: readonly Pick<EventRow, "facility_id">[],
): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(events.map((event) => event.facility_id))]
  const rows = await tx<{ id: string; timezone: string }[]>`
    select id, timezone from slotbase.facilities where id = any (${ids}::uuid[])`
  return new Map(rows.map(({ id, timezone }) => [id, timezone]))
}
