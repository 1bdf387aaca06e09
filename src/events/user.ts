/** The events of people: who joined, what they may do, and whose parent they are. */
import * as Schema from "effect/Schema"
import { area } from "./definition.ts"
import { example } from "./example.ts"
import { Actor, Email, Id, Text } from "./fields.ts"

const define = area("user-service")

export const userEvents = [
  define({
    type: "user.created",
    description: "A person registered, or was registered.",
    aggregate: "user",
    aggregateId: (data) => data.userId,
    data: {
      userId: Id,
      email: Email,
      firstName: Text,
      lastName: Text,
      registrationSource: Schema.Literals(["web", "mobile", "admin", "invitation"]),
      facilityId: Schema.optionalKey(Id),
    },
    sample: {
      userId: example.playerId,
      email: "mia.keller@example.com",
      firstName: "Mia",
      lastName: "Keller",
      registrationSource: "web",
      facilityId: example.facilityId,
    },
    facilityWebhook: true,
  }),
  define({
    type: "user.role_assigned",
    description: "A person was given a role in a scope, such as a facility.",
    aggregate: "user",
    aggregateId: (data) => data.userId,
    data: { userId: Id, role: Text, scopeType: Text, scopeId: Id, grantedBy: Actor },
    sample: {
      userId: example.staffId,
      role: "staff",
      scopeType: "facility",
      scopeId: example.facilityId,
      grantedBy: example.ownerId,
    },
  }),
  define({
    type: "parent_child.linked",
    description: "A person became the parent of a child in SlotBase.",
    aggregate: "user",
    aggregateId: (data) => data.parentId,
    data: {
      parentId: Id,
      childId: Id,
      relationship: Text,
      isPrimary: Schema.Boolean,
      permissions: Schema.Array(Text),
    },
    sample: {
      parentId: example.parentId,
      childId: example.playerId,
      relationship: "mother",
      isPrimary: true,
      permissions: ["book", "pay", "view_feedback"],
    },
    facilityWebhook: true,
  }),
] as const
