/**
 * NotificationHandler tells people about events, by the list in src/outbound/messages/configs.ts. The messages are
 * recorded first, and each send is committed as begun before it leaves. At least once, under a Message-ID that stays
 * the same: a repeated run sends only messages that are not known to have been sent. One recipient's failure delays no
 * other.
 */

import type { Config } from "#base/config.ts"
import { reached } from "#base/crash-points.ts"
import type { SecretBox } from "#base/secrets.ts"
import { transact } from "#events/outbox.ts"
import { serviceFailed, serviceNow, serviceWorks } from "#outbound/messages/channel-service.ts"
import { RecipientRefused, SendFailed } from "#outbound/messages/channels/channel.ts"
import type { Mailer } from "#outbound/messages/channels/email/smtp.ts"
import { NOTIFICATION_CONFIGS, notifiedEvents } from "#outbound/messages/configs.ts"
import {
  beginSending,
  defer,
  deferHeld,
  type Intent,
  intend,
  intentsOf,
  markEnded,
  markIntentSent,
  NotRendered,
  reopenFailed,
} from "#outbound/messages/intents.ts"
import { linkUrl, withLink } from "#outbound/messages/link-place.ts"
import {
  causedBy,
  type ExternalHandler,
  type ExternalTools,
  GiveUp,
  type HandledEvent,
  type Outcome,
  TryLater,
} from "./handler.ts"

/** Some of the event's messages are not sent; the next attempt of the run sends only these. */
export class NotificationsUnsent extends Error {
  readonly _tag = "NotificationsUnsent"
  readonly code = "notifications_unsent"
}

const name = "NotificationHandler"

/** Sends of one event under way at once. */
const sendsAtOnce = 4

export interface NotificationTools {
  readonly mail: Mailer
  /** `environment`: of the events that a sent message records. */
  readonly config: Pick<Config, "environment" | "publicUrl">
  readonly secrets: SecretBox
}

export function notificationHandler({ mail, config, secrets }: NotificationTools): ExternalHandler {
  const { environment, publicUrl } = config
  return {
    kind: "external",
    name,
    events: notifiedEvents,

    async handle(event, { db, signal }) {
      const whyNot = await NOTIFICATION_CONFIGS[event.type]?.whyNot?.(db, event.data as never)
      if (whyNot !== undefined) return { skipped: whyNot }
      const intents = await recorded(db, event)
      reached("messages-recorded", event.id)
      const waiting = intents.filter(isDue)
      const failures: unknown[] = []
      const service = waiting.length > 0 ? await serviceNow(db, "email") : undefined
      let heldBy: SendFailed | undefined
      let answered = false
      if (service?.heldMs !== undefined) {
        const { heldMs, answer } = service
        await deferHeld(db, waiting.splice(0), { heldMs, answer })
      }
      const sendNext = async () => {
        for (let intent = waiting.shift(); intent !== undefined; intent = waiting.shift()) {
          try {
            await send(intent)
          } catch (error) {
            failures.push(error)
          }
        }
      }
      await Promise.all(Array.from({ length: service?.probes ? 1 : sendsAtOnce }, sendNext))
      if (answered && heldBy === undefined && service?.doubted) await serviceWorks(db, "email")
      const after = await intentsOf(db, event)
      const broken = failures.filter((error) => !(error instanceof SendFailed))
      if (broken.length > 0) throw new NotificationsUnsent(unsent(after, broken.map(wordsOf)))
      return outcomeOf(after)

      async function send(intent: Intent): Promise<void> {
        signal.throwIfAborted()
        if (intent.email === null) return markEnded(db, intent, "skipped", "no email address")
        if (mail.unavailable !== undefined) return markEnded(db, intent, "skipped", mail.unavailable)
        if (heldBy !== undefined) return deferHeld(db, [intent], { heldMs: 1_000, answer: heldBy.message })
        if (!(await beginSending(db, intent))) return
        reached("send-begun", event.id)
        const { id, name, email: address, title: subject, link_id: linkId } = intent
        const url = linkId === null ? undefined : linkUrl({ secrets, publicUrl }, linkId)
        const [text, html] = [intent.body, intent.html ?? ""].map((each) => (url ? withLink(each, url) : each))
        try {
          await mail.send({ id, to: { name, address }, subject, text: text ?? "", html: html ?? "" }, signal)
        } catch (error) {
          if (error instanceof RecipientRefused) {
            answered = true
            return markEnded(db, intent, "refused", error.message)
          }
          if (error instanceof SendFailed && !signal.aborted) {
            if (error.concern === "service") heldBy ??= error
            if (error.concern === "message") answered = true
            else await serviceFailed(db, "email", error, address)
            await defer(db, intent, error)
          }
          throw error
        }
        answered = true
        reached("mail-sent", event.id)
        await markAsSent(intent)
      }

      async function markAsSent(intent: Intent): Promise<void> {
        const whenSent = NOTIFICATION_CONFIGS[event.type]?.whenSent
        if (whenSent === undefined) {
          await markIntentSent(db, intent)
          return
        }
        const context = causedBy(event, environment)
        await transact(db, context, async (tx) => {
          const sentAt = await markIntentSent(tx, intent)
          const { user_id: userId, channel } = intent
          if (sentAt !== undefined) await whenSent(tx, event.data as never, { userId, channel, sentAt })
        })
      }
    },
  }
}

/** Whether the message can be sent now. */
const isDue = ({ status, wait_ms }: Intent) => isOpen({ status }) && (wait_ms === null || wait_ms <= 0)
const isOpen = ({ status }: Pick<Intent, "status">) =>
  status === "pending" || status === "sending" || status === "deferred"

/** The messages of an event. Its first run records them. */
async function recorded(db: ExternalTools["db"], event: HandledEvent): Promise<Intent[]> {
  const config = NOTIFICATION_CONFIGS[event.type]
  const before = await intentsOf(db, event)
  if (before.length > 0 || config === undefined) {
    const reopens = !before.some(isOpen) && before.some(({ status }) => status === "failed")
    return reopens && (await reopenFailed(db, event, name)) > 0 ? intentsOf(db, event) : before
  }
  try {
    await intend(db, event, config)
  } catch (error) {
    if (error instanceof NotRendered) throw new GiveUp(error.message, "not_rendered")
    throw error
  }
  return intentsOf(db, event)
}

/** Messages that wait are tried again when the first is due. The event is given up only after all have ended. */
function outcomeOf(intents: readonly Intent[]): Outcome {
  const open = intents.filter(isOpen)
  if (open.length > 0) {
    const waitMs = Math.max(soonestMs, Math.min(...open.map(({ wait_ms }) => wait_ms ?? soonestMs)))
    throw new TryLater(unsent(intents, open.map(wordsOf)), waitMs, "notifications_unsent")
  }
  const failed = intents.filter(({ status }) => status === "failed")
  if (failed.length > 0) throw new GiveUp(unsent(intents, failed.map(wordsOf)), "mail_undeliverable")
  if (intents.length === 0) return { skipped: "nobody to notify" }
  if (intents.some(({ status }) => status === "sent")) return undefined
  return { skipped: [...new Set(intents.map(({ reason }) => reason ?? ""))].sort().join("; ") }
}

const soonestMs = 500

const wordsOf = (failure: unknown) =>
  failure instanceof Error ? failure.message : ((failure as { reason?: string | null }).reason ?? String(failure))

const unsent = (intents: readonly Intent[], words: readonly string[]) =>
  `${intents.filter((each) => isOpen(each) || each.status === "failed").length} of ${intents.length} not sent: ${[...new Set(words)].join("; ")}`
