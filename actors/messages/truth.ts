/**
 * What an event's own rules say about its messages. One rule says whether a message is still true just before it
 * leaves. Another says what else happens when it was sent. Few events have such rules; for the others nothing is asked.
 */
import { type ReadEvent, readEvents } from "#actors/runtime/event-memory.ts"
import type { Db } from "#base/database/db.ts"
import { isConnectionLost } from "#base/database/errors.ts"
import { causedBy } from "#events/caused-by.ts"
import { type EventContext, transact } from "#events/outbox.ts"
import { NOTIFICATION_CONFIGS } from "#outbound/messages/configs.ts"
import type { ClaimedMessage } from "./claim.ts"
import { settleSent, settleSentInVain } from "./settle.ts"

/** The reason not to send a message any more; undefined: it is still true. */
export async function whyNotNow(db: Db, { type, event_id }: ClaimedMessage): Promise<string | undefined> {
  const whyNot = NOTIFICATION_CONFIGS[type]?.whyNot
  if (whyNot === undefined) return undefined
  const event = (await readEvents(db, [event_id])).get(event_id)
  return event === undefined ? "its event has left the log" : whyNot(db, event.data as never, event.facility_id)
}

/**
 * Settles sent messages. What follows from one happens in the same transaction, once. Where that fails, the message is
 * sent all the same, and a dead letter says what did not follow.
 */
export async function settleWithEffects(
  db: Db,
  sent: readonly ClaimedMessage[],
  environment: EventContext["environment"],
): Promise<void> {
  const effects = sent.filter(({ type }) => NOTIFICATION_CONFIGS[type]?.whenSent !== undefined)
  const plain = sent.filter((message) => !effects.includes(message))
  if (plain.length > 0) await settleSent(db, plain)
  const ids = effects.map(({ event_id }) => event_id)
  const events = effects.length > 0 ? await readEvents(db, ids) : new Map<string, ReadEvent>()
  for (const message of effects) {
    const event = events.get(message.event_id)
    if (event === undefined) await settleSent(db, [message])
    else await settleOne(db, message, event, environment)
  }
}

async function settleOne(
  db: Db,
  message: ClaimedMessage,
  event: ReadEvent,
  environment: EventContext["environment"],
): Promise<void> {
  const { user_id: userId, channel } = message
  try {
    await transact(db, causedBy(event, environment), async (tx) => {
      const sentAt = (await settleSent(tx, [message])).get(message)
      if (sentAt === undefined) return
      await NOTIFICATION_CONFIGS[message.type]?.whenSent?.(tx, event.data as never, { userId, channel, sentAt })
    })
  } catch (error) {
    if (isConnectionLost(error)) throw error
    await settleSentInVain(db, message, error)
  }
}
