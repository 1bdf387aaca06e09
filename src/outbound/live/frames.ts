/**
 * Turns an event of the log into the frames that channels carry (the spec's WEBSOCKET_EVENTS), and frames into text.
 * This is pure: the broadcaster and a replay turn the same event into the same frames.
 * Slots are not in events; `availabilityChangesOf` names the slots to read (see slots.ts).
 */
import type { AvailabilityChange, Frame, LogRow } from "./log-row.ts"
import { carriedOf } from "./table.ts"

export type { AvailabilityChange, Frame, FrameText, LogRow } from "./log-row.ts"
export { bookingStatuses } from "./table.ts"

/** The frames that follow from an event alone. */
export function framesOf(row: LogRow): Frame[] {
  if (row.data === null) return []
  return carriedOf(row.type)?.frames?.(row, row.data as never) ?? []
}

/** All changes of an event. A moved booking also changed its old time. */
export function availabilityChangesOf(row: LogRow): readonly AvailabilityChange[] {
  if (row.data === null) return []
  return carriedOf(row.type)?.changes?.(row, row.data as never) ?? []
}

/** The change of an event; of a moved booking the one at its new time. */
export const availabilityChangeOf = (row: LogRow): AvailabilityChange | undefined => availabilityChangesOf(row)[0]

/** Marks the frames that are not the last of their position on their channel. The order stays. */
export function withMore(frames: readonly Frame[]): readonly Frame[] {
  const later = new Set<string>()
  const marked: Frame[] = []
  for (const frame of frames.toReversed()) {
    const key = `${frame.position} ${frame.channel}`
    marked.push(later.has(key) ? { ...frame, more: true } : frame)
    later.add(key)
  }
  return marked.reverse()
}

/** The frame as text, made once for all listeners. @param epoch left out: the frame names none */
export function textOf({ type, channel, position, eventId, payload, more }: Frame, epoch?: string): string {
  const at = { type, channel, position: String(position), ...(epoch !== undefined && { epoch }) }
  if (type === "resync" || payload === undefined) return JSON.stringify(at)
  const head = JSON.stringify({ ...at, eventId, ...(more && { more }) })
  return `${head.slice(0, -1)},"payload":${textOfPayload(payload)}}`
}

/** Several frames may share a payload. */
function textOfPayload(payload: object): string {
  const known = payloadTexts.get(payload)
  if (known !== undefined) return known
  const text = JSON.stringify(payload)
  payloadTexts.set(payload, text)
  return text
}

/**
 * Makes the text of a large payload before its frames are published. Frames are published in one turn of the event
 * loop, and two hundred days of slots are megabytes.
 */
export const preparePayload = (payload: object): unknown => textOfPayload(payload)

const payloadTexts = new WeakMap<object, string>()

/** All sockets that listen to anything hear this topic. */
export const positionTopic = "position"

/** `position`: by itself; `pong`: as the answer to a ping. */
export const textOfPosition = (type: "position" | "pong", position: number | undefined, epoch: string | undefined) =>
  JSON.stringify({ type, position: String(position ?? 0), ...(epoch !== undefined && { epoch }) })
