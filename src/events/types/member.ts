/** The events of a facility's list of members. They name people by their ids alone. */
import * as Schema from "effect/Schema"
import { ActorId, Count, Id, Text } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("user-service")
const { playerId: userId, facilityId, staffId } = example

export const memberEvents = [
  define({
    type: "member.details_changed",
    origin: "slotbase",
    description: "Staff changed what the facility keeps about a member. `changed` names the fields.",
    aggregate: "user",
    aggregateId: (data) => data.userId,
    data: { userId: Id, facilityId: Id, changed: Schema.Array(Text), changedBy: ActorId },
    sample: { userId, facilityId, changed: ["phone"], changedBy: staffId },
  }),
  define({
    type: "members.imported",
    origin: "slotbase",
    description: "Members were imported from a file. user.created precedes it for each new one.",
    aggregate: "facility",
    aggregateId: (data) => data.facilityId,
    data: { facilityId: Id, created: Count, existing: Count, refused: Count, invited: Count, importedBy: ActorId },
    sample: { facilityId, created: 120, existing: 3, refused: 1, invited: 118, importedBy: staffId },
  }),
] as const
