/** What a person wants to be told, as the person reads and changes it. */
import type { Caller } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { lockAccount } from "#domain/people/users.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { channelNames } from "#outbound/messages/channels/channel.ts"
import { notifiedEvents } from "#outbound/messages/configs.ts"
import { decisionOf } from "./decide.ts"
import { checkSwitches, type PreferencesAnswer, type PreferencesInput } from "./input.ts"
import { findReaders } from "./readers.ts"
import { type Choice, type QuietChannel, replaceChoices, type Switch, setSwitch } from "./rows.ts"
import { isRequired } from "./switchable.ts"

export async function readPreferences(db: Queryable, { userId }: Caller): Promise<typeof PreferencesAnswer.Type> {
  return preferencesOf((await findReaders(db, [userId])).get(userId))
}

/** Replaces all of them. Records `user.updated`, unless nothing differs. Throws InvalidInput. */
export async function replacePreferences(
  tx: Tx,
  caller: Caller,
  given: typeof PreferencesInput.Type,
): Promise<typeof PreferencesAnswer.Type> {
  checkSwitches(given)
  const { userId } = caller
  await lockAccount(tx, userId)
  const before = (await findReaders(tx, [userId])).get(userId)
  const { switches, quietHours } = given
  const quiet = quietHours && { ...quietHours, channels: quietHours.channels ?? waitingWithoutChoice }
  await replaceChoices(tx, userId, { switches, quietHours: quiet })
  const after = (await findReaders(tx, [userId])).get(userId)
  if (Bun.deepEquals(before, after)) noteChange(tx, "nothing")
  else noteChanged(tx, userId, userId, { before: shownOf(before), after: shownOf(after) })
  return preferencesOf(after)
}

/** Switches the messages of a type off or on, in the name of their reader. Records `user.updated`, unless it was so. */
export async function switchMessages(tx: Tx, userId: string, change: Switch): Promise<void> {
  if (!(await setSwitch(tx, userId, change))) return noteChange(tx, "nothing")
  const { type, channel, enabled } = change
  noteChanged(tx, userId, userId, { after: { [`${type} ${channel}`]: enabled } })
}

function noteChanged(tx: Tx, userId: string, by: string, values: { before?: Fields; after: Fields }): void {
  noteChange(tx, { subjectType: "user", subjectId: userId, ...values })
  record(tx, { type: "user.updated", data: { userId, changed: ["messagePreferences"], updatedBy: by } })
}
type Fields = Readonly<Record<string, unknown>>

/** Mail waits in a mailbox without a sound on most phones; a person may add it. */
const waitingWithoutChoice: readonly QuietChannel[] = ["sms", "push"]

const shownOf = (choice: Choice | undefined): Fields => ({
  ...Object.fromEntries((choice?.switches ?? []).map(({ type, channel, enabled }) => [`${type} ${channel}`, enabled])),
  quietHours: choice?.quietHours
    ? `${choice.quietHours.start}-${choice.quietHours.end} ${choice.quietHours.channels.join(", ")}`
    : null,
})

function preferencesOf(choice: Choice | undefined): typeof PreferencesAnswer.Type {
  const sent = (type: string) => (channel: (typeof channelNames)[number]) =>
    [channel, decisionOf({ channel, type, priority: "normal", timezone: "UTC" }, choice, 0).send] as const
  return {
    switches: choice?.switches ?? [],
    quietHours: choice?.quietHours ?? null,
    timezone: choice?.timezone ?? null,
    types: notifiedEvents.map((type) => ({
      type,
      required: isRequired(type),
      channels: Object.fromEntries(channelNames.map(sent(type))),
    })),
  }
}
