/**
 * NotificationHandler tells people about events, by the list in src/outbound/messages/configs.ts. It records the
 * messages, in the transaction that settles its runs, and sends nothing: the actor send-messages does. Of many events
 * of one facility at once it leaves the most to the actor write-messages. An event's messages have unique intents, so a
 * repeated run adds none. Reprocessing its dead letter begins the messages anew that were given up.
 */

import type { Config } from "#base/config.ts"
import { reached } from "#base/crash-points.ts"
import type { Tx } from "#base/database/transaction.ts"
import { sendHint } from "#base/hints.ts"
import { keepForLater, withBacklog } from "#outbound/messages/backlog.ts"
import { notifiedEvents } from "#outbound/messages/configs.ts"
import { type Channels, NotRendered } from "#outbound/messages/intents.ts"
import { NotDecidedYet, type TellingTools, tellPeople } from "#outbound/messages/tell.ts"
import { GiveUp, type HandledEvent, type Outcome, type SetBasedHandler, TryLater } from "./handler.ts"

export interface NotificationTools {
  /** The channels of this program. */
  readonly channels: Channels
  readonly config: Pick<Config, "environment">
}

/** Events whose texts are made between two statements. The transaction must not stand idle for long. */
const eventsAtOnce = 50
/** Events of one facility in a batch whose messages are written at once. The next facility waits for no more. */
const ofOneFacility = 25

export const notificationHandler = ({ channels, config: { environment } }: NotificationTools): SetBasedHandler => ({
  kind: "transactional",
  name: "NotificationHandler",
  events: notifiedEvents,
  async handleAll(tx, events) {
    const later = await leftForLater(tx, events)
    const now = events.filter((event) => !later.has(event))
    const outcomes = new Map<HandledEvent, Outcome>()
    for (let from = 0; from < now.length; from += eventsAtOnce) {
      const some = now.slice(from, from + eventsAtOnce)
      const told = await tell(tx, some, { channels, environment })
      for (const [nth, event] of some.entries()) outcomes.set(event, told[nth])
    }
    await keepForLater(tx, [...later])
    reached("messages-recorded")
    tx.afterCommit(() => sendHint("messages"))
    return events.map((event) => outcomes.get(event))
  },
})

/** Another handler decides within milliseconds. */
const notDecidedMs = 500

/** In each facility what is too much, and what comes after something that waits already. */
async function leftForLater(tx: Tx, events: readonly HandledEvent[]): Promise<ReadonlySet<HandledEvent>> {
  const byFacility = Map.groupBy(events, (event) => event.facility_id)
  const waiting = await withBacklog(tx, [...byFacility.keys()])
  return new Set([...byFacility].flatMap(([facility, of]) => (waiting.has(facility) ? of : of.slice(ofOneFacility))))
}

async function tell(tx: Tx, events: readonly HandledEvent[], tools: TellingTools): Promise<readonly Outcome[]> {
  try {
    return await tellPeople(tx, events, tools)
  } catch (error) {
    if (error instanceof NotDecidedYet) throw new TryLater(error.message, notDecidedMs, "not_decided")
    if (error instanceof NotRendered) throw new GiveUp(error.message, "not_rendered")
    throw error
  }
}
