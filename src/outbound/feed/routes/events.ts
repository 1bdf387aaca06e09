/**
 * The feed of events, an event, and its history: for the staff of a facility, and for the platform across facilities.
 */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requirePlatformAdmin, requireStaff } from "#access/caller.ts"
import { NotFound } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { defaultLimit, pageQuery } from "#base/schema/page.ts"
import { atMost } from "#base/schema/text-fields.ts"
import { DomainEvent } from "#events/envelope.ts"
import { placePattern, readPlace } from "#events/log-place.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { api } from "#http/route.ts"
import { readEvent, readEventLog, readFeed } from "#outbound/feed/log.ts"

export const eventRoutes = (app: App) =>
  new Elysia()
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/events",
      async ({ caller, input, query, params }) => {
        const facilityId = idOf("facility", params.facilityId)
        requireStaff(await caller(), facilityId)
        return readFeed(app.db, { facilityId, ...feedQueryOf(input(FeedQuery, query)) })
      },
      described({ ...feed, summary: "Read the events of a facility in the order of the log" }),
    )
    .get(
      "/v1/facilities/:facilityId/events/:eventId",
      async ({ caller, params: { facilityId, eventId } }) => {
        requireStaff(await caller(), idOf("facility", facilityId))
        return readEvent(app.db, idOf("event", eventId), facilityId)
      },
      described({ tag, summary: "Read an event", answer: LoggedEvent }),
    )
    .get(
      "/v1/facilities/:facilityId/events/:eventId/log",
      async ({ caller, params: { facilityId, eventId } }) => {
        requireStaff(await caller(), idOf("facility", facilityId))
        return readEventLog(app.db, idOf("event", eventId), facilityId)
      },
      described({ tag, summary: "Read the history of an event", answer: EventLog }),
    )
    .get(
      "/v1/events",
      async ({ caller, input, query }) => {
        requirePlatformAdmin(await caller())
        return readFeed(app.db, feedQueryOf(input(FeedQuery, query)))
      },
      described({ ...feed, summary: "Read the events of all facilities in the order of the log" }),
    )
    .get(
      "/v1/events/:eventId",
      async ({ caller, params: { eventId } }) => {
        requirePlatformAdmin(await caller())
        return readEvent(app.db, idOf("event", eventId))
      },
      described({ tag, summary: "Read an event of any facility", answer: LoggedEvent }),
    )
    .get(
      "/v1/events/:eventId/log",
      async ({ caller, params: { eventId } }) => {
        requirePlatformAdmin(await caller())
        return readEventLog(app.db, idOf("event", eventId))
      },
      described({ tag, summary: "Read the history of an event of any facility", answer: EventLog }),
    )

const tag = "Events"

/** A filter with more types than the catalogue has is a mistake. */
const maxTypesLength = 2_000

const FeedQuery = Schema.Struct({
  limit: pageQuery.limit,
  after: Schema.optionalKey(
    Schema.String.annotate({
      description: "`<position>` or `<position>-<epoch>`: read what comes after it; default 0, the beginning",
    }).check(Schema.isPattern(placePattern, { expected: "a position" })),
  ),
  types: Schema.optionalKey(
    Schema.String.annotate({ description: "event types, separated by commas; default: all" }).check(
      atMost(maxTypesLength),
      Schema.isPattern(/^[a-z0-9_.]+(,[a-z0-9_.]+)*$/u, { expected: "event types separated by commas" }),
    ),
  ),
})

const feedQueryOf = ({ after, limit, types }: typeof FeedQuery.Type) => {
  const { position, epoch } = readPlace(after ?? "0") ?? { position: 0 }
  return {
    after: position,
    epoch,
    whole: true as const,
    limit: Number(limit ?? defaultLimit),
    types: types?.split(","),
  }
}

const Position = Schema.NullOr(Schema.String).annotate({
  description: "place in the log; null for the milliseconds until it is dispatched",
})
const LoggedEvent = Schema.Struct({ ...DomainEvent.fields, position: Position })

const FeedPage = Schema.Struct({
  data: Schema.Array(LoggedEvent),
  next: Schema.NullOr(Schema.String).annotate({ description: "there may be more: continue after it, at once" }),
  position: Schema.String.annotate({ description: "the log was read up to here: to poll, continue after it" }),
  epoch: Schema.String.annotate({
    description: "the log of the positions; after a restore it is another, and positions repeat",
  }),
})

const feed = {
  tag,
  query: FeedQuery,
  answer: FeedPage,
  description: "409 `resync`: the position is of another log, or events after it are no longer kept.",
  problems: [409],
} as const

const EventLog = Schema.Struct({
  eventId: Schema.String,
  eventType: Schema.String,
  timestamp: Schema.String,
  facilityId: Schema.optionalKey(Schema.String),
  userId: Schema.optionalKey(Schema.String),
  position: Position,
  handlers: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      status: Schema.Literals(["success", "failed", "skipped", "pending", "running", "retrying"]),
      duration: Schema.Finite.annotate({ description: "milliseconds; 0 while it has not ended" }),
      error: Schema.optionalKey(Schema.String),
    }),
  ),
  webhooks: Schema.Array(
    Schema.Struct({
      webhookId: Schema.String,
      deliveryId: Schema.String,
      status: Schema.Literals(["pending", "retrying", "delivered", "failed"]),
      duration: Schema.optionalKey(Schema.Finite),
    }),
  ),
})

function idOf(what: string, text: string): string {
  if (!isId(text)) throw new NotFound(what, text)
  return text.toLowerCase()
}
