/**
 * By which channels people are told about events. The list of an event (configs.ts) names mail, and what the
 * specification names. Beside it, by rule, for every message to a person:
 * - inside the program, for whoever has an account,
 * - in each browser that the person subscribed,
 * - as a text, to a verified number, where the person has switched texts on.
 * A mail to an address of its own, such as one with a link, stays alone. Then each reader's choices decide.
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
    events.flatMap(({ listed }) => listed.map(({ userId }) => userId)),
  )
  return events.map((event) =>
    groupsOf(event.listed).flatMap(([first, ...others]) => {
      const reader = readers.get(first.userId)
      const listed = [first, ...others].map(({ channel }) => channel)
      const ways = isToPerson(first) ? waysTo(event.type, first, listed, reader) : [alone(first, reader)]
      return ways.map(({ channel, address, reason }): Reached<T> => {
        const message = { ...first, channel, address, notBefore: undefined }
        if (reason !== undefined) return { ...message, reason }
        const decision = decisionOf({ ...event, channel }, reader, now)
        return decision.send
          ? { ...message, notBefore: decision.notBefore, reason: undefined }
          : { ...message, reason: decision.reason }
      })
    }),
  )
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
    ways.push({ channel: "push", address: undefined, reason: "no push channel registered" })
  if (reader?.signsIn) ways.push({ channel: "in_app", address: undefined })
  if (reader?.phone && !isRequired(type) && isSwitchedOn("sms", type, reader))
    ways.push({ channel: "sms", address: reader.phone })
  return ways
}

function whyNoMail(email: string | undefined, reader: Reader | undefined, channel: ChannelName) {
  if (reader === undefined) return { reason: "no such user" }
  return channel === "email" && email === undefined ? { reason: "no email address" } : {}
}
