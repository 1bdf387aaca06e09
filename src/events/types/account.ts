/**
 * The events of accounts. None holds a link that opens something: `linkId` names a row, and the mail alone has the
 * token. They belong to the platform, because an account belongs to no club. A walk-in's belongs to its facility.
 */
import * as Schema from "effect/Schema"
import { ActorId, Count, Email, Id, Minutes, Text } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("user-service")
const { playerId: userId, accountLinkId: linkId, facilityId } = example

export const accountEvents = [
  define({
    type: "user.updated",
    origin: "slotbase",
    description:
      "A person's name was changed, or the language or time zone of the person's messages. `changed` names the fields.",
    aggregate: "user",
    aggregateId: (data) => data.userId,
    data: { userId: Id, changed: Schema.Array(Text), updatedBy: ActorId },
    sample: { userId, changed: ["lastName"], updatedBy: userId },
  }),
  define({
    type: "user.email_change_requested",
    origin: "slotbase",
    description:
      "A person asked to change their e-mail address. A mail asks at the new one for confirmation, and another tells the old one. Nothing is changed yet.",
    aggregate: "user",
    aggregateId: (data) => data.userId,
    data: { userId: Id, linkId: Id },
    sample: { userId, linkId },
  }),
  define({
    type: "user.email_changed",
    origin: "slotbase",
    description: "A person confirmed a new e-mail address, which is the account's from now on.",
    aggregate: "user",
    aggregateId: (data) => data.userId,
    data: { userId: Id, email: Email, linkId: Id },
    sample: { userId, email: "mia.brandt@example.com", linkId },
  }),
  define({
    type: "user.password_changed",
    origin: "slotbase",
    description: "The password of an account was changed or set. Sessions that the old one had opened are over.",
    aggregate: "user",
    aggregateId: (data) => data.userId,
    data: { userId: Id, how: Schema.Literals(["by_owner", "reset", "invitation"]), sessionsEnded: Count },
    sample: { userId, how: "reset", sessionsEnded: 2 },
  }),
  define({
    type: "user.password_reset_requested",
    origin: "slotbase",
    description:
      "Somebody asked for a link to set a forgotten password. It is recorded whether an account has the address or not, and says neither.",
    aggregate: "user",
    aggregateId: (data) => data.linkId,
    data: { linkId: Id },
    sample: { linkId },
  }),
  define({
    type: "user.phone_code_requested",
    origin: "slotbase",
    description:
      "A person gave a phone number. A text message brings a code to it, and the number counts when the code has come back. The event does not hold the code.",
    aggregate: "user",
    aggregateId: (data) => data.userId,
    data: { userId: Id, codeId: Id, number: Text, expiresInMinutes: Minutes },
    sample: { userId, codeId: example.phoneCodeId, number: "+4915112345678", expiresInMinutes: 10 },
  }),
  define({
    type: "user.invited",
    origin: "slotbase",
    description: "A person whom a club entered was invited to set a first password.",
    aggregate: "user",
    aggregateId: (data) => data.userId,
    data: { userId: Id, linkId: Id, facilityId: Id, invitedBy: ActorId },
    sample: { userId, linkId, facilityId, invitedBy: example.staffId },
  }),
  define({
    type: "user.sessions_ended",
    origin: "slotbase",
    description:
      "A person signed out or ended sessions of theirs: the one that `sessionId` names, or all but the present one.",
    aggregate: "user",
    aggregateId: (data) => data.userId,
    data: { userId: Id, sessionsEnded: Count, sessionId: Schema.optionalKey(Id) },
    sample: { userId, sessionsEnded: 1, sessionId: example.userSessionId },
  }),
] as const
