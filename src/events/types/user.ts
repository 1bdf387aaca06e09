/**
 * The events of people: registrations, roles and parents. Three are of the spec; the others end roles and parenthood.
 */
import * as Schema from "effect/Schema"
import { ActorId, Email, Id, Text } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("user-service")

export const userEvents = [
  define({
    type: "user.created",
    description:
      "A person registered, or was registered. A child without an address is reached at its parent's; the event then holds that address.",
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
    data: { userId: Id, role: Text, scopeType: Text, scopeId: Id, grantedBy: ActorId },
    sample: {
      userId: example.staffId,
      role: "staff",
      scopeType: "facility",
      scopeId: example.facilityId,
      grantedBy: example.ownerId,
    },
  }),
  define({
    type: "user.role_revoked",
    origin: "slotbase",
    description: "A role was taken away from a person, or they gave it up.",
    aggregate: "user",
    aggregateId: (data) => data.userId,
    data: { userId: Id, role: Text, scopeType: Text, scopeId: Id, revokedBy: ActorId },
    sample: {
      userId: example.staffId,
      role: "staff",
      scopeType: "facility",
      scopeId: example.facilityId,
      revokedBy: example.ownerId,
    },
  }),
  define({
    type: "parent_child.linked",
    description:
      "A person became the parent of a child in SlotBase. A link that staff made belongs to their facility, and is recorded again when it is accepted and counts everywhere. Any other event belongs to the facility with the lowest id in which the child holds a role.",
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
  define({
    type: "parent_child.unlinked",
    origin: "slotbase",
    description: "A person is no longer the parent of a child in SlotBase.",
    aggregate: "user",
    aggregateId: (data) => data.parentId,
    data: { parentId: Id, childId: Id, unlinkedBy: ActorId },
    sample: { parentId: example.parentId, childId: example.playerId, unlinkedBy: example.parentId },
    facilityWebhook: true,
  }),
] as const
