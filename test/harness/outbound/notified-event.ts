// An event as a handler receives it, without its row in the log.

import type { HandledEvent } from "#actors/handlers/handler.ts"
import { newId } from "#base/ids.ts"
import { definitionOf, type EventType } from "#events/catalogue.ts"

/** The catalogue's sample with other data. */
export function notifiedEvent(facilityId: string, type: EventType, data: object): HandledEvent {
  const now = new Date("2026-03-09T16:20:30.125Z")
  return {
    id: newId(),
    facility_id: facilityId,
    type,
    version: "1.0",
    timestamp: now,
    occurred_at: now,
    source: "test",
    correlation_id: newId(),
    causation_id: null,
    user_id: null,
    organization_id: null,
    data: { ...(definitionOf(type)?.sample as object), ...data },
    metadata: { environment: "development" },
    position: 1,
    aggregate_id: newId(),
    resource_id: null,
  }
}
