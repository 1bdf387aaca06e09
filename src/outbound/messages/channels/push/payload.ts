/** What a push message holds, how long it is worth something, and which one before it it replaces. Pure. */
import { createHash } from "node:crypto"
import type { Outgoing } from "#outbound/messages/channels/channel.ts"
import { maxPlainBytes } from "./encrypt.ts"

export type Pushed = Pick<Outgoing, "id" | "type" | "title" | "body" | "data" | "priority">

/**
 * The message as JSON, for the service worker. One that is too long for a push service loses its data, and then the end
 * of its words. No browser would show a message that cannot be decrypted.
 */
export function payloadOf({ id, type, title, body, data, priority }: Pushed): Uint8Array {
  const whole = { notificationId: id, type, title, body, priority, tag: topicOf({ id, data }), data }
  const bytes = encoded(whole)
  if (bytes.length <= maxPlainBytes) return bytes
  const bare = { ...whole, data: {}, title: shortened(title, longestTitle) }
  let limit = body.length
  for (;;) {
    const cut = encoded({ ...bare, body: shortened(body, limit) })
    if (cut.length <= maxPlainBytes || limit === 0) return cut
    limit = Math.max(0, Math.min(limit - 1, limit - Math.ceil((cut.length - maxPlainBytes) / longestCharacter)))
  }
}

/**
 * Seconds for which a push service keeps the message while the browser is away. A reminder is worth nothing after the
 * start, an offer nothing after its end.
 */
export function ttlOf({ data }: Pick<Pushed, "data">, now: number): number {
  const ends = ["expiresAt", "startAt"].map((field) => Date.parse(String(data[field] ?? ""))).find((at) => at > now)
  const seconds = ends === undefined ? usualSeconds : Math.floor((ends - now) / 1_000)
  return Math.max(shortestSeconds, Math.min(longestSeconds, seconds))
}

/** RFC 8030, section 5.3: what may wake a sleeping phone. */
export const urgencyOf = ({ priority }: Pick<Pushed, "priority">): "high" | "normal" =>
  priority === "normal" ? "normal" : "high"

/**
 * 32 characters of base64url (RFC 8030, section 5.4), the same for all messages about one thing. A newer one replaces
 * one that was not shown yet. It is a hash, because push services read it.
 */
export function topicOf({ id, data }: Pick<Pushed, "id" | "data">): string {
  const about = ["bookingId", "entryId", "blockId", "feedbackId", "transactionId"].map((field) => data[field])
  const subject = about.find((each) => typeof each === "string") ?? id
  // A parent has a message for each child.
  const child = typeof data.aboutUserId === "string" ? ` ${data.aboutUserId}` : ""
  return createHash("sha256").update(`push ${subject}${child}`).digest("base64url").slice(0, 32)
}

const usualSeconds = 24 * 60 * 60
const shortestSeconds = 60
const longestSeconds = 7 * 24 * 60 * 60
const longestTitle = 200
/** Bytes of a character in JSON, at most: a control character is \\u0000. */
const longestCharacter = 6

const encoded = (value: object) => new TextEncoder().encode(JSON.stringify(value))
const shortened = (text: string, limit: number) =>
  text.length <= limit ? text : `${text.slice(0, Math.max(0, limit - 1)).replace(/[\ud800-\udbff]$/, "")}…`
