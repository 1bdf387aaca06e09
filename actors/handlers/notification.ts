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
import { type Mailer, MailFailed, RecipientRefused } from "#outbound/messages/channels/email/smtp.ts"
import { NOTIFICATION_CONFIGS, notifiedEvents } from "#outbound/messages/configs.ts"
import {
  beginSending,
  type Intent,
  intend,
  intentsOf,
  markFailed,
  markIntentSent,
  markSkipped,
  NotRendered,
} from "#outbound/messages/intents.ts"
import { linkUrl, withLink } from "#outbound/messages/link-place.ts"
import {
  causedBy,
  type ExternalHandler,
  type ExternalTools,
  GiveUp,
  type HandledEvent,
  type Outcome,
} from "./handler.ts"

/** Some of the event's messages are not sent; the next attempt of the run sends only these. */
export class NotificationsUnsent extends Error {
  readonly _tag = "NotificationsUnsent"
  readonly code = "notifications_unsent"
}

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
    name: "NotificationHandler",
    events: notifiedEvents,

    async handle(event, { db, signal }) {
      const whyNot = await NOTIFICATION_CONFIGS[event.type]?.whyNot?.(db, event.data as never)
      if (whyNot !== undefined) return { skipped: whyNot }
      const intents = await recorded(db, event)
      reached("messages-recorded", event.id)
      const waiting = intents.filter(({ status }) => status === "pending" || status === "sending")
      const failures: string[] = []
      const sendNext = async () => {
        for (let intent = waiting.shift(); intent !== undefined; intent = waiting.shift()) {
          try {
            await send(intent)
          } catch (error) {
            failures.push(error instanceof Error ? error.message : String(error))
          }
        }
      }
      await Promise.all(Array.from({ length: sendsAtOnce }, sendNext))
      if (failures.length > 0)
        throw new NotificationsUnsent(
          `${failures.length} of ${intents.length} not sent: ${[...new Set(failures)].join("; ")}`,
        )
      return outcomeOf(await intentsOf(db, event))

      async function send(intent: Intent): Promise<void> {
        signal.throwIfAborted()
        if (intent.email === null) return markSkipped(db, intent, "no email address")
        if (mail.unavailable !== undefined) return markSkipped(db, intent, mail.unavailable)
        if (!(await beginSending(db, intent))) return
        reached("send-begun", event.id)
        const { id, name, email: address, title: subject, link_id: linkId } = intent
        const url = linkId === null ? undefined : linkUrl({ secrets, publicUrl }, linkId)
        const [text, html] = [intent.body, intent.html ?? ""].map((each) => (url ? withLink(each, url) : each))
        try {
          await mail.send({ id, to: { name, address }, subject, text: text ?? "", html: html ?? "" }, signal)
        } catch (error) {
          if (error instanceof RecipientRefused) return markSkipped(db, intent, error.message)
          if (error instanceof MailFailed) await markFailed(db, intent, error.message, error.outcome === "not_sent")
          throw error
        }
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

/** The messages of an event. Its first run records them. */
async function recorded(db: ExternalTools["db"], event: HandledEvent): Promise<Intent[]> {
  const config = NOTIFICATION_CONFIGS[event.type]
  const before = await intentsOf(db, event)
  if (before.length > 0 || config === undefined) return before
  try {
    await intend(db, event, config)
  } catch (error) {
    if (error instanceof NotRendered) throw new GiveUp(error.message, "not_rendered")
    throw error
  }
  return intentsOf(db, event)
}

function outcomeOf(intents: readonly Intent[]): Outcome {
  if (intents.length === 0) return { skipped: "nobody to notify" }
  if (intents.some(({ status }) => status !== "skipped")) return undefined
  return { skipped: [...new Set(intents.map(({ reason }) => reason ?? ""))].sort().join("; ") }
}
