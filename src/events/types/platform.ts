/**
 * The events of the whole of SlotBase: something fails that no facility can mend. They belong to the platform facility,
 * and no webhook can subscribe to them.
 */
import * as Schema from "effect/Schema"
import { Count, Id, Instant, Text } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("operations-service")

/** The stages in which the platform's administrators are told. After the last, they are told each day. */
export const platformStages = ["fifteen_minutes", "one_hour", "one_day"] as const
export const platformTroubles = ["mail_held", "texts_held", "dead_letters", "dead_passes", "failing_jobs"] as const

const trouble = { troubleId: Id, trouble: Schema.Literals(platformTroubles), since: Instant, detail: Text }
const sample = {
  troubleId: example.correlationId,
  trouble: "dead_letters",
  since: example.bookedAt,
  detail: "RefundHandler: HTTP 503",
} as const

export const platformEvents = [
  define({
    type: "platform.failing",
    origin: "slotbase",
    description:
      "Mail or texts are held, runs of handlers were given up, or passes of actors or scheduled jobs failed at every attempt. Told after 15 minutes, an hour and a day, and then each day. `countAtLeast`: there are more than were counted.",
    aggregate: "platform",
    aggregateId: (data) => data.troubleId,
    data: { ...trouble, stage: Schema.Literals(platformStages), count: Count, countAtLeast: Schema.Boolean },
    sample: { ...sample, stage: "one_hour", count: 3, countAtLeast: false },
  }),
  define({
    type: "platform.recovered",
    origin: "slotbase",
    description: "A trouble that was told of is over: messages are taken again, or nothing is open any more.",
    aggregate: "platform",
    aggregateId: (data) => data.troubleId,
    data: { ...trouble, recoveredAt: Instant },
    sample: { ...sample, recoveredAt: example.startAt },
  }),
] as const
