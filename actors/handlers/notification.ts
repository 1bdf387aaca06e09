/**
 * NotificationHandler tells people about events, by the list in src/outbound/messages/configs.ts. It records the
 * messages, in the transaction that settles its runs, and sends nothing: the actor send-messages does. An event's
 * messages have unique intents, so a run that is handled again adds none. Reprocessing its dead letter begins the
 * messages anew that were given up.
 */

import { reached } from "#base/crash-points.ts"
import type { Tx } from "#base/database/transaction.ts"
import { sendHint } from "#base/hints.ts"
import { NOTIFICATION_CONFIGS, notifiedEvents } from "#outbound/messages/configs.ts"
import { type Channels, type Intent, NotRendered, recordMessages } from "#outbound/messages/intents.ts"
import { GiveUp, type HandledEvent, type Outcome, type SetBasedHandler, TryLater } from "./handler.ts"

export interface NotificationTools {
  /** The channels of this program. */
  readonly channels: Channels
}

/** Events whose texts are made between two statements. The transaction must not stand idle for long. */
const eventsAtOnce = 50

export const notificationHandler = ({ channels }: NotificationTools): SetBasedHandler => ({
  kind: "transactional",
  name: "NotificationHandler",
  events: notifiedEvents,
  async handleAll(tx, events) {
    const outcomes: Outcome[] = []
    for (let from = 0; from < events.length; from += eventsAtOnce)
      outcomes.push(...(await tell(tx, events.slice(from, from + eventsAtOnce), channels)))
    reached("messages-recorded")
    tx.afterCommit(() => sendHint("messages"))
    return outcomes
  },
})

/** Another handler decides within milliseconds. */
const notDecidedMs = 500

async function tell(tx: Tx, events: readonly HandledEvent[], channels: Channels): Promise<readonly Outcome[]> {
  const reasons: (string | undefined)[] = []
  for (const event of events) {
    const { whyNot, toldElsewhere } = NOTIFICATION_CONFIGS[event.type] ?? {}
    const elsewhere = await toldElsewhere?.(tx, event.data as never, event)
    if (typeof elsewhere === "object") throw new TryLater(elsewhere.later, notDecidedMs, "not_decided")
    reasons.push(elsewhere ?? (await whyNot?.(tx, event.data as never)))
  }
  const told = events.filter((_, nth) => reasons[nth] === undefined)
  try {
    const recorded = await recordMessages(tx, told, channels)
    const byEvent = new Map(told.map((event, nth) => [event, recorded[nth] ?? []]))
    return events.map((event, nth) => {
      const skipped = reasons[nth]
      return skipped === undefined ? outcomeOf(byEvent.get(event) ?? []) : { skipped }
    })
  } catch (error) {
    if (error instanceof NotRendered) throw new GiveUp(error.message, "not_rendered")
    throw error
  }
}

function outcomeOf(messages: readonly Intent[]): Outcome {
  if (messages.length === 0) return { skipped: "nobody to notify" }
  if (messages.some(({ status }) => status !== "skipped")) return undefined
  return { skipped: [...new Set(messages.map(({ reason }) => reason ?? ""))].sort().join("; ") }
}
