/**
 * The events of webhooks themselves. No webhook can subscribe to them: a failing endpoint would be told of its failure
 * by failing deliveries, in a loop. They name the host alone, because an address may hold a secret.
 */
import * as Schema from "effect/Schema"
import { Count, Id, Instant, Text } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("webhook-service")

/** The stages in which a facility is told that an endpoint fails. */
export const failingStages = ["fifteen_minutes", "one_hour", "one_day", "given_up"] as const

const endpoint = { webhookId: Id, facilityId: Id, name: Text, host: Text }
const waits = { waiting: Count, waitingAtLeast: Schema.Boolean }
const sample = {
  webhookId: example.webhookId,
  facilityId: example.facilityId,
  name: "Door locks",
  host: "locks.example.com",
}

export const webhookEvents = [
  define({
    type: "webhook.failing",
    origin: "slotbase",
    description:
      "The endpoint of a webhook has failed for a while. Told after 15 minutes, an hour and a day, and when deliveries were given up. `waitingAtLeast`: more wait than were counted.",
    aggregate: "webhook",
    aggregateId: (data) => data.webhookId,
    data: {
      ...endpoint,
      stage: Schema.Literals(failingStages),
      failingSince: Instant,
      lastError: Text,
      ...waits,
      givenUp: Count,
    },
    sample: {
      ...sample,
      stage: "one_hour",
      failingSince: example.bookedAt,
      lastError: "HTTP 503",
      waiting: 12,
      waitingAtLeast: false,
      givenUp: 0,
    },
  }),
  define({
    type: "webhook.disabled",
    origin: "slotbase",
    description: "SlotBase switched a webhook off by itself, such as after 410 Gone. Its deliveries wait.",
    aggregate: "webhook",
    aggregateId: (data) => data.webhookId,
    data: { ...endpoint, reason: Text, disabledAt: Instant, ...waits },
    sample: {
      ...sample,
      reason: "the receiver answered 410 Gone",
      disabledAt: example.bookedAt,
      waiting: 3,
      waitingAtLeast: false,
    },
  }),
  define({
    type: "webhook.recovered",
    origin: "slotbase",
    description: "The endpoint of a webhook that was told to fail, or was switched off, takes deliveries again.",
    aggregate: "webhook",
    aggregateId: (data) => data.webhookId,
    data: { ...endpoint, failingSince: Instant, recoveredAt: Instant, ...waits, givenUp: Count },
    sample: {
      ...sample,
      failingSince: example.bookedAt,
      recoveredAt: example.startAt,
      waiting: 12,
      waitingAtLeast: false,
      givenUp: 0,
    },
  }),
] as const
