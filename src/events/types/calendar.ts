/**
 * The events of calendars that are kept in step with one outside. They tell the calendar's owner. No webhook can
 * subscribe to them, because they say when a person is busy elsewhere.
 */
import * as Schema from "effect/Schema"
import { Count, Id, Instant, Text } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("calendar-service")

const calendar = { syncId: Id, facilityId: Id, userId: Id, resourceId: Schema.optionalKey(Id) }
const sample = {
  syncId: example.calendarSyncId,
  facilityId: example.facilityId,
  userId: example.coachId,
  resourceId: example.resourceId,
}

export const calendarSyncEvents = [
  define({
    type: "calendar.sync.failing",
    origin: "slotbase",
    description: "A calendar has failed for a while: somebody must look at it. Told once until it works again.",
    aggregate: "calendar",
    aggregateId: (data) => data.syncId,
    data: {
      ...calendar,
      provider: Schema.Literals(["google", "outlook", "apple"]),
      host: Text,
      code: Schema.Literals([
        "credentials_refused",
        "calendar_gone",
        "unreachable",
        "program_refused",
        "refused",
        "not_understood",
        "throttled",
      ]),
      reason: Text,
      failingSince: Instant,
    },
    sample: {
      ...sample,
      provider: "apple",
      host: "caldav.icloud.com",
      code: "credentials_refused",
      reason: "The server refuses the credentials (401).",
      failingSince: example.bookedAt,
    },
  }),
  define({
    type: "calendar.conflict.found",
    origin: "slotbase",
    description:
      "A calendar says busy where bookings stand. They stay, and a person decides. `conflicts` has the first 20 of `count`.",
    aggregate: "calendar",
    aggregateId: (data) => data.syncId,
    data: {
      ...calendar,
      count: Count,
      conflicts: Schema.Array(Schema.Struct({ bookingId: Id, startAt: Instant, endAt: Instant })),
    },
    sample: {
      ...sample,
      count: 1,
      conflicts: [{ bookingId: example.bookingId, startAt: example.startAt, endAt: example.endAt }],
    },
  }),
] as const
