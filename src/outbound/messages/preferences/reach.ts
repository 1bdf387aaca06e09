/**
 * By which channels people are told about events. The list of an event (configs.ts) names mail, and what the
 * specification names. Beside it, by rule, for every message to a person:
 * - inside the program, for whoever has an account,
 * - in each browser that the person subscribed,
 * - as a text, to a verified number, where the person has switched texts on.
 * A mail to an address of its own, such as one with a link, stays alone. Then each reader's choices decide.
 * The parent who has the mail of a child without an address has its other messages too. They come inside the program,
 * in a browser and on a phone. A parent who was named before the child reads of the event once.
 */
import { clock } from "#base/clock.ts"
import type { Queryable } from "#base/database/db.ts"
import type { ChannelName, MessagePriority } from "#outbound/messages/channels/channel.ts"
import { decisionOf, isSwitchedOn } from "./decide.ts"
import { findReaders, type Reader } from "./readers.ts"
import { isRequired } from "./switchable.ts"

/** A person on the list of an event. */
export interface Listed {
  readonly userId: string
  readonly channel: ChannelName
  readonly templateId: string
  /** Where the message goes, whatever the person's own addresses are. Undefined: to the person. */
  readonly address: string | undefined
  readonly linkId: string | undefined
  readonly email: string | undefined
  /** The parent who reads it for a child without an address. */
  readonly parentId?: string | undefined
}

/** An event with its list. */
export interface Telling<T extends Listed> {
  readonly type: string
  readonly priority: MessagePriority
  /** Of the facility; that of a reader who has chosen no zone. */
  readonly timezone: string
  readonly listed: readonly T[]
}

export type Reached<T extends Listed> = Omit<T, "channel" | "address"> & {
  /** Whose message it is: the child's mail, and the parent's own message inside the program. */
  readonly readerId: string
  readonly channel: ChannelName
  /** Undefined: the e-mail address that the person has when it is sent. */
  readonly address: string | undefined
  /** The end of the reader's quiet hours. */
  readonly notBefore: Date | undefined
  /** Why it is not sent. */
  readonly reason: string | undefined
}

/** The messages of each event, in the order of the events, with one question for all readers. */
export async function reach<T extends Listed>(
  db: Queryable,
  events: readonly Telling<T>[],
  now = clock.now(),
): Promise<Reached<T>[][]> {
  const readers = await findReaders(
    db,
    events.flatMap(({ listed }) =>
      listed.flatMap(({ userId, parentId }) => (parentId === undefined ? [userId] : [userId, parentId])),
    ),
  )
  return events.map((event) => {
    const told = new Set<string>()
    return groupsOf(event.listed).flatMap(([first, ...others]) => {
      const reader = readers.get(first.userId)
      const listed = [first, ...others].map(({ channel }) => channel)
      const own = isToPerson(first) ? waysTo(event.type, first, listed, reader) : [alone(first, reader)]
      const { parentId } = first
      told.add(`${first.userId} ${first.templateId}`)
      if (parentId === undefined || !isToPerson(first))
        return own.map((way) => decided(event, first, way, first.userId, reader, now))
      if (told.has(`${parentId} ${first.templateId}`)) {
        const reason = "told in the message of the parent"
        return own.map((way) => decided(event, first, { ...way, reason }, first.userId, reader, now))
      }
      const parent = readers.get(parentId)
      const beside = waysTo(event.type, first, listed, parent).filter(isNoMail)
      return [
        ...own.filter(isMail).map((way) => decided(event, first, way, first.userId, reader, now)),
        ...beside.map((way) => decided(event, first, way, parentId, parent, now)),
      ]
    })
  })
}

const isMail = ({ channel }: Way) => channel === "email"
const isNoMail = (way: Way) => !isMail(way)

/** A way to a reader, as the reader's choices have it. */
function decided<T extends Listed>(
  event: Telling<T>,
  first: T,
  { channel, address, reason }: Way,
  readerId: string,
  reader: Reader | undefined,
  now: number,
): Reached<T> {
  const message = { ...first, readerId, channel, address, notBefore: undefined }
  if (reason !== undefined) return { ...message, reason }
  const decision = decisionOf({ ...event, channel }, reader, now)
  return decision.send
    ? { ...message, notBefore: decision.notBefore, reason: undefined }
    : { ...message, reason: decision.reason }
}

interface Way {
  readonly channel: ChannelName
  readonly address: string | undefined
  readonly reason?: string
}

const isToPerson = ({ address, linkId }: Listed) => address === undefined && linkId === undefined

/** A person's entries for one message stand together; one with an address of its own stands alone. */
function groupsOf<T extends Listed>(listed: readonly T[]): (readonly [T, ...T[]])[] {
  const groups = new Map<string, [T, ...T[]]>()
  for (const [nth, each] of listed.entries()) {
    const key = isToPerson(each) ? `${each.userId} ${each.templateId}` : String(nth)
    const group = groups.get(key)
    if (group) group.push(each)
    else groups.set(key, [each])
  }
  return [...groups.values()]
}

function alone({ channel, address, email }: Listed, reader: Reader | undefined): Way {
  return { channel, address, ...whyNoMail(email, reader, channel) }
}

function waysTo(type: string, { email }: Listed, listed: readonly ChannelName[], reader: Reader | undefined): Way[] {
  const ways: Way[] = []
  if (listed.includes("email"))
    ways.push({ channel: "email", address: undefined, ...whyNoMail(email, reader, "email") })
  for (const browser of reader?.browsers ?? []) ways.push({ channel: "push", address: browser })
  if (listed.includes("push") && !reader?.browsers.length)
    ways.push({ channel: "push", address: undefined, reason: "no browser subscribed" })
  if (reader?.signsIn) ways.push({ channel: "in_app", address: undefined })
  if (reader?.phone && !isRequired(type) && isSwitchedOn("sms", type, reader))
    ways.push({ channel: "sms", address: reader.phone })
  return ways
}

function whyNoMail(email: string | undefined, reader: Reader | undefined, channel: ChannelName) {
  if (reader === undefined) return { reason: "no such user" }
  return channel === "email" && email === undefined ? { reason: "no email address" } : {}
}
