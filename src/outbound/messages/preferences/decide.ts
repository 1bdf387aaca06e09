/**
 * Whether a message is sent, and when: by what its reader has switched off, and by the reader's quiet hours. `critical`
 * passes both. A message inside the program disturbs nobody, so quiet hours do not hold it.
 */

import { clock } from "#base/clock.ts"
import type { Queryable } from "#base/database/db.ts"
import type { ChannelName, MessagePriority } from "#outbound/messages/channels/channel.ts"
import { quietUntil } from "./quiet-hours.ts"
import { findReaders } from "./readers.ts"
import { allTypes, type Choice } from "./rows.ts"
import { isOnWithoutChoice, isRequired } from "./switchable.ts"

/** A message that somebody may get. */
export interface AskedMessage {
  readonly userId: string
  readonly channel: ChannelName
  /** Of its event. */
  readonly type: string
  readonly priority: MessagePriority
  /** Of its facility; that of a reader who has chosen no zone. */
  readonly timezone: string
}

export type Decision =
  | { readonly send: true; readonly notBefore?: Date }
  | { readonly send: false; readonly reason: string }

/** Decides about many messages with one question. The answers are in the order of the messages. */
export async function decideMessages(
  db: Queryable,
  wanted: readonly AskedMessage[],
  now = clock.now(),
): Promise<Decision[]> {
  if (wanted.length === 0) return []
  const choices = await findReaders(
    db,
    wanted.map(({ userId }) => userId),
  )
  return wanted.map((each) => decisionOf(each, choices.get(each.userId), now))
}

/** The decision by a reader's choices; undefined: there is no such reader. */
export function decisionOf(asked: Omit<AskedMessage, "userId">, choice: Choice | undefined, now: number): Decision {
  const { channel, type, priority, timezone } = asked
  if (priority === "critical" || isRequired(type)) return { send: true }
  if (!isSwitchedOn(channel, type, choice))
    return { send: false, reason: channel === "sms" ? "not chosen by the recipient" : "switched off by the recipient" }
  const quiet = choice?.quietHours
  if (channel === "in_app" || !quiet?.channels.includes(channel)) return { send: true }
  const until = quietUntil(quiet, choice?.timezone ?? timezone, now)
  return until === undefined ? { send: true } : { send: true, notBefore: new Date(until) }
}

/** The switch of the type decides, then that of all types, then what is on without a choice. */
export function isSwitchedOn(channel: ChannelName, type: string, choice: Choice | undefined): boolean {
  const of = (wanted: string) => choice?.switches.find((each) => each.type === wanted && each.channel === channel)
  return (of(type) ?? of(allTypes))?.enabled ?? isOnWithoutChoice(channel)
}
