/** The catalogue of event types. The catalogue is public: it contains nothing about a person or a facility. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { NotFound } from "#base/errors.ts"
import { catalogue, type EventType } from "#events/catalogue.ts"
import { describeEventType } from "#events/describe.ts"
import { DomainEvent } from "#events/envelope.ts"
import { described, listOf } from "#http/describe.ts"
import { problems } from "#http/problems.ts"

export const eventTypeRoutes = () =>
  new Elysia()
    .use(problems())
    .get(
      "/v1/event-types",
      () => all,
      described({ tag, summary: "List the event types", answer: listOf(EventTypeDescription), open: true }),
    )
    .get(
      "/v1/event-types/:type",
      ({ params: { type } }) => {
        const found = all.data.find((description) => description.type === type)
        if (!found) throw new NotFound("event type", type)
        return found
      },
      described({
        tag,
        summary: "Read an event type: its JSON Schema, a sample, and where it can go",
        answer: EventTypeDescription,
        open: true,
        problems: [404],
      }),
    )

const tag = "Events"

/** The list changes only with the program. */
const all = { data: catalogue.map(({ type }) => describeEventType(type as EventType)), next: null }

const EventTypeDescription = Schema.Struct({
  type: Schema.String,
  version: Schema.String,
  origin: Schema.Literals(["spec", "slotbase"]),
  description: Schema.String,
  aggregate: Schema.String,
  facilityWebhook: Schema.Boolean.annotate({ description: "a facility's webhook may subscribe to it" }),
  channels: Schema.Array(Schema.String).annotate({ description: "WebSocket channels that carry it" }),
  source: Schema.String,
  schema: Schema.Record(Schema.String, Schema.Unknown).annotate({ description: "JSON Schema of `data`" }),
  sample: DomainEvent,
})
