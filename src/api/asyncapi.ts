/**
 * /asyncapi.json: what SlotBase sends by itself, as an AsyncAPI 3 document. Webhooks and the WebSocket are in it. It is
 * made from the catalogue and from the functions that send, so it cannot promise anything else.
 */
import { Elysia } from "elysia"
import { version } from "#base/version.ts"
import { channelPatterns } from "#events/definition.ts"
import { components } from "#http/describe.ts"
import { closeCodes, liveLimits } from "#outbound/live/limits.ts"
import { cachedDocument } from "./cached-document.ts"
import {
  channelFrames,
  clientFrames,
  framesOfChannel,
  type LiveMessage,
  livePatterns,
  serverFrames,
} from "./live-messages.ts"
import { eventSchemas, webhookAnswers, webhookHeaders, webhookMessages } from "./webhook-messages.ts"

export const asyncApiRoutes = () => {
  const document = cachedDocument(asyncApiDocument, {
    "content-type": "application/json",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  })
  return new Elysia({ name: "asyncapi", detail: { hide: true } }).get("/asyncapi.json", ({ request }) =>
    document(request),
  )
}

export function asyncApiDocument() {
  const webhooks = webhookMessages()
  const frames = { ...clientFrames, ...serverFrames, ...channelFrames }
  const channels = Object.fromEntries(livePatterns.map((pattern) => [nameOf(pattern), channelOf(pattern)]))
  return {
    asyncapi: "3.0.0",
    info: {
      title: "SlotBase",
      version,
      description:
        "What SlotBase sends by itself: requests to the webhooks of a facility, and frames on the WebSocket. " +
        "At-least-once: a receiver keeps the ids of events that it has seen.",
    },
    defaultContentType: "application/json",
    servers: {
      receiver: {
        host: "{receiver}",
        protocol: "https",
        description: "Yours: the url of the webhook.",
        variables: { receiver: { default: "example.com" } },
        security: [{ $ref: "#/components/securitySchemes/signature" }],
      },
      live: {
        host: "{slotbase}",
        protocol: "wss",
        description: "SlotBase.",
        variables: { slotbase: { default: "localhost:3000" } },
        security: [{ $ref: "#/components/securitySchemes/token" }],
      },
    },
    channels: {
      webhook: {
        address: null,
        title: "A webhook of a facility",
        description: `The receiver's answer decides. ${sentences(webhookAnswers)}`,
        servers: [{ $ref: "#/servers/receiver" }],
        messages: Object.fromEntries(webhooks.map(({ type }) => [type, messageRef(type)])),
        bindings: { http: { bindingVersion: "0.3.0" } },
      },
      live: {
        address: "/v1/live",
        title: "The WebSocket",
        description: socketDescription,
        servers: [{ $ref: "#/servers/live" }],
        messages: messageRefs([...Object.keys(clientFrames), ...Object.keys(serverFrames)]),
        bindings: { ws: { method: "GET", bindingVersion: "0.1.0" } },
      },
      ...channels,
    },
    operations: {
      sendWebhook: {
        action: "send",
        channel: { $ref: "#/channels/webhook" },
        summary: "A request for each event that the webhook wants",
        bindings: { http: { method: "POST", bindingVersion: "0.3.0" } },
      },
      receiveFrames: operation("receive", "live", Object.keys(clientFrames), "Clients ask"),
      answerFrames: operation("send", "live", Object.keys(serverFrames), "The server answers"),
      ...Object.fromEntries(
        livePatterns.map((pattern) => [
          `send.${nameOf(pattern)}`,
          operation("send", nameOf(pattern), framesOfChannel(pattern), channelPatterns[pattern]),
        ]),
      ),
    },
    components: {
      messages: {
        ...Object.fromEntries(
          webhooks.map(({ type, description, body, headers }) => [
            type,
            {
              name: type,
              title: type,
              summary: description,
              contentType: "application/json",
              headers: { $ref: "#/components/schemas/WebhookHeaders" },
              payload: { $ref: `#/components/schemas/Event.${type}` },
              examples: [{ name: "sample", headers, payload: body }],
            },
          ]),
        ),
        ...Object.fromEntries(
          Object.entries(frames).map(([name, message]) => [`frame.${name}`, frameMessage(name, message)]),
        ),
      },
      schemas: {
        ...eventSchemas(),
        ...Object.fromEntries(webhooks.map(({ type, schema }) => [`Event.${type}`, schema])),
        Slot: components.Slot as object,
        WebhookHeaders: headersSchema(),
      },
      securitySchemes: {
        signature: {
          type: "httpApiKey",
          in: "header",
          name: "X-SlotBase-Signature",
          description: "With the authType signature. docs/receivers.md says how to verify it.",
        },
        token: { type: "http", scheme: "bearer", description: "A session's token or an API key." },
      },
    },
  }
}

/** `user:{userId}:bookings` is `user.bookings`. */
const nameOf = (pattern: string) => pattern.replace(/:\{\w+\}:/, ".")

function channelOf(pattern: (typeof livePatterns)[number]) {
  const [parameter = ""] = /\w+(?=\})/.exec(pattern) ?? []
  return {
    address: pattern,
    title: channelPatterns[pattern],
    description: "A name that `subscribe` takes. Its frames come over the socket of `live`.",
    parameters: { [parameter]: { description: "UUID, lower-case" } },
    servers: [{ $ref: "#/servers/live" }],
    messages: messageRefs(framesOfChannel(pattern)),
  }
}

const messageRef = (name: string) => ({ $ref: `#/components/messages/${name}` })
const messageRefs = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, messageRef(`frame.${name}`)]))

const operation = (action: "send" | "receive", channel: string, messages: readonly string[], summary: string) => ({
  action,
  channel: { $ref: `#/channels/${channel}` },
  summary,
  messages: messages.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
})

const frameMessage = (name: string, { summary, schema, example }: LiveMessage) => ({
  name,
  title: name,
  summary,
  contentType: "application/json",
  payload: schema,
  examples: [{ payload: example }],
})

const headersSchema = () => ({
  type: "object",
  required: Object.entries(webhookHeaders).flatMap(([name, { optional }]) => (optional ? [] : [name])),
  properties: Object.fromEntries(
    Object.entries(webhookHeaders).map(([name, { description }]) => [name, { type: "string", description }]),
  ),
})

const sentences = (answers: Readonly<Record<string, string>>) =>
  Object.entries(answers)
    .map(([status, says]) => `${status}: ${says}`)
    .join(" ")

const socketDescription = [
  `The token comes in the handshake or in a first frame, within ${liveLimits.authMs / 1000} seconds.`,
  `A frame of a client has at most ${liveLimits.frameBytes} bytes; a socket has at most`,
  `${liveLimits.subscriptionsPerSocket} channels. Close codes:`,
  `${Object.entries(closeCodes)
    .map(([name, code]) => `${code} ${name}`)
    .join(", ")}.`,
].join(" ")
