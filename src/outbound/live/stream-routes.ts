/**
 * GET /v1/live/stream: the frames of channels as Server-Sent Events, with the same rights, limits and positions as on
 * the WebSocket. For networks that let no WebSocket through, and for scripts. A token comes in the header alone.
 */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import type { Config } from "#base/config.ts"
import { NotAllowed, NotAuthenticated } from "#base/errors.ts"
import { decode } from "#base/schema/decode.ts"
import { atMost } from "#base/schema/text-fields.ts"
import { placePattern, readPlace } from "#events/log-place.ts"
import { addressOfClient, shareOfClient } from "#http/client.ts"
import { described } from "#http/describe.ts"
import { comeBackLater, openEventStream, type Timed } from "#http/event-streams.ts"
import { problems, Ready } from "#http/problems.ts"
import { offeredToken, tokenLookedUp } from "#http/request-rates.ts"
import { positionTopic } from "./frames.ts"
import { closeCodes } from "./limits.ts"
import type { Live } from "./live.ts"
import { StreamSocket } from "./streams.ts"

/** An address has at most 8 KB. */
const maxChannels = 64
const maxChannelsLength = 7_000

const StreamQuery = Schema.Struct({
  channels: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "channels, separated by commas, each with or without a place to continue from: `facility:<id>:availability@<position>-<epoch>`; left out: positions alone",
    }).check(
      atMost(maxChannelsLength),
      Schema.isPattern(new RegExp(`^${oneChannel()}(?:,${oneChannel()}){0,${maxChannels - 1}}$`, "u"), {
        expected: `at most ${maxChannels} channels, separated by commas`,
      }),
    ),
  ),
})

/** @param config without it, no proxy is trusted */
export const liveStreamRoutes = (live: Live, config: Pick<Config, "trustedProxies"> = { trustedProxies: [] }) =>
  new Elysia({ name: "live-stream" }).use(problems()).get(
    "/v1/live/stream",
    async ({ request, server, query }) => {
      const { channels } = decode(StreamQuery, query, "query")
      if (live.position === undefined) return comeBackLater({ request, server }, live.started)
      const share = shareOfClient(addressOfClient(config, { request, server }))
      const socket = new StreamSocket(live.streams)
      const token = offeredToken(request)
      const lookedUp = (userId: string | undefined) => tokenLookedUp(request, userId)
      const connection = live.connect(socket, { share, lookedUp, ...(token !== undefined && { token }) })
      request.signal.addEventListener("abort", () => connection.closed())
      if (token === undefined) connection.receive({ type: "guest" })
      const last = readPlace(request.headers.get("last-event-id") ?? "")
      const wanted = (channels?.split(",") ?? []).map((each) => {
        const [channel = "", after = ""] = each.split("@")
        const { position, epoch } = last ?? readPlace(after) ?? {}
        return { type: "subscribe", channel, after: position, epoch } as const
      })
      if (wanted.length > 0) connection.follow(wanted)

      await answered(socket, wanted.length)
      const { closedWith } = socket
      if (closedWith !== undefined) return refuse(closedWith, { request, server })
      const errors = socket.answers.filter(({ type }) => type === "error")
      if (errors.some(({ code }) => code === "unavailable")) {
        connection.close(closeCodes.restarting, "the database does not answer")
        return comeBackLater({ request, server }, Promise.resolve())
      }
      if (wanted.length > 0 && errors.length === wanted.length) {
        connection.close(closeCodes.accessWithdrawn, "no channel is allowed")
        throw new NotAllowed("You may not listen to any of these channels.")
      }
      if (wanted.length === 0) socket.subscribe(positionTopic)
      const stream = openEventStream({ request, server }, live.limits.backpressureBytes)
      stream.ended.addEventListener("abort", () => connection.closed())
      socket.open(stream, { position: live.position ?? 0, epoch: live.epoch ?? "" })
      // Over no connection nobody follows it.
      if (server === null) stream.end()
      return stream.response
    },
    described({
      tag: "Events",
      summary: "Follow channels by Server-Sent Events",
      description:
        "The frames of the WebSocket, one message each: `data` is the frame. Events of channels are unnamed messages; answers such as `subscribed`, `resync` and `position` have their type as name. `id` is `<position>-<epoch>`. With `Last-Event-ID` a client continues without a hole. Without a token only public availability is heard. While the server restarts, the answer is an empty stream that ends.",
      query: StreamQuery,
      headers: Schema.Struct({
        "last-event-id": Schema.optionalKey(
          Schema.String.annotate({
            description: "the `id` of the last message: go on after it, on all channels",
          }).check(Schema.isPattern(placePattern, { expected: "a position" })),
        ),
      }),
      mediaType: "text/event-stream",
      open: true,
      problems: [401, 403],
    }),
  )

/** A channel with its place. The server says which names and ids exist. */
function oneChannel(): string {
  return "[A-Za-z0-9:_-]{1,100}(?:@\\d{1,15}(?:-[0-9a-f]{16})?)?"
}

/** Waits until the caller is known and each channel has answered, or the server has closed it. */
function answered(socket: StreamSocket, channels: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = () => {
    const { answers, closedWith } = socket
    const count = answers.filter(({ type }) => type === "subscribed" || type === "error").length
    const isKnown = answers.some(({ type }) => type === "ready")
    if (closedWith !== undefined || (isKnown && count >= channels)) resolve()
  }
  socket.onAnswer = look
  look()
  return promise.finally(() => {
    socket.onAnswer = () => {}
  })
}

function refuse({ code, reason }: { readonly code: number; readonly reason: string }, timed: Timed): Response {
  if (code === closeCodes.notAuthenticated) throw new NotAuthenticated("The token is not valid.")
  if (code === closeCodes.restarting) return comeBackLater(timed, Promise.resolve())
  if (code === closeCodes.tooMany) throw new Ready(tooManyStreams(reason))
  throw new NotAllowed(`The stream was refused: ${reason}.`)
}

const tooManyStreams = (reason: string) => ({
  status: 429,
  headers: { "retry-after": "30" },
  body: {
    type: "urn:slotbase:problem:too_many_streams",
    title: "Too many streams",
    status: 429,
    detail: `No further stream is opened: ${reason}.`,
    code: "too_many_streams",
  },
})
