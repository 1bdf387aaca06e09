/**
 * The feed of events as Server-Sent Events, for agents and scripts: from any kept position on, page by page, and then
 * as it grows. Access is checked again before each page: nothing leaves after a role or a key has ended.
 */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { authenticate, type Caller, requirePlatformAdmin, requireStaff } from "#access/caller.ts"
import { WrongState } from "#base/errors.ts"
import { atMost } from "#base/schema/text-fields.ts"
import { placePattern, placeText, readPlace } from "#events/log-place.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { type EventStream, openEventStream, type Timed } from "#http/event-streams.ts"
import { facilityIdOf } from "#http/path.ts"
import { Ready } from "#http/problems.ts"
import { api, tokenOf } from "#http/route.ts"
import { type FeedPage, readFeed } from "#outbound/feed/log.ts"
import { FeedTail, tailFeed } from "#outbound/feed/tail.ts"

export const eventStreamRoutes = (app: App) => {
  const streams = new FeedStreams(app)
  return new Elysia({ name: "event-streams" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/events/stream",
      async ({ caller, input, query, params, request, server }) => {
        const facilityId = facilityIdOf(params.facilityId)
        const check = (who: Caller) => requireStaff(who, facilityId)
        check(await caller())
        const asked = { ...placeAsked(input(FeedStreamQuery, query), request), facilityId }
        return streams.open({ request, server, caller: await caller(), check, asked })
      },
      described({ ...stream, summary: "Follow the events of a facility by Server-Sent Events" }),
    )
    .get(
      "/v1/events/stream",
      async ({ caller, input, query, request, server }) => {
        requirePlatformAdmin(await caller())
        const asked = placeAsked(input(FeedStreamQuery, query), request)
        return streams.open({ request, server, caller: await caller(), check: requirePlatformAdmin, asked })
      },
      described({ ...stream, summary: "Follow the events of all facilities by Server-Sent Events" }),
    )
}

interface Opened extends Timed {
  readonly caller: Caller
  /** Throws when the caller may not read the feed. */
  readonly check: (caller: Caller) => unknown
  readonly asked: Asked
}

interface Asked {
  readonly facilityId?: string
  readonly types: readonly string[] | undefined
  /** Undefined: the end of the log. */
  readonly after: number | undefined
  readonly epoch: string | undefined
}

class FeedStreams {
  readonly #app: App
  readonly #tail: FeedTail
  readonly #ofUser = new Map<string, number>()

  constructor(app: App) {
    this.#app = app
    this.#tail = new FeedTail(app.db)
  }

  async open({ request, server, caller: { userId }, check, asked }: Opened): Promise<Response> {
    const { db } = this.#app
    const open = this.#ofUser.get(userId) ?? 0
    if (open >= streamsOfUser || this.#tail.followers >= streamsOfProcess) throw new Ready(tooMany)
    // A place that is of another log, or no longer kept, is refused before the stream begins.
    const beginning = { ...asked, after: asked.after ?? (await endOf(db)) }
    await readFeed(db, { ...beginning, whole: true, limit: 1 })
    const stream = openEventStream({ request, server }, waitingBytes)
    this.#ofUser.set(userId, (this.#ofUser.get(userId) ?? 0) + 1)
    stream.ended.addEventListener("abort", () => this.#count(userId))
    void this.#follow(stream, { request, server, check, asked: beginning })
    return stream.response
  }

  async #follow(
    stream: EventStream,
    {
      request,
      server,
      check,
      asked,
    }: Pick<Opened, "request" | "server" | "check"> & { asked: Asked & { readonly after: number } },
  ): Promise<void> {
    const { db } = this.#app
    stream.write(`retry: ${Math.round(1_000 + Math.random() * 2_000)}\n\n`)
    try {
      for await (const page of tailFeed(db, this.#tail, asked, { signal: stream.ended, quietMs })) {
        check(await authenticate(db, tokenOf(request)))
        stream.write(messagesOf(page))
        // Over no connection nobody follows it.
        if (server === null) break
        await stream.drained()
      }
    } catch (error) {
      // The client comes back. Then it hears what is the matter by a status, unless the log goes on elsewhere.
      if (error instanceof WrongState) stream.write("event: resync\ndata: {}\n\n")
    } finally {
      stream.end()
    }
  }

  #count(userId: string): void {
    const left = (this.#ofUser.get(userId) ?? 0) - 1
    if (left > 0) this.#ofUser.set(userId, left)
    else this.#ofUser.delete(userId)
  }
}

/** Every event has its place as id. The last message says how far the log was read. */
function messagesOf({ data, position, epoch }: FeedPage): string {
  const events = data.map((event) => `id: ${placeText(event.position ?? 0, epoch)}\ndata: ${JSON.stringify(event)}\n\n`)
  const place = JSON.stringify({ type: "position", position, epoch })
  return `${events.join("")}id: ${placeText(position, epoch)}\nevent: position\ndata: ${place}\n\n`
}

async function endOf(db: App["db"]): Promise<number> {
  const [row] = await db<[{ last: number }]>`select coalesce(max(position), 0) as last from slotbase.event_positions`
  return row.last
}

/** Last-Event-ID is where a client stands that comes back. */
function placeAsked({ after, types }: typeof FeedStreamQuery.Type, request: Request): Asked {
  const given =
    readPlace(request.headers.get("last-event-id") ?? "") ?? (after === undefined ? undefined : readPlace(after))
  return { after: given?.position, epoch: given?.epoch, types: types?.split(",") }
}

/** Programs of one key. */
const streamsOfUser = 20
const streamsOfProcess = 500
/** A page of large events. The next page is read when this one has left. */
const waitingBytes = 4 * 1024 * 1024
/** A quiet stream says so often that it lives, and how far the log was read. */
const quietMs = 15_000
/** A filter with more types than the catalogue has is a mistake. */
const maxTypesLength = 2_000

const FeedStreamQuery = Schema.Struct({
  after: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "`<position>` or `<position>-<epoch>`: what comes after it; 0: all that is kept; default: from now on",
    }).check(Schema.isPattern(placePattern, { expected: "a position" })),
  ),
  types: Schema.optionalKey(
    Schema.String.annotate({ description: "event types, separated by commas; default: all" }).check(
      atMost(maxTypesLength),
      Schema.isPattern(/^[a-z0-9_.]+(,[a-z0-9_.]+)*$/u, { expected: "event types separated by commas" }),
    ),
  ),
})

const stream = {
  tag: "Events",
  description:
    "Each event is an unnamed message: `data` is the event, `id` its place, `<position>-<epoch>`. Messages named `position` say how far the log was read. With `Last-Event-ID` a client goes on without a hole. 409 `resync`: the position is of another log, or no longer kept. While the server restarts, the answer is an empty stream that ends.",
  query: FeedStreamQuery,
  headers: Schema.Struct({
    "last-event-id": Schema.optionalKey(
      Schema.String.annotate({ description: "the `id` of the last message; comes before `after`" }).check(
        Schema.isPattern(placePattern, { expected: "a position" }),
      ),
    ),
  }),
  mediaType: "text/event-stream",
  problems: [409],
} as const

const tooMany = {
  status: 429,
  headers: { "retry-after": "30" },
  body: {
    type: "urn:slotbase:problem:too_many_streams",
    title: "Too many streams",
    status: 429,
    detail: `A person or a key follows at most ${streamsOfUser} feeds at once.`,
    code: "too_many_streams",
  },
}
