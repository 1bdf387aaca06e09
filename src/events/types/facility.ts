/** The events of a facility itself: its settings, its resources, its closures and its lost items. */
import * as Schema from "effect/Schema"
import { ActorId, Id, Instant, Note, Text, Timezone } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("facility-service")

const available = ["facility:{facilityId}:availability", "resource:{resourceId}:availability"] as const
const ResourceIds = Schema.Array(Id).annotate({ description: "the resources concerned; empty: the whole facility" })

export const facilityEvents = [
  define({
    type: "facility.created",
    description: "A facility was opened in SlotBase.",
    aggregate: "facility",
    aggregateId: (data) => data.facilityId,
    data: { facilityId: Id, name: Text, timezone: Timezone, sportTypes: Schema.Array(Text), ownerId: Id },
    sample: {
      facilityId: example.facilityId,
      name: "Riverside Tennis Club",
      timezone: "Europe/Berlin",
      sportTypes: ["tennis", "padel"],
      ownerId: example.ownerId,
    },
  }),
  define({
    type: "facility.settings_updated",
    description: "Settings of a facility were changed; the event names them.",
    aggregate: "facility",
    aggregateId: (data) => data.facilityId,
    data: { facilityId: Id, changedSettings: Schema.Array(Text), changedBy: ActorId },
    sample: {
      facilityId: example.facilityId,
      changedSettings: ["openingHours", "holdMinutes"],
      changedBy: example.ownerId,
    },
  }),
  define({
    type: "resource.created",
    description: "A facility has a new court, room or other thing to book.",
    aggregate: "resource",
    aggregateId: (data) => data.resourceId,
    data: { resourceId: Id, facilityId: Id, name: Text, resourceType: Text },
    sample: {
      resourceId: example.resourceId,
      facilityId: example.facilityId,
      name: "Court 1",
      resourceType: "court",
    },
  }),
  define({
    type: "resource.updated",
    origin: "slotbase",
    description: "A resource was changed: its name, its type, its price, or whether it can be booked; it names what.",
    aggregate: "resource",
    aggregateId: (data) => data.resourceId,
    data: { resourceId: Id, facilityId: Id, changedFields: Schema.Array(Text), changedBy: ActorId },
    sample: {
      resourceId: example.resourceId,
      facilityId: example.facilityId,
      changedFields: ["hourlyPrice"],
      changedBy: example.ownerId,
    },
  }),
  define({
    type: "facility.closure.created",
    origin: "slotbase",
    description:
      "A facility, or some of its resources, cannot be booked for a time. Bookings made before are not touched by it.",
    aggregate: "closure",
    aggregateId: (data) => data.closureId,
    data: {
      closureId: Id,
      facilityId: Id,
      resourceIds: ResourceIds,
      startAt: Instant,
      endAt: Instant,
      reason: Text,
      createdBy: ActorId,
    },
    sample: {
      closureId: example.closureId,
      facilityId: example.facilityId,
      resourceIds: [example.resourceId],
      startAt: example.startAt,
      endAt: example.endAt,
      reason: "The net is repaired",
      createdBy: example.ownerId,
    },
    channels: available,
    facilityWebhook: true,
  }),
  define({
    type: "facility.closure.removed",
    origin: "slotbase",
    description: "A closure was taken back: its time can be booked again.",
    aggregate: "closure",
    aggregateId: (data) => data.closureId,
    data: {
      closureId: Id,
      facilityId: Id,
      resourceIds: ResourceIds,
      startAt: Instant,
      endAt: Instant,
      removedBy: ActorId,
    },
    sample: {
      closureId: example.closureId,
      facilityId: example.facilityId,
      resourceIds: [example.resourceId],
      startAt: example.startAt,
      endAt: example.endAt,
      removedBy: example.ownerId,
    },
    channels: available,
    facilityWebhook: true,
  }),
  define({
    type: "lost_item.reported",
    description: "Something was found and waits for its owner.",
    aggregate: "lost_item",
    aggregateId: (data) => data.itemId,
    data: {
      itemId: Id,
      facilityId: Id,
      description: Note,
      category: Text,
      foundLocation: Note,
      reportedBy: ActorId,
    },
    sample: {
      itemId: example.itemId,
      facilityId: example.facilityId,
      description: "Blue water bottle with a sticker of a fox",
      category: "bottle",
      foundLocation: "Court 1, bench",
      reportedBy: example.staffId,
    },
  }),
  define({
    type: "lost_item.claimed",
    description: "A found thing went back to its owner.",
    aggregate: "lost_item",
    aggregateId: (data) => data.itemId,
    data: { itemId: Id, facilityId: Id, claimedBy: Id, verifiedBy: ActorId },
    sample: {
      itemId: example.itemId,
      facilityId: example.facilityId,
      claimedBy: example.playerId,
      verifiedBy: example.staffId,
    },
  }),
] as const
