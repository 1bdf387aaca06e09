/**
 * NotificationHandler tells people about events, by the list in src/outbound/messages/configs.ts. It records the
 * messages, in the transaction that settles its runs, and sends nothing: the actor send-messages does. Messages inside
 * the program are sent by being recorded, and an event announces them. An event's
 * messages have unique intents, so a run that is handled again adds none. Reprocessing its dead letter begins the
 * messages anew that were given up.
 */

import type { Config } from "#base/config.ts"
import { reached } from "#base/crash-points.ts"
import type { Tx } from "#base/database/transaction.ts"
import { sendHint } from "#base/hints.ts"
import { record, setEventContext } from "#events/outbox.ts"
import { NOTIFICATION_CONFIGS, notifiedEvents } from "#outbound/messages/configs.ts"
import { type Channels, type Intent, NotRendered, recordMessages } from "#outbound/messages/intents.ts"
import { causedBy, GiveUp, type HandledEvent, type Outcome, type SetBasedHandler, TryLater } from "./handler.ts"

export interface NotificationTools {
  /** The channels of this program. */
  readonly channels: Channels
  readonly config: Pick<Config, "environment">
}

/** Events whose texts are made between two statements. The transaction must not stand idle for long. */
const eventsAtOnce = 50

export const notificationHandler = ({ channels, config }: NotificationTools): SetBasedHandler => ({
  kind: "transactional",
  name: "NotificationHandler",
  events: notifiedEvents,
  async handleAll(tx, events) {
    const outcomes: Outcome[] = []
    for (let from = 0; from < events.length; from += eventsAtOnce)
      outcomes.push(...(await tell(tx, events.slice(from, from + eventsAtOnce), channels, config)))
    reached("messages-recorded")
    tx.afterCommit(() => sendHint("messages"))
    return outcomes
  },
})

/** Another handler decides within milliseconds. */
const notDecidedMs = 500

async function tell(
  tx: Tx,
  events: readonly HandledEvent[],
  channels: Channels,
  config: NotificationTools["config"],
): Promise<readonly Outcome[]> {
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
    for (const [event, messages] of byEvent) announce(tx, event, messages, config)
    return events.map((event, nth) => {
      const skipped = reasons[nth]
      return skipped === undefined ? outcomeOf(byEvent.get(event) ?? []) : { skipped }
    })
  } catch (error) {
    if (error instanceof NotRendered) throw new GiveUp(error.message, "not_rendered")
    throw error
  }
}

/** Browsers hear of the messages inside the program by an event, which is committed with them. */
function announce(
  tx: Tx,
  event: HandledEvent,
  messages: readonly Intent[],
  { environment }: NotificationTools["config"],
): void {
  const notifications = messages.flatMap(({ notice }) => (notice ? [notice] : []))
  if (notifications.length === 0) return
  setEventContext(tx, causedBy(event, environment))
  record(tx, {
    type: "notification.created",
    facilityId: event.facility_id,
    data: { eventId: event.id, notifications },
  })
}

function outcomeOf(messages: readonly Intent[]): Outcome {
  if (messages.length === 0) return { skipped: "nobody to notify" }
  if (messages.some(({ status }) => status !== "skipped")) return undefined
  return { skipped: [...new Set(messages.map(({ reason }) => reason ?? ""))].sort().join("; ") }
}
