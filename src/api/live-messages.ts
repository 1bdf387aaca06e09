/**
 * The frames of the WebSocket, as AsyncAPI messages: those of a socket, and those that each channel carries. A test
 * compares them with frames that were sent.
 */
import { Slot } from "#domain/booking/availability/slots.ts"
import { type ChannelPattern, channelPatterns } from "#events/definition.ts"
import { example } from "#events/example.ts"
import { jsonSchemaOf } from "#http/describe.ts"
import { bookingStatuses } from "#outbound/live/frames.ts"
import { liveLimits } from "#outbound/live/limits.ts"

export interface LiveMessage {
  readonly summary: string
  readonly schema: object
  readonly example: object
}

const channel = { type: "string", description: "the name of a channel, with its id" }
const position = { type: "string", pattern: "^[0-9]{1,15}$", description: "a position in the event log" }
const place = { type: "string", pattern: "^[0-9]{1,15}(-[0-9a-f]{16})?$", description: "a position, with its epoch" }
const epoch = { type: "string", pattern: "^[0-9a-f]{16}$", description: "the log in which the position counts" }
const more = { const: true, description: "more frames of this position follow on this channel" }
const isMore = { const: true, description: "the replay goes on behind this position" }
const text = { type: "string" }
const uuid = { type: "string", format: "uuid" }

const frame = (type: string, fields: Readonly<Record<string, object>> = {}, optional: readonly string[] = []) => ({
  type: "object",
  required: ["type", ...Object.keys(fields).filter((name) => !optional.includes(name))],
  properties: { type: { const: type }, ...fields },
})

const bookings = `user:${example.playerId}:bookings`
const court = `resource:${example.resourceId}:availability`
const at = "98113"
const log = "6f1c2ad4b0937e58"

/** What clients send. Unknown fields are ignored. */
export const clientFrames: Readonly<Record<string, LiveMessage>> = {
  auth: {
    summary: "Who asks, unless the handshake said so in its Sec-WebSocket-Protocol",
    schema: frame("auth", { token: { ...text, description: "a session's token or an API key" } }),
    example: { type: "auth", token: "sbs_the-token-of-a-session" },
  },
  subscribe: {
    summary: "Listen to a channel, from now on or after a position",
    schema: frame("subscribe", { channel, after: place, epoch }, ["after", "epoch"]),
    example: { type: "subscribe", channel: court, after: `${at}-${log}` },
  },
  guest: {
    summary: "Go on without an account, and hear the availability that facilities show to everybody",
    schema: frame("guest"),
    example: { type: "guest" },
  },
  unsubscribe: {
    summary: "Listen no more",
    schema: frame("unsubscribe", { channel }),
    example: { type: "unsubscribe", channel: court },
  },
  ping: { summary: "Ask whether anybody is there", schema: frame("ping"), example: { type: "ping" } },
}

/** What the server answers. */
export const serverFrames: Readonly<Record<string, LiveMessage>> = {
  ready: {
    summary: "The caller is known",
    schema: frame("ready", { session: uuid, pingMs: { type: "integer", const: liveLimits.pingMs } }),
    example: { type: "ready", session: example.userSessionId, pingMs: liveLimits.pingMs },
  },
  subscribed: {
    summary: "The socket listens; `replayed` frames follow at once, and with `more` others behind them",
    schema: frame("subscribed", { channel, position, epoch, replayed: { type: "integer", minimum: 0 }, more: isMore }, [
      "more",
    ]),
    example: { type: "subscribed", channel: court, position: at, epoch: log, replayed: 0 },
  },
  replayed: {
    summary: "Everything up to this position was sent on the channel; without `more` the replay has ended",
    schema: frame("replayed", { channel, position, epoch, more: isMore }, ["more"]),
    example: { type: "replayed", channel: court, position: at, epoch: log, more: true },
  },
  unsubscribed: {
    summary: "The socket listens no more",
    schema: frame("unsubscribed", { channel }),
    example: { type: "unsubscribed", channel: court },
  },
  pong: {
    summary: "Somebody is there, and has sent everything up to this position",
    schema: frame("pong", { position, epoch }, ["epoch"]),
    example: { type: "pong", position: at, epoch: log },
  },
  position: {
    summary: "Everything up to this position was sent on all channels of the socket: a quiet one has missed nothing",
    schema: frame("position", { position, epoch }),
    example: { type: "position", position: at, epoch: log },
  },
  error: {
    summary: "A frame was refused; the socket stays open",
    schema: frame("error", { code: text, channel, message: text }, ["channel"]),
    example: { type: "error", code: "forbidden", channel: court, message: "You may not listen to this channel." },
  },
}

