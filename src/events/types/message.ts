/**
 * The event of messages inside the program. It is recorded in the transaction of their rows, so that a browser that was
 * away finds their frames in the log. It holds no words: those are in the rows, and only their readers see them.
 */
import * as Schema from "effect/Schema"
import { Id } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("notification-service")

export const messageEvents = [
  define({
    type: "notification.created",
    origin: "slotbase",
    description: "People have new messages about an event, to be read inside the program.",
    aggregate: "message",
    aggregateId: (data) => data.eventId,
    data: {
      eventId: Id,
      notifications: Schema.Array(Schema.Struct({ notificationId: Id, userId: Id })),
    },
    sample: {
      eventId: example.eventId,
      notifications: [{ notificationId: example.notificationId, userId: example.playerId }],
    },
    channels: ["user:{userId}:notifications"],
  }),
] as const
