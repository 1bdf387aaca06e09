/**
 * What a webhook selects: its event types, and the filters on them. Checked as a whole when it is saved, because
 * conditions depend on the types. Reads resources.
 */
import type { Queryable } from "#base/database/db.ts"
import { type Fault, InvalidInput } from "#base/errors.ts"
import type { EventType } from "#events/catalogue.ts"
import { typesMeantBy } from "#events/patterns.ts"
import { type Condition, conditionFaults, predicateOf } from "./conditions.ts"
import type { Filters } from "./input.ts"
import type { WebhookRow } from "./rows.ts"

/** The columns of a webhook that say what it selects. */
export type Selection = Pick<WebhookRow, "events" | "resource_ids" | "booking_types" | "conditions" | "when_absent">

/**
 * An empty list filters nothing. Resources must be the facility's own. A condition must be about a field that one of
 * the types has. Throws InvalidInput.
 */
export async function checkSelection(
  db: Queryable,
  facilityId: string,
  events: readonly string[],
  filters: Filters = {},
): Promise<Selection> {
  const resourceIds = [...new Set(filters.resourceIds?.map((id) => id.toLowerCase()))]
  const bookingTypes = [...new Set(filters.bookingTypes)]
  const conditions = filters.conditions ?? []
  const faults = [
    ...(await unknownResources(db, facilityId, filters.resourceIds ?? [])),
    ...conditionFaults(typesMeantBy(events), conditions),
    ...(filters.whenAbsent !== undefined && resourceIds.length === 0 && bookingTypes.length === 0
      ? [{ path: "body.filters.whenAbsent", message: "Used only with resourceIds or bookingTypes" }]
      : []),
  ]
  if (faults.length > 0) throw new InvalidInput(faults)
  return {
    events: [...new Set(events)],
    resource_ids: resourceIds.length > 0 ? resourceIds : null,
    booking_types: bookingTypes.length > 0 ? bookingTypes : null,
    conditions: conditions.length > 0 ? conditions : null,
    when_absent: filters.whenAbsent ?? "deliver",
  }
}

/** The stored filters, when other types are chosen: a condition may have lost its field. */
export function checkKeptFilters(kept: Selection, events: readonly string[]): Selection {
  const faults = conditionFaults(typesMeantBy(events), kept.conditions ?? [])
  if (faults.length > 0) throw new InvalidInput(faults)
  return { ...kept, events: [...new Set(events)] }
}

/** A selection as dispatch takes it: the columns of slotbase.webhook_versions. */
export const subscriptionOf = (selection: Selection) => ({
  events: typesMeantBy(selection.events) as EventType[],
  resource_ids: selection.resource_ids,
  booking_types: selection.booking_types,
  condition: predicateOf((selection.conditions ?? []) as readonly Condition[]),
  keep_absent: selection.when_absent === "deliver",
})

export function isSameSelection(a: Selection, b: Selection): boolean {
  const sorted = (list: readonly string[] | null) => list && [...list].sort()
  const key = ({ events, resource_ids, booking_types, conditions, when_absent }: Selection) =>
    JSON.stringify([
      sorted(events),
      sorted(resource_ids),
      sorted(booking_types),
      predicateOf(conditions ?? []),
      when_absent,
    ])
  return key(a) === key(b)
}

async function unknownResources(db: Queryable, facilityId: string, asked: readonly string[]): Promise<Fault[]> {
  if (asked.length === 0) return []
  const known = await db<{ id: string }[]>`
    select id from slotbase.resources
    where facility_id = ${facilityId} and id = any (${asked.map((id) => id.toLowerCase())}::uuid[])`
  const ids = new Set(known.map((row) => row.id))
  return asked.flatMap((id, index) =>
    ids.has(id.toLowerCase())
      ? []
      : [{ path: `body.filters.resourceIds.${index}`, message: "No resource of the facility" }],
  )
}
