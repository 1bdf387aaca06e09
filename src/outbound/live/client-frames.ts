/** The frames that clients send, read leniently: unknown fields are ignored, faults are named. */
import { readPlace } from "#events/log-place.ts"

export interface SubscribeFrame {
  readonly type: "subscribe"
  readonly channel: string
  readonly after?: number | undefined
  readonly epoch?: string | undefined
}

export type ClientFrame =
  | { readonly type: "auth"; readonly token: string }
  | SubscribeFrame
  | { readonly type: "guest" }
  | { readonly type: "unsubscribe"; readonly channel: string }
  | { readonly type: "ping" }

/** A message as a frame, or its fault. A text is parsed here; the server may have parsed other messages already. */
export function readFrame(message: unknown): ClientFrame | { readonly fault: string } {
  const frame = typeof message === "string" ? parsed(message) : message
  if (!isRecord(frame)) return { fault: "A frame is a text with a JSON object." }
  switch (frame.type) {
    case "auth":
      return isText(frame.token) ? { type: "auth", token: frame.token } : { fault: "auth needs a token." }
    case "subscribe": {
      if (!isText(frame.channel)) return { fault: "subscribe needs a channel." }
      if (frame.after === undefined || frame.after === null) return { type: "subscribe", channel: frame.channel }
      const place = typeof frame.after === "string" ? readPlace(frame.after) : undefined
      if (place === undefined)
        return { fault: "after is a position: a text of at most 15 digits, with a hyphen and the epoch if known." }
      const epoch = place.epoch ?? (isText(frame.epoch) ? frame.epoch : undefined)
      const { channel } = frame
      return { type: "subscribe", channel, after: place.position, ...(epoch !== undefined && { epoch }) }
    }
    case "guest":
      return { type: "guest" }
    case "unsubscribe":
      return isText(frame.channel)
        ? { type: "unsubscribe", channel: frame.channel }
        : { fault: "unsubscribe needs a channel." }
    case "ping":
      return { type: "ping" }
    default:
      return { fault: "The type of a frame is auth, guest, subscribe, unsubscribe or ping." }
  }
}

const longestText = 600

const isText = (value: unknown): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= longestText

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
