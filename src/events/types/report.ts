/**
 * The events of what was made for people to read: the report of a facility's day, the summary of a player's week. They
 * say which one; the rows have the figures. No webhook can subscribe to them.
 */
import * as Schema from "effect/Schema"
import { Count, Currency, Day, Id, SignedMoney } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("report-service")

export const reportEvents = [
  define({
    type: "facility.report.made",
    origin: "slotbase",
    description: "The report of a facility's day was made; GET …/reports/{day} has all of it.",
    aggregate: "facility",
    aggregateId: (data) => data.facilityId,
    data: {
      facilityId: Id,
      day: Day,
      bookings: Count,
      cancellations: Count,
      noShows: Count,
      revenue: Schema.Array(Schema.Struct({ currency: Currency, amount: SignedMoney })),
    },
    sample: {
      facilityId: example.facilityId,
      day: "2026-03-11",
      bookings: 23,
      cancellations: 2,
      noShows: 1,
      revenue: [{ currency: "EUR", amount: 41_200 }],
    },
  }),
  define({
    type: "progress.summary.made",
    origin: "slotbase",
    description:
      "The summary of a player's week was made; `week` is its Monday. A child's parents (`parentIds`) are told, or the player (`userId`).",
    aggregate: "player",
    aggregateId: (data) => data.playerId,
    data: {
      playerId: Id,
      facilityId: Id,
      week: Day,
      parentIds: Schema.Array(Id),
      userId: Schema.optionalKey(Id),
    },
    sample: {
      playerId: example.playerId,
      facilityId: example.facilityId,
      week: "2026-03-09",
      parentIds: [example.parentId],
      userId: example.playerId,
    },
  }),
] as const