const statuses = [...new Set([...Object.values(bookingStatuses), "pending", "held", "confirmed"])].sort()

/** What channels carry. */
export const channelFrames: Readonly<Record<string, LiveMessage>> = {
  "booking.update": {
    summary: "A booking has another status",
    schema: frame(
      "booking.update",
      {
        channel,
        position,
        epoch,
        more,
        eventId: uuid,
        payload: {
          type: "object",
          required: ["bookingId", "status", "updatedAt"],
          properties: {
            bookingId: uuid,
            status: { type: "string", enum: statuses },
            updatedAt: { type: "string", format: "date-time" },
          },
        },
      },
      ["more"],
    ),
    example: {
      ...{ type: "booking.update", channel: bookings, position: at, epoch: log, eventId: example.eventId },
      payload: { bookingId: example.bookingId, status: "confirmed", updatedAt: example.bookedAt },
    },
  },
  "availability.changed": {
    summary: "The slots of a resource on a local day, as they are now",
    schema: frame(
      "availability.changed",
      {
        channel,
        position,
        epoch,
        more,
        eventId: uuid,
        payload: {
          type: "object",
          required: ["resourceId", "date", "slots"],
          properties: {
            resourceId: uuid,
            date: { type: "string", format: "date" },
            slots: { type: "array", items: jsonSchemaOf(Slot) },
          },
        },
      },
      ["more"],
    ),
    example: {
      ...{ type: "availability.changed", channel: court, position: at, epoch: log, eventId: example.eventId },
      payload: {
        resourceId: example.resourceId,
        date: "2026-03-12",
        slots: [{ startAt: example.startAt, endAt: example.endAt, status: "booked", priceAmount: 2400 }],
      },
    },
  },
  "feedback.new": {
    summary: "A coach has published feedback",
    schema: frame(
      "feedback.new",
      {
        channel,
        position,
        epoch,
        more,
        eventId: uuid,
        payload: {
          type: "object",
          required: ["feedbackId", "sessionId", "coachName"],
          properties: { feedbackId: uuid, sessionId: uuid, coachName: text },
        },
      },
      ["more"],
    ),
    example: {
      ...{ type: "feedback.new", channel: `user:${example.playerId}:feedback`, position: at, epoch: log },
      eventId: example.eventId,
      payload: { feedbackId: example.feedbackId, sessionId: example.sessionId, coachName: "Jonas Weber" },
    },
  },
  notification: {
    summary: "The user has a new message",
    schema: frame(
      "notification",
      {
        channel,
        position,
        epoch,
        more,
        eventId: uuid,
        payload: {
          type: "object",
          required: ["notificationId", "type", "title", "body", "data"],
          properties: { notificationId: uuid, type: text, title: text, body: text, data: { type: "object" } },
        },
      },
      ["more"],
    ),
    example: {
      ...{ type: "notification", channel: `user:${example.playerId}:notifications`, position: at, epoch: log },
      eventId: example.eventId,
      payload: {
        notificationId: example.notificationId,
        type: "booking.confirmed",
        title: "Your booking: Court 1, Thu 12 March, 18:00",
        body: "Court 1 is yours on Thu 12 March, 18:00–19:00.",
        data: { facilityId: example.facilityId, bookingId: example.bookingId },
      },
    },
  },
  resync: {
    summary: "Frames are missing: read the present state, then go on from this position",
    schema: frame("resync", { channel, position, epoch }),
    example: { type: "resync", channel: court, position: at, epoch: log },
  },
}

/** The frames of each of the spec's channels. */
export const framesOfChannel = (pattern: ChannelPattern): string[] => {
  const [, , subject = ""] = pattern.split(":")
  return [...(frameOfSubject[subject] ?? []), "resync"]
}
const frameOfSubject: Readonly<Record<string, readonly string[]>> = {
  bookings: ["booking.update"],
  "check-ins": ["booking.update"],
  availability: ["availability.changed"],
  feedback: ["feedback.new"],
  notifications: ["notification"],
}

export const livePatterns = Object.keys(channelPatterns) as ChannelPattern[]
