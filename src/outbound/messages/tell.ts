/**
 * Tells people of events: what an event's own rule forbids is left out, and the messages of the others are recorded.
 * Browsers hear of messages inside the program by an event, which is committed with them. The outcome of each event is
 * that of a run of NotificationHandler.
 */
import type { Tx } from "#base/database/transaction.ts"
import { causedBy } from "#events/caused-by.ts"
import { type EventContext, record, setEventContext } from "#events/outbox.ts"
import { NOTIFICATION_CONFIGS } from "./configs.ts"
import { type Channels, type Intent, type Notified, recordMessages } from "./intents.ts"
import type { ToldElsewhere } from "./notification-config.ts"

/** Undefined: there is a message. Else the reason why there is none. */
export type TellingOutcome = undefined | { readonly skipped: string }

export interface TellingTools {
  readonly channels: Channels
  /** Of the events that announce messages. */
  readonly environment: EventContext["environment"]
}

/** Another message may still tell the same. It is certain soon. */
export class NotDecidedYet extends Error {
  readonly _tag = "NotDecidedYet"
}

/**
 * In the order of the events. Throws `NotRendered`, and `NotDecidedYet` for an event about which is not decided.
 * @param undecided "tell": people are told all the same, and may read it twice
 */
export async function tellPeople(
  tx: Tx,
  events: readonly Notified[],
  { channels, environment }: TellingTools,
  undecided: "throw" | "tell" = "throw",
): Promise<readonly TellingOutcome[]> {
  const elsewhere = await toldElsewhere(tx, events)
  const reasons: (string | undefined)[] = []
  for (const event of events) {
    const other = elsewhere.get(event)
    if (typeof other === "object" && undecided === "throw") throw new NotDecidedYet(other.later)
    const told = typeof other === "object" ? undefined : other
    reasons.push(told ?? (await NOTIFICATION_CONFIGS[event.type]?.whyNot?.(tx, event.data as never, event.facility_id)))
  }
  const told = events.filter((_, nth) => reasons[nth] === undefined)
  const recorded = await recordMessages(tx, told, channels)
  const byEvent = new Map(told.map((event, nth) => [event, recorded[nth] ?? []]))
  for (const [event, messages] of byEvent) announce(tx, event, messages, environment)
  return events.map((event, nth) => {
    const skipped = reasons[nth]
    return skipped === undefined ? outcomeOf(byEvent.get(event) ?? []) : { skipped }
  })
}

/** Asks once for all events of a type. */
async function toldElsewhere(tx: Tx, events: readonly Notified[]): Promise<ReadonlyMap<Notified, ToldElsewhere>> {
  const found = new Map<Notified, ToldElsewhere>()
  for (const [type, some] of Map.groupBy(events, (event) => event.type)) {
    const answers = await NOTIFICATION_CONFIGS[type]?.toldElsewhere?.(tx, some)
    for (const [nth, event] of some.entries()) found.set(event, answers?.[nth])
  }
  return found
}

function announce(
  tx: Tx,
  event: Notified,
  messages: readonly Intent[],
  environment: EventContext["environment"],
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

function outcomeOf(messages: readonly Intent[]): TellingOutcome {
  if (messages.length === 0) return { skipped: "nobody to notify" }
  if (messages.some(({ status }) => status !== "skipped")) return undefined
  return { skipped: [...new Set(messages.map(({ reason }) => reason ?? ""))].sort().join("; ") }
}
